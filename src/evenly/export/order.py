"""The order of an export: where each row, once a copy, will stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Order"]

BUCKET_ROWS = 50_000
MOST_BUCKETS = 200  # files open at once


@dataclass(frozen=True)
class Order:
    """A permutation of all entries, cut into buckets of neighbours; an entry is a row, once a copy.

    Attributes
    ----------
    copies
        Shape (n_rows,), int32: entries of each row.
    first
        Shape (n_rows + 1,), int64: the first entry of each row.
    place
        Shape (n_entries,), int64: where each entry will stand.
    bucket_rows
        Entries a bucket.
    """

    copies: NDArray[np.int32]
    first: NDArray[np.int64]
    place: NDArray[np.int64]
    bucket_rows: int

    @classmethod
    def draw(cls, copies: NDArray[np.int32], seed: int) -> Order:
        """Draw a random order; it does not depend on the size of the buckets."""
        first = np.concatenate([[0], np.cumsum(copies, dtype=np.int64)])
        n_entries = int(first[-1])
        place = np.random.default_rng(seed).permutation(n_entries)
        return cls(copies, first, place, max(BUCKET_ROWS, -(-n_entries // MOST_BUCKETS)))

    @property
    def n_buckets(self) -> int:
        """How many buckets there are."""
        return -(-len(self.place) // self.bucket_rows)

    def expand(self, begin: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return, for the entries of rows begin to end, the row's number counted from begin, and the place."""
        index = np.repeat(np.arange(end - begin), self.copies[begin:end])
        return index, self.place[self.first[begin] : self.first[end]]
