"""The files that an export writes: parquet, JSONL, CSV, row block by row block."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["EXPORT_FORMATS", "LABEL_DELIMITER", "Writer", "open_writer"]

EXPORT_FORMATS = {".parquet": "parquet", ".jsonl": "jsonl", ".csv": "csv"}
LABEL_DELIMITER = "|"


class Writer(Protocol):
    """Appends rows to a file."""

    def write(self, rows: pa.Table) -> None:
        """Append."""
        ...


@contextmanager
def open_writer(target: Path, schema: pa.Schema) -> Iterator[Writer]:
    """Open the writer of the format that the name ends in."""
    kind = EXPORT_FORMATS[target.suffix.lower()]
    if kind == "parquet":
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            yield _ArrowWriter(writer)
    elif kind == "jsonl":
        with target.open("w", encoding="utf-8", newline="\n") as stream:
            yield _JsonWriter(stream)
    else:
        labels = schema.get_field_index("labels")
        with pyarrow.csv.CSVWriter(str(target), schema.set(labels, pa.field("labels", pa.string()))) as writer:
            yield _CsvWriter(writer)


@dataclass(frozen=True)
class _ArrowWriter:
    writer: Any

    def write(self, rows: pa.Table) -> None:
        self.writer.write_table(rows)


@dataclass(frozen=True)
class _CsvWriter:
    writer: Any

    def write(self, rows: pa.Table) -> None:
        labels = pc.binary_join(rows["labels"], LABEL_DELIMITER)
        self.writer.write_table(rows.set_column(rows.column_names.index("labels"), "labels", labels))


@dataclass(frozen=True)
class _JsonWriter:
    stream: Any

    def write(self, rows: pa.Table) -> None:
        for row in rows.to_pylist():
            filled = {name: value for name, value in row.items() if value is not None}
            self.stream.write(json.dumps(filled, ensure_ascii=False) + "\n")
