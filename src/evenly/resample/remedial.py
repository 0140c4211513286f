"""REMEDIAL: rows that hold rare and common labels at once become two, one with each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from evenly.imbalance import irlbl, label_counts, label_matrix, row_scumble
from evenly.resample.changes import Changes, Recipes
from evenly.resample.targets import above_target, mean_ir

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["remedial"]


def remedial(labels: Any, *, keep_empty: bool = True) -> Changes:
    """Replace every row whose SCUMBLE is above the mean by two: one with its common, one with its rare labels.

    Rare is what has an IRLbl above the MeanIR. Deterministic. The row itself is removed, and two recipes that repeat
    it stand for it.

    Parameters
    ----------
    labels
        Shape (n_rows, n_labels), sparse or dense, 0/1.
    keep_empty
        Keep the halves that hold no label at all (the row had rare labels only, or common ones only), as the paper
        does. Otherwise such a row stays as it is.

    Returns
    -------
    Changes
        Recipes in the order of the rows, the common labels first.

    References
    ----------
    Charte, Rivera, del Jesus, Herrera: Resampling multilabel datasets by decoupling highly imbalanced labels,
    HAIS 2015.

    Examples
    --------
    >>> changes = remedial([[1, 0]] * 4 + [[1, 1]])
    >>> changes.copies.tolist(), changes.recipes.seed.tolist(), changes.recipes.labels.toarray().tolist()
    ([1, 1, 1, 1, 0], [4, 4], [[1, 0], [0, 1]])
    """
    matrix = label_matrix(labels)
    counts = label_counts(matrix)
    scumble = row_scumble(matrix, irlbl(counts))
    rare = above_target(counts, mean_ir(counts) or 1.0)
    split = scumble > scumble.sum() / max(1, len(scumble))
    if not keep_empty:
        n_rare = np.asarray(matrix @ rare.astype(np.int64))
        split &= (n_rare > 0) & (n_rare < np.diff(matrix.indptr))
    rows = np.flatnonzero(split)
    copies = np.where(split, 0, 1).astype(np.int32)
    return Changes(copies, Recipes.of_rows(np.repeat(rows, 2), _halves(matrix[rows], rare)))


def _halves(labels: sparse.csr_matrix, rare: NDArray[np.bool_]) -> sparse.csr_matrix:
    """Return two rows for each: the common labels, then the rare ones."""
    row = 2 * np.repeat(np.arange(labels.shape[0]), np.diff(labels.indptr)) + rare[labels.indices]
    ones = np.ones(labels.nnz, np.int8)
    return label_matrix(sparse.csr_matrix((ones, (row, labels.indices)), shape=(2 * labels.shape[0], labels.shape[1])))
