"""The label matrix Y in {0,1}, shape (n_rows, n_labels), kept sparse, and the imbalance that all rooms measure on it.

Comes in: what people hold their labels in (scipy sparse of any format, a dense 0/1 array). Goes out: one CSR
matrix of ones, sorted, without stored zeros or duplicates, so that counting entries counts labels; IRLbl of
every label, SCUMBLE of every row. Empty labels have no IRLbl: NaN, to be left out of means.

References: F. Charte, A. Rivera, M. J. del Jesus, F. Herrera, Addressing imbalance in multilabel classification,
Neurocomputing 163 (2015), eq. 1 (IRLbl); the same, Concurrence among imbalanced labels and its influence on
multilabel resampling algorithms, HAIS 2014 (SCUMBLE).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from evenly.errors import LabelShapeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["irlbl", "label_counts", "label_matrix", "row_numbers", "row_scumble"]

_N_DIMENSIONS = 2


def label_matrix(labels: Any) -> sparse.csr_matrix:
    """Return labels as a canonical CSR matrix; what is canonical already is not copied.

    Parameters
    ----------
    labels
        Shape (n_rows, n_labels): scipy sparse or dense, 0 or 1 (or bool) everywhere.

    Returns
    -------
    scipy.sparse.csr_matrix
        Shape (n_rows, n_labels), every stored value 1, indices sorted.

    Raises
    ------
    LabelShapeError
        It is not two-dimensional, or holds values other than 0 and 1.
    """
    if not sparse.issparse(labels):
        labels = np.asarray(labels)
        if labels.ndim != _N_DIMENSIONS:
            raise LabelShapeError(
                f"Labels have {labels.ndim} dimension(s), expected 2: a row a text, a column a label. "
                f"Class numbers become one with scipy.sparse.csr_matrix((ones, (rows, classes)))."
            )
    matrix = sparse.csr_matrix(labels)
    if matrix.nnz and not np.isin(matrix.data, (0, 1)).all():
        wrong = matrix.data[~np.isin(matrix.data, (0, 1))][0]
        raise LabelShapeError(f"Labels hold the value {wrong}, expected 0 and 1 only.")
    if matrix.has_canonical_format and matrix.data.all():
        return matrix
    matrix = matrix.copy()
    matrix.eliminate_zeros()
    matrix.sum_duplicates()
    matrix.data = np.ones(len(matrix.data), np.int8)
    return matrix


def label_counts(matrix: sparse.csr_matrix) -> NDArray[np.int64]:
    """Return c_l, the rows that hold each label, shape (n_labels,), int64."""
    return np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(np.int64)


def row_numbers(matrix: sparse.csr_matrix) -> NDArray[np.int64]:
    """Return the row of every stored entry, shape (nnz,), int64."""
    return np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))


def irlbl(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return IRLbl(l) = max(c) / c_l, shape (n_labels,), float64; NaN for an empty label."""
    largest = counts.max(initial=0)
    return np.where(counts > 0, largest / np.maximum(counts, 1), np.nan)


def row_scumble(matrix: sparse.csr_matrix, ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return SCUMBLE of every row, shape (n_rows,), float64: 0 for a row with fewer than two labels.

    SCUMBLE_i = 1 - (product of IRLbl_l)^(1/|Y_i|) / mean IRLbl_l, l in Y_i: how far common and rare labels
    meet. `ratios` are the IRLbl, shape (n_labels,).
    """
    n_held = np.diff(matrix.indptr)
    several = n_held > 1
    held = np.maximum(n_held, 1)
    levels = np.where(ratios > 0, ratios, 1.0)  # no row holds an empty label, whatever stands for it
    mean = _row_sums(matrix, levels) / held
    mean_log = _row_sums(matrix, np.log(levels)) / held
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(several, 1 - np.exp(mean_log) / mean, 0.0)


def _row_sums(matrix: sparse.csr_matrix, values: NDArray[np.float64]) -> NDArray[np.float64]:
    sums: NDArray[np.float64] = matrix @ values
    return sums
