"""The file that predictions go to: parquet, JSONL or CSV, appended to batch by batch.

In parquet `labels` is a list and `probabilities` a map; in JSONL a list and an object; in CSV both are JSON text, so
that a name with any character in it comes back as it was.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from evenly.errors import ConfigError, DataError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["FORMATS", "Output", "check_output", "open_output", "rejects_path"]

FORMATS = (".parquet", ".jsonl", ".csv")


class Output(Protocol):
    """Appends rows to a file."""

    def write(self, rows: pa.Table) -> None:
        """Append."""
        ...


def check_output(target: Path, *, force: bool) -> None:
    """Refuse a file that cannot be written, before there is any work.

    Raises
    ------
    ConfigError
        Its name does not end in a format that is known.
    StoreError
        It is there already, and `force` is not given.
    """
    if target.suffix.lower() not in FORMATS:
        raise ConfigError(f"{target.name} does not say its format: end it in one of {', '.join(FORMATS)}.")
    if target.exists() and not force:
        raise StoreError(f"{target} is there already. Write another file with -o, or over this one with --force.")


def rejects_path(target: Path) -> Path:
    """Return where the rejects go: beside the predictions, out.jsonl and out.rejects.jsonl."""
    return target.with_name(f"{target.stem}.rejects{target.suffix}")


@contextmanager
def open_output(target: Path, format_of: str) -> Iterator[Output]:
    """Open the file `target` to be written in the format of the ending `format_of`; rows decide on its columns."""
    kind = format_of.lower()
    output = _ParquetFile(target) if kind == ".parquet" else _CsvFile(target) if kind == ".csv" else _JsonFile(target)
    try:
        yield output
    finally:
        output.close()


class _ArrowOutput:
    """Casts every batch to the types of the first one."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._writer: Any = None
        self._schema: pa.Schema = pa.schema([])

    def write(self, rows: pa.Table) -> None:
        shown = self._shape(rows)
        if self._writer is None:
            self._schema = pa.schema([_without_null(field) for field in shown.schema])
            self._writer = self._open(self._target, self._schema)
        try:
            self._writer.write_table(shown.cast(self._schema))
        except (pa.ArrowException, ValueError) as error:
            raise DataError(
                f"The kept columns have other types further down: {error}. Keep fewer columns, or write .jsonl."
            ) from error

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _shape(self, rows: pa.Table) -> pa.Table:
        return rows

    def _open(self, target: Path, schema: pa.Schema) -> Any:
        raise NotImplementedError


class _ParquetFile(_ArrowOutput):
    def _open(self, target: Path, schema: pa.Schema) -> Any:
        return pq.ParquetWriter(target, schema, compression="zstd")


class _CsvFile(_ArrowOutput):
    def _shape(self, rows: pa.Table) -> pa.Table:
        for place, name in enumerate(rows.column_names):
            if pa.types.is_nested(rows.schema.field(name).type):
                cells = [None if value is None else _as_json(value) for value in rows[name].to_pylist()]
                rows = rows.set_column(place, name, pa.array(cells, pa.string()))
        return rows

    def _open(self, target: Path, schema: pa.Schema) -> Any:
        return pyarrow.csv.CSVWriter(str(target), schema)


class _JsonFile:
    def __init__(self, target: Path) -> None:
        self._stream = target.open("w", encoding="utf-8", newline="\n")

    def write(self, rows: pa.Table) -> None:
        for row in rows.to_pylist():
            filled = {name: value for name, value in row.items() if value is not None}
            self._stream.write(_as_json(filled) + "\n")

    def close(self) -> None:
        self._stream.close()


def _without_null(field: pa.Field) -> pa.Field:
    """A column of which the first rows hold nothing may hold text further down."""
    return field.with_type(pa.string()) if pa.types.is_null(field.type) else field


def _as_json(value: Any) -> str:
    return json.dumps(_plain(value), ensure_ascii=False, default=str)


def _plain(value: Any) -> Any:
    """Return a value with maps, which Arrow hands out as pairs, as objects, and float32 as its shortest decimal."""
    if isinstance(value, list) and value and all(isinstance(each, tuple) for each in value):
        return {key: _short(inner) for key, inner in value}
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value


def _short(value: Any) -> Any:
    return round(value, 7) if isinstance(value, float) else value
