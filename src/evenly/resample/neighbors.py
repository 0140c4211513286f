"""The nearest rows within a bag, exact, by the dot product of L2-normalised sparse features (their cosine)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["nearest_in_bag"]


def nearest_in_bag(features: sparse.csr_matrix, bag: ArrayLike, k: int) -> NDArray[np.int64]:
    """Return for every row of a bag the k nearest others of the same bag.

    Parameters
    ----------
    features
        Shape (n_rows, n_features), rows of length 1 (or 0: such a row is as far from all others).
    bag
        Shape (n_bag,), row numbers, ascending and distinct.
    k
        How many; a bag of fewer others gives all of them.

    Returns
    -------
    ndarray, shape (n_bag, min(k, n_bag - 1)), int64
        Row numbers, nearest first; equally near rows by row number.

    Examples
    --------
    >>> nearest_in_bag(sparse.csr_matrix([[1.0, 0], [0, 1], [0.6, 0.8]]), [0, 1, 2], 1)
    array([[2],
           [2],
           [1]])
    """
    rows = np.asarray(bag, np.int64)
    k = min(k, len(rows) - 1)
    if k < 1:
        return np.empty((len(rows), 0), np.int64)
    from evenly.resample.kernels import nearest_by_product

    inside = features[rows]
    # Columns that no row of the bag has would make the transposed matrix as long as the vocabulary.
    used, columns = np.unique(inside.indices, return_inverse=True)
    small = sparse.csr_matrix((inside.data, columns, inside.indptr), shape=(len(rows), max(1, len(used))))
    found: NDArray[np.int64] = rows[nearest_by_product(_parts(small), _parts(small.tocsc()), k)]
    return found


def _parts(matrix: Any) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data.astype(np.float64)
