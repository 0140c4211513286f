"""Rows of a database as Arrow columns, whose types may only be known at the last row.

In: batches of Python values, as a driver gives them. Out: Arrow tables of one schema. A database need not say what a
column holds, and SQLite lets every cell differ: batches wait in files, each with the types that fit it, and the
schema that fits all of them is known at the end. What fits no common type becomes text.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.ipc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Spool"]

_AS_THEY_ARE = (str, bool, int, float, bytes, dt.date, dt.time, dt.timedelta)


class Spool:
    """Batches that wait until their common schema is known."""

    def __init__(self, columns: Sequence[str], folder: Path) -> None:
        """Keep batches of these columns in `folder`."""
        self._columns = list(columns)
        self._folder = folder
        self._files: list[Path] = []
        self._schema = pa.schema([(name, pa.null()) for name in columns])

    @property
    def schema(self) -> pa.Schema:
        """What all batches so far can be cast to."""
        return self._schema

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Keep a batch of rows."""
        columns = zip(*rows, strict=True)
        table = pa.table([_to_column(values) for values in columns], self._columns)
        path = self._folder / f"{len(self._files):08d}.arrow"
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        self._files.append(path)
        self._schema = _unify(self._schema, table.schema)

    def tables(self) -> Iterator[pa.Table]:
        """Yield the batches in their order, all with `schema`."""
        for path in self._files:
            with pa.OSFile(str(path)) as source:
                table = pa.ipc.open_stream(source).read_all()
            columns = [_cast(column, field.type) for column, field in zip(table.columns, self._schema, strict=True)]
            yield pa.table(columns, schema=self._schema)
            path.unlink()


def _to_column(values: Sequence[Any]) -> pa.Array:
    """Return values as the type that Arrow finds in them; as text where they are of several."""
    plain = [_plain(value) for value in values]
    try:
        column = pa.array(plain)
    except UnicodeEncodeError:  # SQLite does not check text: what is no UTF-8 is rejected as such later
        return _unchecked_text(plain)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return _unchecked_text([None if value is None else _text(value) for value in plain])
    mixed = pa.types.is_binary(column.type) and any(isinstance(value, str) for value in plain)
    return _unchecked_text(plain) if mixed else column


def _plain(value: Any) -> Any:
    """Return what Arrow has a type for: numbers of fixed precision, UUIDs and the like as text, objects as JSON."""
    if value is None or isinstance(value, _AS_THEY_ARE):
        return value
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict) else str(value)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list) else str(value)


def _unchecked_text(values: Sequence[Any]) -> pa.Array:
    """Return strings as text, with the bytes that are no UTF-8 as they were."""
    cells = [None if value is None else _text(value).encode("utf-8", "surrogateescape") for value in values]
    return pa.array(cells, pa.binary()).view(pa.string())


def _unify(one: pa.Schema, other: pa.Schema) -> pa.Schema:
    return pa.schema([_unify_fields(*pair) for pair in zip(one, other, strict=True)])


def _unify_fields(one: pa.Field, other: pa.Field) -> pa.Field:
    types = {one.type, other.type}
    if types == {pa.string(), pa.binary()}:
        return pa.field(one.name, pa.string())
    try:
        return pa.unify_schemas([pa.schema([one]), pa.schema([other])], promote_options="permissive").field(0)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.field(one.name, pa.string())


def _cast(column: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    """Return a column as another type; integers too large for a float are rounded."""
    if column.type == type_:
        return column
    if pa.types.is_string(type_) and (pa.types.is_nested(column.type) or pa.types.is_binary(column.type)):
        cells = [None if value is None else _text(value) for value in column.to_pylist()]
        return pa.chunked_array([_unchecked_text(cells)])
    return column.cast(type_, safe=False)
