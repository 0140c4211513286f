"""Token shards, memory-mapped: where each row's ids lie, without a Python object a row.

Comes in: one or several folders of shards (the table's, and the synthetic rows of a plan). Goes out: arrays over all
their rows. The ids stay on disk and are read through the page cache; what is held in memory is 28 bytes a row and 4
a label.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from evenly.errors import DataError, SourceNotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["ShardIndex", "open_shards"]


@dataclass(frozen=True)
class ShardIndex:
    """The stored rows of one split, ascending by row number.

    Attributes
    ----------
    row
        Shape (n_stored,), int64: the number of the row in the table; synthetic rows come after the table's.
    segment
        Shape (n_stored,), int32: index into `segments`.
    start, length
        Shape (n_stored,), int64 and int32: the ids of a row are ``segments[segment][start : start + length]``.
    segments
        The ids of each record batch, uint16 or uint32, mapped read-only.
    label_offsets, label_ids
        Shapes (n_stored + 1,) int64 and (n_held,) int32: the labels of row i are
        ``label_ids[label_offsets[i] : label_offsets[i + 1]]``.
    """

    row: NDArray[np.int64]
    segment: NDArray[np.int32]
    start: NDArray[np.int64]
    length: NDArray[np.int32]
    segments: tuple[NDArray[np.unsignedinteger], ...]
    label_offsets: NDArray[np.int64]
    label_ids: NDArray[np.int32]


def open_shards(folders: Path | Sequence[Path], split: str) -> ShardIndex:
    """Map the shards of one split of all `folders`; a folder without that split adds nothing.

    Raises
    ------
    SourceNotFoundError
        None of the folders has the split.
    DataError
        A row is there twice, or out of order; or each text column has ids of its own.
    """
    folders = [folders] if isinstance(folders, Path) else list(folders)
    present = [folder / split for folder in folders if (folder / split / "state.json").is_file()]
    if not present:
        raise SourceNotFoundError(
            f"No shards of the split {split!r} in {', '.join(map(str, folders))}. Expected {split}/state.json and "
            f"{split}/data-*.arrow, as the stage `shards` writes them."
        )
    batches = [batch for folder in present for path in _stream_paths(folder) for batch in _read_stream(path)]
    _refuse_several_inputs(batches)
    return _index_batches(batches)


def _refuse_several_inputs(batches: list[pa.RecordBatch]) -> None:
    names = [name for name in (batches[0].schema.names if batches else []) if name.startswith("input_ids_")]
    if names:
        raise DataError(
            f"The shards hold {', '.join(names)}, a list of ids for each text column, and evenly's models read one, "
            f"input_ids. Set tokenize.join: separator, or read the shards with datasets.load_from_disk."
        )


def _stream_paths(folder: Path) -> list[Path]:
    state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    return [folder / entry["filename"] for entry in state["_data_files"]]


def _read_stream(path: Path) -> list[pa.RecordBatch]:
    """Return the record batches that have rows; their buffers are views of the mapped file and keep it open."""
    with pa.ipc.open_stream(pa.memory_map(str(path))) as reader:
        return [batch for batch in reader if len(batch)]


def _index_batches(batches: list[pa.RecordBatch]) -> ShardIndex:
    columns = [_index_batch(number, batch) for number, batch in enumerate(batches)]
    empty = _index_batch(0, pa.record_batch([pa.array([], kind) for kind in _KINDS], names=_NAMES))
    row, segment, start, length, n_labels, label_ids = (
        np.concatenate(pieces) for pieces in zip(empty, *columns, strict=True)
    )
    if not np.all(row[:-1] < row[1:]):
        raise DataError(
            "The shards hold rows twice or out of order: they are not of one table and one plan. Give the shards of "
            "one run."
        )
    segments = tuple(batch.column("input_ids").values.to_numpy() for batch in batches)
    offsets = np.concatenate([[0], np.cumsum(n_labels, dtype=np.int64)])
    return ShardIndex(row, segment, start, length, segments, offsets, label_ids)


_NAMES = ["row", "input_ids", "labels"]
_KINDS = [pa.int64(), pa.list_(pa.uint16()), pa.list_(pa.int32())]


def _index_batch(number: int, batch: pa.RecordBatch) -> tuple[NDArray[np.generic], ...]:
    """Return row, segment, start and length of the ids, number of labels, labels."""
    offsets = batch.column("input_ids").offsets.to_numpy()
    labels = batch.column("labels")
    return (
        batch.column("row").to_numpy(),
        np.full(len(batch), number, np.int32),
        offsets[:-1].astype(np.int64),
        np.diff(offsets).astype(np.int32),
        np.diff(labels.offsets.to_numpy()),
        labels.flatten().to_numpy(),
    )
