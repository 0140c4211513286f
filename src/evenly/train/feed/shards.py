"""Token shards, memory-mapped: where each row's ids lie, without a Python object a row.

Comes in: one or several folders of shards (the table's, and the synthetic rows of a plan). Goes out: arrays over all
their rows. The ids stay on disk and are read through the page cache; what is held in memory is 20 bytes a row, 12
for each column of ids and 4 a label.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.errors import DataError, SourceNotFoundError
from evenly.train.feed.stored_batches import list_streams, read_stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["IdColumn", "ShardIndex", "open_shards"]

_IDS = "input_ids"


@dataclass(frozen=True)
class IdColumn:
    """The ids of one column of the stored rows.

    Attributes
    ----------
    text
        The text column that they are of; empty where all text columns are one list of ids.
    memory
        uint16 or uint32: all that lies between the lowest and the highest mapped byte of the ids. Only where rows are
        said to lie may be read: between them may be nothing.
    start, length
        Shape (n_stored,), int64 and int32: the ids of a row are ``memory[start : start + length]``.
    segments
        The ids of each record batch, mapped read-only; they keep the files open.
    """

    text: str
    memory: NDArray[np.unsignedinteger]
    start: NDArray[np.int64]
    length: NDArray[np.int32]
    segments: tuple[NDArray[np.unsignedinteger], ...]


@dataclass(frozen=True)
class ShardIndex:
    """The stored rows of one split, ascending by row number.

    Attributes
    ----------
    row
        Shape (n_stored,), int64: the number of the row in the table; synthetic rows come after the table's. A row cut
        into windows is there once a window.
    columns
        The ids: one column, or one for each text column.
    label_offsets, label_ids
        Shapes (n_stored + 1,) int64 and (n_held,) int32: the labels of row i are
        ``label_ids[label_offsets[i] : label_offsets[i + 1]]``.
    """

    row: NDArray[np.int64]
    columns: tuple[IdColumn, ...]
    label_offsets: NDArray[np.int64]
    label_ids: NDArray[np.int32]

    @cached_property
    def length(self) -> NDArray[np.int32]:
        """Ids of each stored row, shape (n_stored,); of its longest column, where there are several."""
        lengths = [column.length for column in self.columns]
        return lengths[0] if len(lengths) == 1 else np.max(lengths, axis=0)

    @cached_property
    def n_held(self) -> NDArray[np.int64]:
        """Labels of each stored row, shape (n_stored,)."""
        return np.diff(self.label_offsets)


def open_shards(folders: Path | Sequence[Path], split: str) -> ShardIndex:
    """Map the shards of one split of all `folders`; a folder without that split adds nothing.

    Raises
    ------
    SourceNotFoundError
        None of the folders has the split.
    DataError
        A file is damaged; a row is there twice, or out of order; or the folders differ in their columns.
    """
    folders = [folders] if isinstance(folders, Path) else list(folders)
    present = [folder / split for folder in folders if (folder / split / "state.json").is_file()]
    if not present:
        raise SourceNotFoundError(
            f"No shards of the split {split!r} in {', '.join(map(str, folders))}. Expected {split}/state.json and "
            f"{split}/data-*.arrow, as the stage `shards` writes them."
        )
    batches = [batch for folder in present for path in list_streams(folder) for batch in read_stream(path)]
    names = _id_names(batches)
    row = _concatenate([batch.column("row").to_numpy() for batch in batches], np.int64)
    _refuse_disorder(row, batches)
    labels = [batch.column("labels") for batch in batches]
    n_held = _concatenate([np.diff(held.offsets.to_numpy()) for held in labels], np.int64)
    return ShardIndex(
        row,
        tuple(_index_column(name, [batch.column(name) for batch in batches]) for name in names),
        np.concatenate([[0], np.cumsum(n_held)]),
        _concatenate([held.flatten().to_numpy() for held in labels], np.int32),
    )


def _id_names(batches: list[pa.RecordBatch]) -> list[str]:
    """Return the columns of ids, which all batches have alike."""
    found = {
        tuple(
            (field.name, field.type)
            for field in batch.schema
            if field.name == _IDS or field.name.startswith(f"{_IDS}_")
        )
        for batch in batches
    }
    if len(found) > 1:
        forms = " and ".join(", ".join(f"{name} {kind}" for name, kind in form) for form in sorted(found, key=str))
        raise DataError(f"The shards hold {forms}: they are not of one tokenizer. Give the shards of one run.")
    return [name for form in found for name, _ in form] or [_IDS]


def _refuse_disorder(row: NDArray[np.int64], batches: list[pa.RecordBatch]) -> None:
    windows = [
        batch.column("window").to_numpy() if "window" in batch.schema.names else np.zeros(len(batch), np.int32)
        for batch in batches
    ]
    window = _concatenate(windows, np.int32)
    ascending = (row[:-1] < row[1:]) | ((row[:-1] == row[1:]) & (window[:-1] < window[1:]))
    if not np.all(ascending):
        raise DataError(
            "The shards hold rows twice or out of order: they are not of one table and one plan. Give the shards of "
            "one run."
        )


def _index_column(name: str, lists: list[pa.ListArray]) -> IdColumn:
    segments = tuple(column.values.to_numpy() for column in lists)
    offsets = [column.offsets.to_numpy().astype(np.int64) for column in lists]
    memory, firsts = _span(segments)
    starts = [first + offset[:-1] for first, offset in zip(firsts, offsets, strict=True)]
    return IdColumn(
        name.removeprefix(_IDS).removeprefix("_"),
        memory,
        _concatenate(starts, np.int64),
        _concatenate([np.diff(offset) for offset in offsets], np.int32),
        segments,
    )


def _span(segments: tuple[NDArray[np.unsignedinteger], ...]) -> tuple[NDArray[np.unsignedinteger], list[int]]:
    """Return one array that reaches over all segments, and where each of them begins in it.

    A kernel can then read any row by one number, with no list of arrays to go through. Arrow aligns its buffers to 8
    bytes, so the distances are whole ids; a file that does not is refused.
    """
    held = [segment for segment in segments if len(segment)]
    if not held:
        return np.empty(0, np.uint16), [0] * len(segments)
    lowest = min(held, key=_address)
    size = lowest.itemsize
    if any((_address(segment) - _address(lowest)) % size for segment in held):
        raise DataError("The shards are damaged: their ids are not aligned. Remove the artifact and run again.")
    n = (max(_address(segment) + segment.nbytes for segment in held) - _address(lowest)) // size
    memory = np.lib.stride_tricks.as_strided(lowest, (n,), writeable=False)
    return memory, [(_address(segment) - _address(lowest)) // size if len(segment) else 0 for segment in segments]


def _address(array: NDArray[Any]) -> int:
    return array.ctypes.data


def _concatenate(pieces: list[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *pieces]).astype(dtype, copy=False)
