"""Which ids of a row are kept where its texts are longer than a row may be.

Comes in: how many ids each text of each row has. Goes out: how many of them are kept, and where they stand. Several
texts share the room as `tokenizers` does by ``longest_first``: the longest are cut to one length.

References
----------
.. [1] C. Sun et al., "How to Fine-Tune BERT for Text Classification?", arXiv 1905.05583, section 5.3.1: of 510 ids
   the first 128 and the last 382 (a quarter and three quarters) did better than the first or the last 510 on texts
   that are longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Runs", "Truncate", "cut_ends", "share_room"]

Truncate = Literal["head", "tail", "head_tail", "windows"]


@dataclass(frozen=True)
class Runs:
    """The ids of each text that go into each stored row, as runs of neighbours, one after the other.

    Attributes
    ----------
    n_windows
        Shape (n_rows,), int64: stored rows of each row; 1 but for windows.
    start, size
        Shape (n_stored, n_texts, n_runs), int64: the first id of a run, counted within its text, and how many.
    """

    n_windows: NDArray[np.int64]
    start: NDArray[np.int64]
    size: NDArray[np.int64]


def share_room(lengths: NDArray[np.int64], room: int | None) -> NDArray[np.int64]:
    """Return how many ids of each text are kept.

    Parameters
    ----------
    lengths
        Shape (n_rows, n_texts).
    room
        Most ids of a row, without special ones; None: no limit.
    """
    n_texts = lengths.shape[1]
    if room is None or not len(lengths) or lengths.sum(axis=1).max() <= room:
        return lengths
    order = np.argsort(lengths, axis=1, kind="stable")  # of like lengths the later text gets the odd id
    kept = np.empty_like(lengths)
    left = np.full(len(lengths), room)
    rows = np.arange(len(lengths))
    for rank in range(n_texts):
        text = order[:, rank]
        kept[rows, text] = np.minimum(lengths[rows, text], left // (n_texts - rank))
        left -= kept[rows, text]
    return kept


def cut_ends(lengths: NDArray[np.int64], kept: NDArray[np.int64], truncate: Truncate) -> Runs:
    """Return what is kept of each text, shape (n_rows, n_texts, 2): a run at its beginning and one at its end.

    `truncate` is ``head``, ``tail`` or ``head_tail``; windows are `windows.cut_windows`.
    """
    first = {"head": kept, "tail": np.zeros_like(kept), "head_tail": kept // 4}[truncate]
    last = kept - first
    start = np.stack([np.zeros_like(kept), lengths - last], axis=2)
    return Runs(np.ones(len(kept), np.int64), start, np.stack([first, last], axis=2))
