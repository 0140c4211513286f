"""Which split every unit is in, and what each split owes each label: the state that moves units one by one.

A split *owes* a label when the label must have a unit there; a unit is *tied* to its split by every label of
which it is the only unit there, where the split owes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from evenly.imbalance import label_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ROWS_FOR_TEST", "TRAIN", "Placement", "owed_to_folds", "owed_to_splits", "rows_held", "units_held"]

TRAIN = 0
ROWS_FOR_TEST = 3  # a label with fewer rows is not owed one in test, the last split


class Placement:
    """Units in splits.

    Attributes
    ----------
    code
        Shape (n_units,), int8: the split of every unit.
    counts
        Shape (n_labels,), int64: rows of every label.
    held
        Shape (n_splits, n_labels), int64: units of each label in each split.
    label_rows
        Shape (n_splits, n_labels), int64: rows of each label in each split.
    owed
        Shape (n_splits, n_labels), bool: whether at least one must be there (and can be).
    shares
        Shape (n_splits,), float64: of the rows, as asked for.
    rows
        Shape (n_splits,), int64: rows of each split.
    labels
        CSR, shape (n_units, n_labels): how many rows of the unit hold the label.
    """

    def __init__(
        self,
        labels: sparse.csr_matrix,
        sizes: NDArray[np.int64],
        code: NDArray[np.int8],
        *,
        shares: NDArray[np.float64],
        owed: NDArray[np.bool_],
    ) -> None:
        """Start from the splits `code` of units with the labels `labels`, CSR, shape (n_units, n_labels)."""
        n_splits = len(shares)
        self.code = code.copy()
        self.sizes = sizes
        self.counts = rows_held(labels)
        self.held = units_held(labels, code, n_splits)
        self.label_rows = _rows_in_splits(labels, code, n_splits)
        self.owed = owed
        self.shares = shares
        self.rows = np.bincount(code, sizes, n_splits).astype(np.int64)
        self.labels, self._columns = labels, labels.tocsc()

    def labels_of(self, unit: int) -> NDArray[np.int32]:
        """Return the labels of a unit."""
        held: NDArray[np.int32] = self.labels.indices[self.labels.indptr[unit] : self.labels.indptr[unit + 1]]
        return held

    def units_of(self, label: int, split: int) -> list[int]:
        """Return the units of a label that are in `split`."""
        units = self._columns.indices[self._columns.indptr[label] : self._columns.indptr[label + 1]]
        found: list[int] = units[self.code[units] == split].tolist()
        return found

    def lacking(self, split: int) -> NDArray[np.int64]:
        """Return the labels that `split` owes a unit and has none of, those with the fewest rows first."""
        lacking = np.flatnonzero(self.owed[split] & (self.held[split] == 0))
        return lacking[np.argsort(self.counts[lacking], kind="stable")]

    def ties(self, unit: int) -> NDArray[np.int32]:
        """Return the labels that tie a unit to its split."""
        labels, split = self.labels_of(unit), int(self.code[unit])
        tying: NDArray[np.int32] = labels[self.owed[split, labels] & (self.held[split, labels] == 1)]
        return tying

    def helps(self, unit: int, split: int) -> int:
        """Return how many labels would get their first unit in `split`, where it owes them one."""
        labels = self.labels_of(unit)
        return int((self.owed[split, labels] & (self.held[split, labels] == 0)).sum())

    def untied(self, split: int) -> NDArray[np.int64]:
        """Return the units of `split` that may leave it, in order."""
        tying = (self.owed[split] & (self.held[split] == 1)).astype(np.int64)
        return np.flatnonzero((self.code == split) & (self.labels.astype(bool) @ tying == 0))

    def stays_within_a_row(self, unit: int, split: int) -> bool:
        """Tell whether a move leaves each of its labels less than a row too few and too many, here and there."""
        labels, source = self.labels_of(unit), int(self.code[unit])
        moved, total = self._rows_of(unit), self.counts[labels]
        left = self.label_rows[source, labels] - moved - self.shares[source] * total
        come = self.label_rows[split, labels] + moved - self.shares[split] * total
        return bool((left > -1).all() and (come < 1).all())

    def at_limit(self, source: int, target: int) -> NDArray[np.int64]:
        """Return 1 for each label of which no row can move without leaving a whole row too few or too many."""
        wanted = np.outer(self.shares, self.counts)
        too_few = self.label_rows[source] - 1 - wanted[source] <= -1
        too_many = self.label_rows[target] + 1 - wanted[target] >= 1
        limit: NDArray[np.int64] = (too_few | too_many).astype(np.int64)
        return limit

    def move(self, unit: int, split: int) -> None:
        """Move a unit to `split`."""
        labels, source = self.labels_of(unit), int(self.code[unit])
        self.held[source, labels] -= 1
        self.held[split, labels] += 1
        self.label_rows[source, labels] -= self._rows_of(unit)
        self.label_rows[split, labels] += self._rows_of(unit)
        self.rows[source] -= self.sizes[unit]
        self.rows[split] += self.sizes[unit]
        self.code[unit] = split

    def _rows_of(self, unit: int) -> NDArray[np.int32]:
        """Return how many of a unit's rows hold each of its labels."""
        rows: NDArray[np.int32] = self.labels.data[self.labels.indptr[unit] : self.labels.indptr[unit + 1]]
        return rows


def owed_to_splits(labels: sparse.csr_matrix, n_splits: int) -> NDArray[np.bool_]:
    """Return what train and test are owed, shape (n_splits, n_labels); `labels` holds the rows of each unit."""
    counts = rows_held(labels)
    owed = np.zeros((n_splits, labels.shape[1]), np.bool_)
    owed[TRAIN] = counts > 0
    owed[-1] |= (counts >= ROWS_FOR_TEST) & (label_counts(labels) > 1)
    return owed


def owed_to_folds(labels: sparse.csr_matrix, n_folds: int) -> NDArray[np.bool_]:
    """Return what folds are owed, shape (n_folds, n_labels): a unit of each label that has one for every fold."""
    return np.tile(label_counts(labels) >= n_folds, (n_folds, 1))


def rows_held(labels: sparse.csr_matrix) -> NDArray[np.int64]:
    """Return the rows of each label, shape (n_labels,), from units with the number of rows as values."""
    rows: NDArray[np.int64] = np.asarray(labels.sum(axis=0, dtype=np.int64)).ravel()
    return rows


def units_held(labels: sparse.csr_matrix, code: NDArray[np.int8], n_splits: int) -> NDArray[np.int64]:
    """Return how many units of each label each split has, shape (n_splits, n_labels), int64."""
    n_labels = labels.shape[1]
    cells = np.repeat(code.astype(np.int64), np.diff(labels.indptr)) * n_labels + labels.indices
    return np.bincount(cells, minlength=n_splits * n_labels).reshape(n_splits, n_labels)


def _rows_in_splits(labels: sparse.csr_matrix, code: NDArray[np.int8], n_splits: int) -> NDArray[np.int64]:
    """Return how many rows of each label each split has, shape (n_splits, n_labels), int64."""
    units = np.arange(len(code))
    of_split = sparse.csr_matrix((np.ones(len(code), np.int64), (code, units)), shape=(n_splits, len(code)))
    rows: NDArray[np.int64] = (of_split @ labels.astype(np.int64)).toarray()
    return rows
