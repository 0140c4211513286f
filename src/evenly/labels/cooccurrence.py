"""Which labels stand together: pairs, their counts and their lift, in one sparse product.

Comes in: a label matrix. Goes out: the pairs that some row holds, label < other, in that order. O(sum of
|Y_i|^2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LabelPairs", "label_pairs"]


@dataclass(frozen=True)
class LabelPairs:
    """Pairs of labels that stand in one row together, sorted.

    Attributes
    ----------
    label, other
        Shape (n_pairs,), int32: label ids, label < other.
    count
        Shape (n_pairs,), int64: rows that hold both, above 0.
    """

    label: NDArray[np.int32]
    other: NDArray[np.int32]
    count: NDArray[np.int64]

    def lift(self, counts: NDArray[np.int64], n_rows: int) -> NDArray[np.float64]:
        """Return P(a, b) / (P(a) P(b)) = c_ab N / (c_a c_b), shape (n_pairs,); 1: independent."""
        return self.count * n_rows / (counts[self.label].astype(np.float64) * counts[self.other])

    def n_minority(self, minority: NDArray[np.bool_]) -> NDArray[np.int8]:
        """Return how many of each pair's two labels are minority ones, shape (n_pairs,), int8: 0, 1 or 2."""
        of_pair: NDArray[np.int8] = minority[self.label].astype(np.int8) + minority[self.other]
        return of_pair

    def mixed(self, minority: NDArray[np.bool_]) -> LabelPairs:
        """Return the pairs of a minority label with another, which resampling cannot tell apart: the commonest first.

        Parameters
        ----------
        minority
            Shape (n_labels,), bool.
        """
        kept = np.flatnonzero(self.n_minority(minority) == 1)
        return self._take(kept[np.argsort(-self.count[kept], kind="stable")])

    def commonest(self, n_pairs: int) -> LabelPairs:
        """Return the `n_pairs` with the largest counts, in the order of the ids; ties by the ids."""
        return self._take(np.sort(np.argsort(-self.count, kind="stable")[:n_pairs]))

    def _take(self, kept: NDArray[np.int64]) -> LabelPairs:
        return LabelPairs(self.label[kept], self.other[kept], self.count[kept])


def label_pairs(labels: sparse.csr_matrix, rows: NDArray[np.int64] | None = None) -> LabelPairs:
    """Return the pairs of a label matrix.

    Parameters
    ----------
    labels
        CSR, shape (n_rows, n_labels).
    rows
        Shape (n_rows,), int64: as how many rows each of them counts; None: one.
    """
    held = labels.astype(np.int64)
    if rows is not None:
        held.data = np.repeat(rows, np.diff(held.indptr))
    together = sparse.triu(labels.astype(np.int64).T.tocsr() @ held, k=1).tocsr()
    together.sort_indices()
    label = np.repeat(np.arange(together.shape[0], dtype=np.int32), np.diff(together.indptr))
    return LabelPairs(label, together.indices.astype(np.int32), together.data)
