"""Nominal features (colours, countries): how far apart two values are, and which one a synthetic row gets.

By the value difference metric, two values are near when their rows hold the same labels as often. Its square is a sum
of squares, so values become numbers whose Euclidean distance it is, and stand beside numeric features in any search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from evenly.imbalance import label_matrix

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["most_frequent", "vdm_columns", "vdm_distance"]


def vdm_distance(codes: ArrayLike, labels: Any) -> NDArray[np.float64]:
    """Return the distances between the values of a nominal feature, shape (n_values, n_values).

    The square is the sum over the labels of (P(label | one value) - P(label | the other))^2.

    Parameters
    ----------
    codes
        Shape (n_rows,), integers from 0: which value each row has (``pandas.Series.cat.codes``, ``pandas.factorize``);
        -1, missing, counts as a value of its own, the last.
    labels
        Shape (n_rows, n_labels), sparse or dense, 0/1: of the rows to learn from, which are train rows.

    References
    ----------
    Stanfill, Waltz: Toward memory-based reasoning, Communications of the ACM 29 (1986); with exponent 2 and without
    weights, as in Wilson, Martinez: Improved heterogeneous distance functions, JAIR 6 (1997), equation 8.

    Examples
    --------
    >>> vdm_distance([0, 0, 1, 1], [[1, 0], [1, 0], [0, 0], [1, 0]])
    array([[0. , 0.5],
           [0.5, 0. ]])
    """
    from scipy.spatial.distance import cdist

    shares = _label_shares(_values(codes), labels)
    table: NDArray[np.float64] = cdist(shares, shares)
    return table


def vdm_columns(codes: ArrayLike, labels: Any) -> NDArray[np.float64]:
    """Return a nominal feature as numbers: between two rows they are as far apart as `vdm_distance` says.

    Put beside the numeric features, they make the sum of squares over features of both kinds that MLSMOTE ranks by::

        mixed = np.column_stack([numeric, vdm_columns(colour, labels), vdm_columns(country, labels)])
        nearest_in_bag(mixed, bag, k=5)

    Parameters
    ----------
    codes, labels
        See `vdm_distance`.

    Returns
    -------
    ndarray, shape (n_rows, n_columns), float64
        At most as many columns as there are labels, or values.

    Examples
    --------
    >>> vdm_columns([0, 0, 1, 1], [[1], [1], [0], [1]]).ravel()
    array([1. , 1. , 0.5, 0.5])
    """
    values = _values(codes)
    shares = _label_shares(values, labels)
    if shares.shape[1] > shares.shape[0]:  # n points span less than n dimensions: turn them into those
        axes, _ = np.linalg.qr((shares - shares[0]).T)
        shares = (shares - shares[0]) @ axes
    return np.asarray(shares[values])


def most_frequent(codes: ArrayLike, neighbors: NDArray[np.int64]) -> NDArray[Any]:
    """Return the value that most of the neighbours have; of equally frequent ones, that of the nearest.

    Parameters
    ----------
    codes
        Shape (n_rows,): the value of every row.
    neighbors
        Shape (n, k): row numbers, nearest first, from `nearest_in_bag`; -1 counts for none, but not all may be.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> most_frequent([7, 8, 9, 9], np.array([[0, 2, 3], [1, 0, 2]]))
    array([9, 8])
    """
    held = np.asarray(codes)[neighbors]
    there = neighbors >= 0
    frequency = np.where(there, ((held[:, :, None] == held[:, None, :]) & there[:, None, :]).sum(axis=2), -1)
    chosen: NDArray[Any] = held[np.arange(len(held)), frequency.argmax(axis=1)]
    return chosen


def _values(codes: ArrayLike) -> NDArray[np.int64]:
    """Return the codes with the missing ones (-1) as the last value."""
    values = np.asarray(codes, np.int64)
    return np.where(values < 0, values.max(initial=-1) + 1, values)


def _label_shares(values: NDArray[np.int64], labels: Any) -> NDArray[np.float64]:
    """Return P(label | value), shape (n_values, n_labels); a value without rows has none."""
    held = label_matrix(labels)
    n_values = int(values.max(initial=-1)) + 1
    of_value = sparse.csr_matrix(
        (np.ones(len(values)), (values, np.arange(len(values)))), shape=(n_values, len(values))
    )
    counts = np.bincount(values, minlength=n_values)
    shares: NDArray[np.float64] = (of_value @ held.astype(np.float64)).toarray() / np.maximum(counts, 1)[:, None]
    return shares
