"""Rows of ids from the ids of texts: cut to length, special ids around them; arrays only, no object a row.

Comes in: the ids of each text of each row, flat. Goes out: a list array, how many ids were cut off, and into how many
windows each row was divided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from evenly.errors import DataError
from evenly.tokenize.cut import cut_ends, share_room
from evenly.tokenize.windows import cut_windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from evenly.tokenize.cut import Runs, Truncate

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
        list<uint16 or uint32>, one list a row; where rows are divided one list a window, those of a row together.
    n_windows
        Shape (n_rows,), int64: lists of each row.
    n_lost
        Shape (n_rows,), int64: ids that were cut off; none where rows are divided.
    length
        Shape (n_rows,), int64: ids of each row before the cut, special ones included.
    """

    ids: pa.ListArray
    n_windows: NDArray[np.int64]
    n_lost: NDArray[np.int64]
    length: NDArray[np.int64]


def assemble_rows(
    texts: Sequence[FlatIds],
    pieces: Sequence[Sequence[int]],
    *,
    max_length: int | None,
    truncate: Truncate,
    stride: int,
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
        Most ids a row or window, special ones included; None: no limit. It must leave room for the special ids.
    truncate
        What is made of a longer row; see `cut.cut_ends` and `windows.cut_windows`.
    stride
        Ids that a window shares with the one before it.
    id_type
        uint16 or uint32.
    """
    lengths = np.stack([text.lengths for text in texts], axis=1)
    n_special = sum(map(len, pieces))
    kept = share_room(lengths, None if max_length is None else max_length - n_special)
    divided = truncate == "windows"
    runs = cut_windows(lengths, kept, stride) if divided else cut_ends(lengths, kept, truncate)
    n_ids = lengths.sum(axis=1)
    n_lost = np.zeros_like(n_ids) if divided else n_ids - kept.sum(axis=1)
    ids = _lay_out(texts, runs, pieces, id_type)
    return Encoded(ids, runs.n_windows, n_lost, n_ids + n_special)


def _lay_out(
    texts: Sequence[FlatIds], runs: Runs, pieces: Sequence[Sequence[int]], id_type: pa.DataType
) -> pa.ListArray:
    """Write the runs of each text and the special ids between them, one list a window."""
    sizes = np.empty((len(runs.size), 2 * len(texts) + 1), np.int64)
    sizes[:, ::2] = [len(piece) for piece in pieces]
    sizes[:, 1::2] = runs.size.sum(axis=2)
    offsets = np.concatenate([[0], np.cumsum(sizes.sum(axis=1))])
    if offsets[-1] > _LARGEST_OFFSET:
        raise DataError(f"{offsets[-1]:,} ids are more than one Arrow list array holds. Encode fewer texts at a time.")
    values = np.empty(offsets[-1], id_type.to_pandas_dtype())
    part = np.repeat(np.tile(np.arange(sizes.shape[1], dtype=np.uint8), len(sizes)), sizes.ravel())
    for column, text in enumerate(texts):
        begin = np.repeat(np.cumsum(text.lengths) - text.lengths, runs.n_windows)
        start = begin[:, None] + runs.start[:, column]
        values[part == 2 * column + 1] = _take_runs(text.values, start.ravel(), runs.size[:, column].ravel())
    starts = offsets[:-1, None] + np.cumsum(sizes, axis=1) - sizes
    for i, piece in enumerate(pieces):
        for j, special in enumerate(piece):
            values[starts[:, 2 * i] + j] = special
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(values, id_type))


def _take_runs(
    values: NDArray[np.unsignedinteger], start: NDArray[np.int64], size: NDArray[np.int64]
) -> NDArray[np.unsignedinteger]:
    """Return ``values[start[i] : start[i] + size[i]]`` for every i, one after the other."""
    before = np.cumsum(size) - size
    n_taken = int(size.sum())
    if n_taken == len(values) and np.array_equal(start[size > 0], before[size > 0]):
        return values  # all of them, in their order: nothing was cut
    taken: NDArray[np.unsignedinteger] = values[np.arange(n_taken) + np.repeat(start - before, size)]
    return taken
