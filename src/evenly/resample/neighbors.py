"""The nearest rows within a bag, exact: of dense features by blocked matrix products, of sparse ones by a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from scipy import sparse

from evenly.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Metric", "nearest_in_bag"]

Metric = Literal["cosine", "euclidean"]


def nearest_in_bag(
    features: Any, bag: ArrayLike, k: int, *, metric: Metric | None = None, seeds: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Return for rows of a bag the k nearest others of the same bag.

    Twins of a row are neighbours as good as any. The answer is that of brute force in float64.

    Parameters
    ----------
    features
        Shape (n_rows, n_features), a sparse matrix of any format or a dense array.
    bag
        Shape (n_bag,), row numbers, ascending and distinct.
    k
        How many; a bag of fewer others gives all of them.
    metric
        ``euclidean``, or ``cosine`` (a row of zeros is as far from all others); None: cosine for sparse features,
        which are texts as a rule, Euclidean for dense ones.
    seeds
        Shape (n_seeds,), the places in the bag of the rows that are asked for; None: all of them, in order.

    Returns
    -------
    ndarray, shape (n_seeds, min(k, n_bag - 1)), int64
        Row numbers, nearest first; equally near rows by row number.

    Raises
    ------
    ConfigError
        The metric is unknown.
    DataError
        A feature of the bag is not finite.

    Examples
    --------
    >>> nearest_in_bag(sparse.csr_matrix([[1.0, 0], [0, 1], [0.6, 0.8]]), [0, 1, 2], 1)
    array([[2],
           [2],
           [1]])
    >>> nearest_in_bag(np.array([[0.0], [5.0], [7.0], [100.0]]), [0, 1, 3], 2, seeds=[2])
    array([[1, 0]])
    """
    if metric is not None and metric not in get_args(Metric):
        raise ConfigError(f"metric is {metric!r}; expected one of {', '.join(get_args(Metric))}, or None.")
    rows = np.asarray(bag, np.int64)
    wanted = np.arange(len(rows)) if seeds is None else np.asarray(seeds, np.int64)
    k = min(k, len(rows) - 1)
    if k < 1 or not len(wanted):
        return np.empty((len(wanted), max(0, k)), np.int64)
    if sparse.issparse(features):
        from evenly.resample.sparse_neighbors import nearest_sparse

        return rows[nearest_sparse(features.tocsr(), rows, wanted, k, by_angle=metric != "euclidean")]
    from evenly.resample.dense_neighbors import nearest_dense

    return rows[nearest_dense(_floats(features), rows, wanted, k, by_angle=metric == "cosine")]


def _floats(features: Any) -> NDArray[Any]:
    """Return dense features as they are where they are float32 or float64, else as float64."""
    array = np.asarray(features)
    return array if array.dtype in {np.dtype(np.float32), np.dtype(np.float64)} else array.astype(np.float64)
