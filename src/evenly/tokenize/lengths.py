"""How long the texts of a data set are in tokens, and what a largest length cuts off or divides.

Comes in: the lengths of some rows, partition by partition. Goes out: counts that add up over partitions, and the
figures that a person reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["Lengths", "count_bins", "pair_bins"]

_EDGES = np.array(sorted({2**k for k in range(32)} | {3 * 2**k for k in range(31)}), np.int64)
_COUNTS = ("n_rows", "n_windows", "n_tokens", "n_lost", "n_cut", "n_divided")
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass
class Lengths:
    """Counts over rows.

    Attributes
    ----------
    n_rows, n_windows
        Rows of the table, and rows that are stored: more where a row is divided into windows.
    n_tokens, n_lost
        Tokens that are stored, those that windows share counted in each, and tokens that were cut off.
    n_cut, n_divided
        Rows that lost something, and rows of several windows.
    histogram
        Rows by their length before the cut, of the longest of several fields.
    """

    n_rows: int = 0
    n_windows: int = 0
    n_tokens: int = 0
    n_lost: int = 0
    n_cut: int = 0
    n_divided: int = 0
    histogram: dict[int, int] = field(default_factory=dict)

    def add(
        self, n_tokens: int, *, lost: NDArray[np.int64], length: NDArray[np.int64], n_windows: NDArray[np.int64]
    ) -> None:
        """Add rows.

        Parameters
        ----------
        n_tokens
            That are stored of all of them.
        lost, length, n_windows
            Shape (n_rows,), int64: tokens cut off of each, its length before the cut, its windows.
        """
        self.n_rows += len(lost)
        self.n_windows += int(n_windows.sum())
        self.n_tokens += n_tokens
        self.n_lost += int(lost.sum())
        self.n_cut += int((lost > 0).sum())
        self.n_divided += int((n_windows > 1).sum())
        for value, count in zip(*np.unique(length, return_counts=True), strict=True):
            self.histogram[int(value)] = self.histogram.get(int(value), 0) + int(count)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON value; `from_json` reads it."""
        return {name: getattr(self, name) for name in _COUNTS} | {"histogram": sorted(self.histogram.items())}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Lengths:
        """Read what `to_json` wrote."""
        return cls(**{**value, "histogram": dict(value["histogram"])})

    @classmethod
    def total(cls, pieces: Iterable[Lengths]) -> Lengths:
        """Return the sum over disjoint sets of rows."""
        total = cls()
        for piece in pieces:
            for name in _COUNTS:
                setattr(total, name, getattr(total, name) + getattr(piece, name))
            for length, count in piece.histogram.items():
                total.histogram[length] = total.histogram.get(length, 0) + count
        return total

    def quantiles(self) -> dict[str, int]:
        """Return lengths before the cut: the smallest one that at least the share q of the rows does not pass."""
        if not self.n_rows:
            return {}
        lengths, counts = (np.array(column) for column in zip(*sorted(self.histogram.items()), strict=True))
        reached = np.cumsum(counts)
        return {f"{q:g}": int(lengths[np.searchsorted(reached, q * self.n_rows)]) for q in _QUANTILES}

    def bins(self) -> list[list[int]]:
        """Return pairs of a length (1, 2, 3, 4, 6, 8, 12, ...) and the rows of at most that, above the one before."""
        length, n_rows = (np.fromiter(column, np.int64) for column in (self.histogram, self.histogram.values()))
        return pair_bins(count_bins(length, n_rows))

    def facts(self) -> dict[str, Any]:
        """Return the figures for a manifest; shares lie in [0, 1]."""
        return {
            "truncated_rows": round(self.n_cut / max(self.n_rows, 1), 6),
            "lost_tokens": round(self.n_lost / max(self.n_tokens + self.n_lost, 1), 6),
            "length_quantiles": self.quantiles(),
            "length_histogram": self.bins(),
        }

    def sentence(self, max_length: int) -> str:
        """Say it to a person."""
        return f"median {self.quantiles()['0.5']:,} tokens, {self._what_became_of_long_rows(max_length)}"

    def _what_became_of_long_rows(self, max_length: int) -> str:
        if self.n_divided:
            many = f"{_percent(self.n_divided / self.n_rows)} of the rows in windows of at most {max_length}"
            return f"{many} ({self.n_windows:,} windows for {self.n_rows:,} rows)"
        if self.n_cut:
            lost = _percent(self.n_lost / (self.n_tokens + self.n_lost))
            return f"{_percent(self.n_cut / self.n_rows)} of the rows cut at {max_length} ({lost} of the tokens lost)"
        return "none cut"


def count_bins(length: NDArray[np.int64], n_rows: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Return the rows in each of the 63 bins there are, of lengths that occur `n_rows` times each, or once."""
    return np.bincount(np.searchsorted(_EDGES, length), n_rows, len(_EDGES)).astype(np.int64)


def pair_bins(counts: NDArray[np.int64]) -> list[list[int]]:
    """Return the bins of `count_bins` up to the last one with rows, each as its largest length and its rows."""
    n_bins = int(np.flatnonzero(counts).max(initial=0)) + 1
    pairs: list[list[int]] = np.stack([_EDGES, counts], axis=1)[:n_bins].tolist()
    return pairs


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")
