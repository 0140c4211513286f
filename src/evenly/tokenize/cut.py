"""Which ids of a row are kept where its texts are longer than a row may be.

Comes in: how many ids each text of each row has. Goes out: how many of them are kept, at the beginning and at the
end. Several texts share the room as `tokenizers` does by ``longest_first``: the longest are cut to one length.

References
----------
.. [1] C. Sun et al., "How to Fine-Tune BERT for Text Classification?", arXiv 1905.05583, section 5.3.1: of 510 ids
   the first 128 and the last 382 (a quarter and three quarters) did better than the first or the last 510 on texts
   that are longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Truncate", "share_room", "split_kept"]

Truncate = Literal["head", "tail", "head_tail"]


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


def split_kept(lengths: NDArray[np.int64], kept: NDArray[np.int64], truncate: Truncate) -> NDArray[np.int64]:
    """Return how many of the ids that are kept stand at the beginning of a text; the others stand at its end."""
    if truncate == "head":
        return kept
    first = np.zeros_like(kept) if truncate == "tail" else kept // 4
    return np.where(kept < lengths, first, kept)
