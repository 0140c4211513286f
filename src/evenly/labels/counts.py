"""Counts of a table that can be made part by part and added up: each distinct labelset, and the rows that have it.

Comes in: the labels of some rows. Goes out: a value that `+` joins with that of other rows. All measures of
`evenly.labels.statistics` follow from it, SCUMBLE too, which is the same for all rows of one labelset: so that one
pass over the parts is enough, and the measures are the same to the last bit however a table was divided.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from evenly.errors import LabelShapeError
from evenly.imbalance import label_matrix
from evenly.labels.cooccurrence import LabelPairs, label_pairs
from evenly.labelsets import labelset_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["LabelCounts"]


@dataclass(frozen=True, eq=False)
class LabelCounts:
    """The distinct labelsets of some rows.

    Attributes
    ----------
    labelsets
        CSR, shape (n_labelsets, n_labels), int8: the distinct combinations of labels (the empty one too), in the
        order of their keys (`evenly.labelsets`).
    rows
        Shape (n_labelsets,), int64: rows that have each.

    Examples
    --------
    >>> import numpy as np
    >>> one, other = np.array([[1, 0], [1, 1]]), np.array([[1, 0], [0, 0]])
    >>> both = LabelCounts.of(one) + LabelCounts.of(other)
    >>> both.n_rows, len(both.rows), both.counts.tolist()
    (4, 3, [3, 1])
    """

    labelsets: sparse.csr_matrix
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, labels: Any) -> LabelCounts:
        """Count the labelsets of a label matrix, shape (n_rows, n_labels) of 0 and 1.

        Raises
        ------
        LabelShapeError
            It is no matrix of 0 and 1.
        """
        matrix = label_matrix(labels)
        return _group(matrix, np.ones(matrix.shape[0], np.int64))

    @classmethod
    def total(cls, pieces: Sequence[LabelCounts]) -> LabelCounts:
        """Return the counts of all rows of one or more pieces together.

        Raises
        ------
        LabelShapeError
            The pieces have different numbers of labels.
        """
        widths = {piece.n_labels for piece in pieces}
        if len(widths) != 1:
            raise LabelShapeError(
                f"The pieces have {sorted(widths)} labels; only pieces of one table, with the same labels, add up."
            )
        if len(pieces) == 1:
            return pieces[0]
        stacked = sparse.vstack([piece.labelsets for piece in pieces], format="csr")
        return _group(stacked, np.concatenate([piece.rows for piece in pieces]))

    def __add__(self, other: LabelCounts) -> LabelCounts:
        """Return the counts of the rows of both."""
        return self.total([self, other])

    @property
    def n_labels(self) -> int:
        """L."""
        return int(self.labelsets.shape[1])

    @property
    def n_rows(self) -> int:
        """N."""
        return int(self.rows.sum())

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Rows that hold each label, c_l, shape (n_labels,), int64."""
        return self.sum_over_labels(self.rows)

    @property
    def n_unlabelled(self) -> int:
        """Rows without a label."""
        return int(self.rows[np.diff(self.labelsets.indptr) == 0].sum())

    def pairs(self) -> LabelPairs:
        """Return which labels stand together, and in how many rows."""
        return label_pairs(self.labelsets, self.rows)

    def sum_over_labels(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return for each label the sum of the values, shape (n_labelsets,), of the labelsets that hold it."""
        n_held = np.diff(self.labelsets.indptr)
        summed = np.bincount(self.labelsets.indices, np.repeat(values, n_held), self.n_labels)
        return summed.astype(values.dtype)


def _group(labelsets: sparse.csr_matrix, rows: NDArray[np.int64]) -> LabelCounts:
    """Return each labelset once, with the sum of its rows."""
    keys = labelset_keys(labelsets)
    order = np.argsort(keys)
    ordered = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(keys) else order
    summed = np.add.reduceat(rows[order], starts) if len(keys) else rows
    return LabelCounts(labelsets[order[starts]], summed)
