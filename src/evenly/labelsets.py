"""Labelsets: combinations of labels as numbers, told apart without a Python object a row.

Each label has a fixed 64-bit key and a labelset the sum of its keys modulo 2^64. Two different labelsets
among n share a sum with a probability of about n^2 / 2^65: 3e-8 for a million different ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

__all__ = ["labelset_keys"]


def labelset_keys(matrix: sparse.csr_matrix) -> NDArray[np.uint64]:
    """Return a number for the labelset of every row, shape (n_rows,), uint64; no label at all is 0."""
    keys = _mix(np.arange(1, matrix.shape[1] + 1, dtype=np.uint64))
    sums = np.zeros(len(matrix.indices) + 1, np.uint64)
    np.cumsum(keys[matrix.indices], out=sums[1:])  # wraps around, as it should
    of_rows: NDArray[np.uint64] = sums[matrix.indptr[1:]] - sums[matrix.indptr[:-1]]
    return of_rows


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread numbers over 64 bits (splitmix64 of Steele, Lea and Flood, OOPSLA 2014)."""
    mixed = values * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
