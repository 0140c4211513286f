"""Label counts and the imbalance ratios that resampling steers by (Charte et al. 2015, Neurocomputing 163).

Empty labels (no rows) have no ratio: NaN, and left out of means and maxima.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["above_target", "as_label_matrix", "irlbl", "label_counts", "max_ir", "mean_ir"]


def as_label_matrix(labels: Any) -> sparse.csr_matrix:
    """Return labels as a CSR matrix of ones, shape (n_rows, n_labels), int8, with sorted indices.

    Takes any sparse matrix or 0/1 array; the input is left as it is.
    """
    matrix = sparse.csr_matrix(labels, copy=True)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    matrix.data = np.ones(len(matrix.indices), np.int8)
    return matrix


def label_counts(labels: sparse.csr_matrix) -> NDArray[np.int64]:
    """Return c_l, the rows that hold each label, shape (n_labels,)."""
    return np.bincount(labels.indices, minlength=labels.shape[1]).astype(np.int64)


def irlbl(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return IRLbl(l) = max(c) / c_l, shape (n_labels,); NaN for empty labels."""
    ratios = np.full(len(counts), np.nan)
    held = counts > 0
    ratios[held] = counts.max(initial=0) / counts[held]
    return ratios


def max_ir(counts: NDArray[np.int64]) -> float | None:
    """Return the largest IRLbl, or None where no label has rows."""
    return float(np.nanmax(irlbl(counts))) if counts.any() else None


def mean_ir(counts: NDArray[np.int64]) -> float | None:
    """Return the mean IRLbl over the labels with rows, or None where there is none."""
    return float(np.nanmean(irlbl(counts))) if counts.any() else None


def above_target(counts: NDArray[np.int64], target_ir: float) -> NDArray[np.bool_]:
    """Return which labels have rows and an IRLbl strictly above the target, shape (n_labels,)."""
    above: NDArray[np.bool_] = (counts > 0) & (counts.max(initial=0) > target_ir * counts)
    return above
