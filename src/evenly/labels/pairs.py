"""Pairs of labels as further labels: what second-order stratification spreads over the splits too.

Comes in: a label matrix. Goes out: the matrix with a column more for each pair of labels that some row holds
together. A pair is never more frequent than its labels, so the iteration comes to the pairs first.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from evenly.errors import DataError

__all__ = ["with_pairs"]

_MOST_ENTRIES = 200_000_000  # about 30 bytes each on the way


def with_pairs(labels: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return the labels and, after them, their pairs.

    Parameters
    ----------
    labels
        CSR, shape (n_rows, n_labels), canonical.

    Returns
    -------
    scipy.sparse.csr_matrix
        Shape (n_rows, n_labels + n_pairs), int8, the pairs in the order of (label, other).

    Raises
    ------
    DataError
        The rows hold more than 200 million pairs.
    """
    from evenly.labels.kernels import list_pairs

    n_held = np.diff(labels.indptr).astype(np.int64)
    indptr = np.concatenate([[0], np.cumsum(n_held * (n_held - 1) // 2)])
    if indptr[-1] > _MOST_ENTRIES:
        raise DataError(
            f"The rows hold {indptr[-1]:,} pairs of labels, and at most {_MOST_ENTRIES:,} can be stratified: use "
            f"order 1, which stratifies single labels."
        )
    keys = list_pairs(labels.indptr.astype(np.int64), labels.indices.astype(np.int64), indptr, labels.shape[1])
    distinct, number = np.unique(keys, return_inverse=True)
    held = (np.ones(len(keys), np.int8), number.astype(np.int32), indptr)
    pairs = sparse.csr_matrix(held, shape=(labels.shape[0], len(distinct)))
    return sparse.hstack([labels.astype(np.int8), pairs], format="csr")
