"""Rows of ids from the ids of texts: cut to length, special ids around them; arrays only, no object a row.

Comes in: the ids of each text of each row, flat. Goes out: a list array and how many ids were cut off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from evenly.errors import DataError
from evenly.tokenize.cut import share_room, split_kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from evenly.tokenize.cut import Truncate

__all__ = ["Encoded", "FlatIds", "assemble_rows"]

_LARGEST_OFFSET = 2**31 - 1  # of an Arrow list


@dataclass(frozen=True)
class FlatIds:
    """The ids of some texts, one after the other.

    Attributes
    ----------
    values
        Shape (n_ids,), an unsigned integer.
    lengths
        Shape (n_texts,), int64: ids of each text.
    """

    values: NDArray[np.unsignedinteger]
    lengths: NDArray[np.int64]


@dataclass(frozen=True)
class Encoded:
    """The ids of some rows.

    Attributes
    ----------
    ids
        list<uint16 or uint32>, one list a row.
    n_lost
        Shape (n_rows,), int64: ids that were cut off.
    """

    ids: pa.ListArray
    n_lost: NDArray[np.int64]


def assemble_rows(
    texts: Sequence[FlatIds],
    pieces: Sequence[Sequence[int]],
    *,
    max_length: int | None,
    truncate: Truncate,
    id_type: pa.DataType,
) -> Encoded:
    """Put the texts of each row together.

    Parameters
    ----------
    texts
        One `FlatIds` a text column, all with the same number of rows.
    pieces
        The special ids before each text, and those after the last one.
    max_length
        Most ids a row, special ones included; None: no limit. It must leave room for the special ids.
    truncate
        Which end of a text is kept; see `cut.split_kept`.
    id_type
        uint16 or uint32.
    """
    lengths = np.stack([text.lengths for text in texts], axis=1)
    room = None if max_length is None else max_length - sum(map(len, pieces))
    kept = share_room(lengths, room)
    first = split_kept(lengths, kept, truncate)
    sizes = np.empty((len(lengths), 2 * len(texts) + 1), np.int64)
    sizes[:, ::2] = [len(piece) for piece in pieces]
    sizes[:, 1::2] = kept
    offsets = np.concatenate([[0], np.cumsum(sizes.sum(axis=1))])
    if offsets[-1] > _LARGEST_OFFSET:
        raise DataError(f"{offsets[-1]:,} ids are more than one Arrow list array holds. Encode fewer texts at a time.")
    values = np.empty(offsets[-1], id_type.to_pandas_dtype())
    part = np.repeat(np.tile(np.arange(sizes.shape[1], dtype=np.uint8), len(sizes)), sizes.ravel())
    for column, text in enumerate(texts):
        values[part == 2 * column + 1] = _keep(text, kept[:, column], first[:, column])
    starts = offsets[:-1, None] + np.cumsum(sizes, axis=1) - sizes
    for i, piece in enumerate(pieces):
        for j, special in enumerate(piece):
            values[starts[:, 2 * i] + j] = special
    lists = pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(values, id_type))
    return Encoded(lists, (lengths - kept).sum(axis=1))


def _keep(text: FlatIds, kept: NDArray[np.int64], first: NDArray[np.int64]) -> NDArray[np.unsignedinteger]:
    """Return the first and the last ids of each text, `kept` in all."""
    lost = text.lengths - kept
    if not lost.any():
        return text.values
    runs = np.stack([first, lost, kept - first], axis=1).ravel()
    chosen: NDArray[np.unsignedinteger] = text.values[np.repeat(np.tile([True, False, True], len(kept)), runs)]
    return chosen
