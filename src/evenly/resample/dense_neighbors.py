"""The nearest rows of a bag by blocked matrix products: exact, with scratch that does not grow with the bag.

The products are made in float32 of centred, scaled rows. They only tell which rows may be among the k nearest: their
error is bounded, and what lies within it is measured again in float64. So the answer is that of brute force, whatever
the library, its threads and the blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.resample.kernels_dense import Scores

__all__ = ["nearest_dense"]

CHUNK_BYTES = 2**26  # rows of the bag that are gathered at once
BLOCK_BYTES = 2**24  # products at once: they are read twice, so they should stay in the cache
ROUNDING = 2.0**-24  # of float32
SMALLEST = 1e-30  # of float32, with room for squares of many numbers to get lost
LARGEST = 1e150  # whose square float64 still holds


def nearest_dense(
    features: NDArray[Any],
    rows: NDArray[np.int64],
    seeds: NDArray[np.int64],
    k: int,
    *,
    by_angle: bool,
    chunk_bytes: int = CHUNK_BYTES,
    block_bytes: int = BLOCK_BYTES,
) -> NDArray[np.int64]:
    """Return the places in `rows` of the k rows nearest to each seed.

    Parameters
    ----------
    features
        Shape (n_rows, n_features), floats; only `rows` are looked at.
    rows
        Shape (n_bag,), ascending.
    seeds
        Shape (n_seeds,), places in `rows`.
    k
        From 1 to n_bag - 1.
    by_angle
        Rank by cosine instead of Euclidean distance; a row of zeros has cosine 0 with every other.
    chunk_bytes, block_bytes
        Scratch; they make no difference to the answer.

    Returns
    -------
    ndarray, shape (n_seeds, k), int64
        Nearest first, equally near ones by place; never the seed itself.

    Raises
    ------
    DataError
        A value is not finite, or too large to be squared.
    """
    from evenly.resample.kernels_dense import Found, take_nearer

    chunk_rows = max(1, chunk_bytes // max(1, features.shape[1] * (features.itemsize + 4)))
    chunk_rows = min(chunk_rows, len(rows))
    block_rows = min(max(1, block_bytes // (4 * chunk_rows)), len(seeds))
    found = Found(np.full((len(seeds), k), np.inf), np.zeros((len(seeds), k), np.int64))
    buffer = np.empty((block_rows, chunk_rows), np.float32)
    gathered = features[rows[:chunk_rows]]
    frame = _frame(features, rows, gathered, by_angle=by_angle)
    for first in range(0, len(rows), chunk_rows):
        chunk = frame.place(features[rows[first : first + chunk_rows]] if first else gathered)
        for begin in range(0, len(seeds), block_rows):
            places = seeds[begin : begin + block_rows]
            whole = chunk_rows == len(rows) == len(seeds)
            block = chunk.part(begin, block_rows) if whole else frame.place(features[rows[places]])
            product = np.matmul(block.scaled, chunk.scaled.T, out=buffer[: len(places), : len(chunk.exact)])
            so_far = Found(found.distance[begin : begin + block_rows], found.place[begin : begin + block_rows])
            take_nearer(frame.scores(product, block, chunk), block.exact, chunk.exact, places, first, so_far)
    return found.place


@dataclass(frozen=True, eq=False)
class _Placed:
    """Some rows: as they are measured exactly, and in float32 as they are multiplied, with their lengths."""

    exact: NDArray[Any]
    scaled: NDArray[np.float32]
    norm: NDArray[np.float32]

    def part(self, begin: int, size: int) -> _Placed:
        chosen = slice(begin, begin + size)
        return _Placed(self.exact[chosen], self.scaled[chosen], self.norm[chosen])


@dataclass(frozen=True, eq=False)
class _Frame:
    """Where the bag lies: rows are moved by `centre` and divided by `width`, so that float32 holds them well."""

    centre: NDArray[np.float64]
    width: float
    by_angle: bool

    def place(self, rows: NDArray[Any]) -> _Placed:
        exact = np.ascontiguousarray(_unit_rows(rows) if self.by_angle else rows)
        scaled = exact.astype(np.float32) if self.by_angle else self._scale(exact)
        return _Placed(exact, scaled, np.sqrt(np.einsum("ij,ij->i", scaled, scaled)))

    def _scale(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        moved = rows - self.centre  # in float64
        moved *= 1 / self.width
        return moved.astype(np.float32)

    def scores(self, product: NDArray[np.float32], block: _Placed, chunk: _Placed) -> Scores:
        from evenly.resample.kernels_dense import Scores

        return Scores(
            product=product,
            offset=np.zeros_like(chunk.norm) if self.by_angle else chunk.norm * chunk.norm * np.float32(0.5),
            seed_norm=block.norm,
            norm=chunk.norm,
            error=(block.exact.shape[1] + 16) * ROUNDING,  # of a sum of so many products, and of the steps around it
            tiny=SMALLEST,
            scale=self.width**-2,
            by_angle=self.by_angle,
        )


def _frame(features: NDArray[Any], rows: NDArray[np.int64], gathered: NDArray[Any], *, by_angle: bool) -> _Frame:
    """Find the middle of the first rows, and how far all of them reach from it."""
    centre, farthest = np.zeros(features.shape[1]), 0.0
    for first in range(0, len(rows), len(gathered)):
        chunk = features[rows[first : first + len(gathered)]] if first else gathered
        ends = np.stack([chunk.min(axis=0), chunk.max(axis=0)]).astype(np.float64)
        if not (np.abs(ends) <= LARGEST).all():  # not a number is neither
            wrong = rows[first + int((np.abs(chunk, dtype=np.float64) <= LARGEST).all(axis=1).argmin())]
            raise DataError(
                f"The features of row {wrong} hold a value that is not finite, or too large to be squared: neighbours "
                f"need numbers. Fill or drop such values first."
            )
        if not first:
            centre = chunk.mean(axis=0, dtype=np.float64)
        farthest = max(farthest, float(np.abs(ends - centre).max(initial=0.0)))
    return _Frame(centre, max(farthest, 1 / LARGEST), by_angle)


def _unit_rows(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Return rows of length 1, or 0, in float64."""
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    return rows / np.where(length > 0, length, 1.0)[:, None]
