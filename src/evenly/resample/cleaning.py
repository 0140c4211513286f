"""MLeNN and MLTL: common rows go whose neighbours hold other labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.errors import ConfigError
from evenly.imbalance import label_counts, label_matrix
from evenly.resample.neighborhoods import as_search, nearest_among
from evenly.resample.targets import above_target, mean_ir

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

__all__ = ["adjusted_hamming", "ml_enn", "ml_tl"]

THRESHOLD = 0.75


def ml_enn(labels: Any, features: Any, *, k_neighbors: int = 3, threshold: float = THRESHOLD) -> NDArray[np.int32]:
    """Remove rows without a minority label, half of whose neighbours differ in their labels. Deterministic.

    A minority label has an IRLbl above the MeanIR; rows that hold one stay. Of the rows of a label that would lose
    them all, the first stays.

    Parameters
    ----------
    labels
        Shape (n_rows, n_labels), sparse or dense, 0/1.
    features
        Shape (n_rows, n_features): sparse (compared by angle), or dense floats. Or a `Search`, which has them.
    k_neighbors
        At least 1; fewer rows than that: all others.
    threshold
        In [0, 1]: two rows differ when their `adjusted_hamming` is above it.

    Returns
    -------
    ndarray, shape (n_rows,), int32
        0 for rows that go, 1 for rows that stay.

    Raises
    ------
    ConfigError
        A parameter is out of range.

    References
    ----------
    Charte, Rivera, del Jesus, Herrera: MLeNN: A first approach to heuristic multilabel undersampling, IDEAL 2014.

    Examples
    --------
    >>> ml_enn([[1, 0, 0]] * 3 + [[0, 1, 0]] * 3 + [[0, 0, 1]], [[0.0], [1], [10], [9], [11], [12], [50]])
    array([1, 1, 0, 1, 1, 1, 1], dtype=int32)
    """
    if k_neighbors < 1:
        raise ConfigError(f"k_neighbors is {k_neighbors!r}; expected at least 1.")
    if not 0 <= threshold <= 1:
        raise ConfigError(f"threshold is {threshold!r}; expected a distance from 0 to 1.")
    matrix = label_matrix(labels)
    counts = label_counts(matrix)
    minority = above_target(counts, mean_ir(counts) or 1.0)
    common = np.flatnonzero(np.asarray(matrix @ minority.astype(np.int64)) == 0)
    nearest = nearest_among(as_search(features), np.arange(matrix.shape[0]), k_neighbors, common)
    n_neighbors = nearest.shape[1]
    differs = adjusted_hamming(matrix, np.repeat(common, n_neighbors), nearest.ravel()) > threshold
    n_different = differs.reshape(nearest.shape).sum(axis=1)
    copies = np.ones(matrix.shape[0], np.int32)
    copies[common[2 * n_different >= max(1, n_neighbors)]] = 0
    return _without_loss(matrix, copies)


def ml_tl(labels: Any, features: Any, *, threshold: float = THRESHOLD) -> NDArray[np.int32]:
    """Remove rows without a minority label whose nearest row differs in its labels: `ml_enn` with one neighbour.

    Parameters
    ----------
    labels, features, threshold
        As for `ml_enn`.

    Returns
    -------
    ndarray, shape (n_rows,), int32
        0 for rows that go, 1 for rows that stay.

    References
    ----------
    Pereira, Costa, Silla: MLTL: A multi-label approach for the Tomek Link undersampling algorithm, Neurocomputing
    383 (2020).

    Examples
    --------
    >>> ml_tl([[1, 0, 0]] * 3 + [[0, 1, 0]] * 3 + [[0, 0, 1]], [[0.0], [1], [9.4], [9], [11], [12], [50]])
    array([1, 1, 0, 0, 1, 1, 1], dtype=int32)
    """
    return ml_enn(labels, features, k_neighbors=1, threshold=threshold)


def adjusted_hamming(
    labels: sparse.csr_matrix, first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return |a xor b| / (|a| + |b|) of pairs of rows, shape (n_pairs,); 0 where neither holds a label."""
    sizes = np.diff(labels.indptr)
    both = np.asarray(labels[first].multiply(labels[second]).sum(axis=1), np.int64).ravel()
    total = sizes[first] + sizes[second]
    distance: NDArray[np.float64] = (total - 2 * both) / np.maximum(total, 1)
    return distance


def _without_loss(labels: sparse.csr_matrix, copies: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give back the first row of every label that would have none left."""
    left = np.asarray(labels.T.astype(np.int64) @ copies)
    lost = np.flatnonzero((left == 0) & (label_counts(labels) > 0))
    by_label = labels.tocsc()[:, lost]
    by_label.sort_indices()
    copies[by_label.indices[by_label.indptr[:-1]]] = 1
    return copies
