"""Scores of windows -> scores of rows: the mean over the windows of a row.

Comes in: the row that each scored window is of, and its scores. Goes out: each row once, ascending, with the mean.
A row of one window keeps its scores to the bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["mean_by_row"]

_BLOCK_SCORES = 1 << 22  # float32 values gathered at a time: 16 MB


def mean_by_row(
    row: NDArray[np.int64], scores: NDArray[np.float32], out: NDArray[np.float32] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the rows and their mean scores.

    Parameters
    ----------
    row
        Shape (n_windows,): the row of each window, in any order; those of a row need not stand together.
    scores
        Shape (n_windows, n_labels); may be a memory map.
    out
        Shape (n_rows, n_labels) with n_rows distinct rows: where to write; a memory map of its own keeps the memory
        bounded. None: a new array.

    Returns
    -------
    numpy.ndarray
        Shape (n_rows,), int64: the distinct rows, ascending.
    numpy.ndarray
        Shape (n_rows, n_labels), float32: `out`.
    """
    order = np.argsort(row, kind="stable")
    rows, first = np.unique(row[order], return_index=True)
    bounds = np.append(first, len(row))
    if out is None:
        out = np.empty((len(rows), scores.shape[1]), np.float32)
    step = max(1, _BLOCK_SCORES // max(scores.shape[1], 1))
    begin = 0
    while begin < len(rows):
        end = max(begin + 1, int(np.searchsorted(bounds, bounds[begin] + step, side="right")) - 1)
        windows = order[bounds[begin] : bounds[end]]
        sums = np.add.reduceat(scores[windows], bounds[begin:end] - bounds[begin], axis=0)
        out[begin:end] = sums / np.diff(bounds[begin : end + 1])[:, None]
        begin = end
    return rows, out
