"""The nearest rows of a bag of sparse features: exact, by products of columns that few rows have and of matrices.

Where few rows have a column, the products over it are summed entry by entry; the common columns, which would cost
most so, make a small dense matrix, which the BLAS library multiplies. Both in float32; then the few rows that may be
among the nearest are measured exactly.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.resample.kernels_sparse import Rows

__all__ = ["nearest_sparse"]

COMMON = 0.2  # share of the rows above which a column is common
CHUNK_VALUES = 2**20  # values of the bag that are put in order by column at once: some 30 bytes each
SCORES_AT_ONCE = 2**20  # pairs of a seed and a candidate: 4 bytes each


def nearest_sparse(
    features: sparse.csr_matrix,
    rows: NDArray[np.int64],
    seeds: NDArray[np.int64],
    k: int,
    *,
    by_angle: bool,
    common: float = COMMON,
    chunk_values: int = CHUNK_VALUES,
) -> NDArray[np.int64]:
    """Return the places in `rows` of the k rows nearest to each seed, as `nearest_dense` does for dense features.

    `common` is the share of the bag from which a column counts as common, `chunk_values` bounds the scratch; they make
    no difference to the answer.
    """
    from evenly.resample.kernels_sparse import common_parts, post_rows, take_nearer

    bag = _open_bag(features, rows)
    place = np.full((len(seeds), k), len(rows), np.int64)
    distance = np.full((len(seeds), k), np.inf)
    for first, last in _cut(bag.end - bag.begin, chunk_values):
        postings = post_rows(bag, first, last, features.shape[1], common)
        step = max(1, SCORES_AT_ONCE // (last - first))
        for begin in range(0, len(seeds), step):
            asked = seeds[begin : begin + step]
            cosines = common_parts(bag, asked, postings) @ postings.dense.T
            so_far = (distance[begin : begin + step], place[begin : begin + step])
            take_nearer(bag, asked, postings, first, cosines, by_angle, *so_far)
    return place


def _open_bag(features: sparse.csr_matrix, rows: NDArray[np.int64]) -> Rows:
    """Return the rows of a bag, where they are if they can be used so."""
    from evenly.resample.kernels_sparse import NOT_ASCENDING, NOT_FINITE, Rows, check_rows

    begin, end = (features.indptr[rows + offset].astype(np.int64) for offset in (0, 1))
    bag = Rows(begin, end, _lock(features.indices), _lock(features.data), np.zeros(len(rows)))
    wrong, row = check_rows(bag)
    if wrong == NOT_FINITE:
        raise DataError(
            f"The features of row {rows[row]} hold a value that is not finite: neighbours need numbers. Fill or drop "
            f"such values first."
        )
    if wrong == NOT_ASCENDING:
        inside = features[rows]
        inside.sum_duplicates()
        return _open_bag(inside, np.arange(len(rows)))
    return bag


def _lock(values: Any) -> NDArray[Any]:
    """Return an array that cannot be written to: loops are compiled once, for such arrays."""
    locked: NDArray[Any] = np.asarray(values).view(np.ndarray)
    locked.flags.writeable = False
    return locked


def _cut(n_values: NDArray[np.int64], at_once: int) -> list[tuple[int, int]]:
    """Return begin and end of runs of rows that hold about so many values each."""
    held = np.cumsum(n_values)
    cuts = (np.flatnonzero(np.diff(held // at_once)) + 1).tolist()
    return list(pairwise([0, *cuts, len(n_values)]))
