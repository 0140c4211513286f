"""A long row as several windows, so that nothing of it is lost: which ids of each text stand in which window.

Comes in: how many ids each text of each row has, and how many of them a window holds. Goes out: the windows, row by
row. A window begins `stride` ids before the end of the one before it, and the last one ends with the text: as
`tokenizers` has it (``return_overflowing_tokens``, ``stride``). Where a row has several texts, its window k holds
window k of each, or the last one of a text that has fewer: a short title stands in every window of a long body, and
two long texts go on side by side, where `tokenizers` would give each window of one with each of the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.tokenize.cut import Runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["cut_windows", "expand_windows"]


def cut_windows(lengths: NDArray[np.int64], kept: NDArray[np.int64], stride: int) -> Runs:
    """Divide rows into windows, shape (n_windows, n_texts, 1).

    Parameters
    ----------
    lengths
        Shape (n_rows, n_texts): ids of each text.
    kept
        Shape (n_rows, n_texts): ids of each text that a window holds; see `cut.share_room`.
    stride
        Ids that a window shares with the one before it; fewer than `kept` wherever a text is longer than that.
    """
    step = np.maximum(kept - stride, 1)
    last = -(-(lengths - kept) // step)  # the number of the last window: ceil(what the first leaves / step)
    n_windows = last.max(axis=1) + 1
    row, window = expand_windows(n_windows)
    start = np.minimum(window[:, None], last[row]) * step[row]
    size = np.minimum(kept[row], lengths[row] - start)
    return Runs(n_windows, start[..., None], size[..., None])


def expand_windows(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the row of each window, and its number within the row, both of shape (n_windows,)."""
    row = np.repeat(np.arange(len(counts)), counts)
    return row, np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
