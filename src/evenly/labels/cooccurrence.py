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

    def commonest(self, n_pairs: int) -> LabelPairs:
        """Return the `n_pairs` with the largest counts, in the order of the ids; ties by the ids."""
        kept = np.sort(np.argsort(-self.count, kind="stable")[:n_pairs])
        return LabelPairs(self.label[kept], self.other[kept], self.count[kept])


def label_pairs(labels: sparse.csr_matrix) -> LabelPairs:
    """Return the pairs of a label matrix, CSR, shape (n_rows, n_labels)."""
    held = labels.astype(np.int64)
    together = sparse.triu(held.T.tocsr() @ held, k=1).tocsr()
    together.sort_indices()
    label = np.repeat(np.arange(together.shape[0], dtype=np.int32), np.diff(together.indptr))
    return LabelPairs(label, together.indices.astype(np.int32), together.data)
