"""The record batches of shards, checked before anything is read through them.

Comes in: the folder of one split, as the stage `shards` wrote it, or as anyone else did. Goes out: its record batches
as views of the mapped files. Compiled loops later follow their offsets and label ids without looking whether they lead
anywhere, and Arrow reads them as they stand: one flipped bit would be a read past the end, a hostile file a write.
So every offset is looked at once, when the file is opened: some milliseconds a million rows.
"""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from evenly.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["list_streams", "read_stream"]

_LABELS = pa.list_(pa.int32())
_IDS = (pa.list_(pa.uint16()), pa.list_(pa.uint32()))


def list_streams(folder: Path) -> list[Path]:
    """Return the files of a data set in order, as its ``state.json`` names them.

    Raises
    ------
    DataError
        It is not what `datasets` writes, or names a file outside its folder.
    """
    path = folder / "state.json"
    try:
        names = [entry["filename"] for entry in json.loads(path.read_text(encoding="utf-8"))["_data_files"]]
        strange = [name for name in names if not name or PurePath(name).name != name or name == ".."]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{path} does not say which files there are: {error!r}. Remove the folder of the artifact and run again."
        ) from error
    if strange:
        raise DataError(f"{path} names {strange[0]!r}, which is no file of its folder. Remove the artifact.")
    return [folder / name for name in names]


def read_stream(path: Path) -> list[pa.RecordBatch]:
    """Return the record batches that have rows; their buffers are views of the mapped file and keep it open.

    Raises
    ------
    DataError
        The file is damaged, or its columns are not those of shards.
    """
    try:
        with pa.ipc.open_stream(pa.memory_map(str(path))) as reader:
            _check_types(reader.schema)
            batches = [batch for batch in reader if len(batch)]
        for batch in batches:
            _check_batch(batch)
    except (pa.ArrowException, OSError, ValueError, KeyError, RecursionError) as error:
        raise DataError(
            f"{path} is no shard that can be read: {error}. Remove the folder of the artifact and run again."
        ) from error
    return batches


def _check_types(schema: pa.Schema) -> None:
    """Raise where a column that is read has another type than shards have."""
    allowed: Iterable[pa.DataType]
    for field in schema:
        if field.name == "row":
            allowed = (pa.int64(),)
        elif field.name == "labels":
            allowed = (_LABELS,)
        elif field.name == "input_ids" or field.name.startswith("input_ids_"):
            allowed = _IDS
        else:
            continue
        if not any(field.type.equals(kind) for kind in allowed):
            raise ValueError(f"column {field.name!r} holds {field.type}, expected {' or '.join(map(str, allowed))}")
    absent = [name for name in ("row", "labels") if schema.names.count(name) != 1]
    if absent:
        raise ValueError(f"it has not one column {absent[0]!r}, but the columns {', '.join(map(repr, schema.names))}")


def _check_batch(batch: pa.RecordBatch) -> None:
    """Raise where a value is missing, an offset leads out of its buffer or a label id is negative."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        column.validate(full=True)
        inner = column.values if pa.types.is_list(column.type) else None
        if column.null_count or (inner is not None and inner.null_count):
            raise ValueError(f"column {name!r} has missing values")
    lowest = pc.min(batch.column("labels").values).as_py()
    if lowest is not None and lowest < 0:
        raise ValueError(f"label id {lowest} is negative")
