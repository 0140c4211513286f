"""The first rows of a table, all columns: what guesses are made from.

In: a raw file. Out: up to `rows` rows as Arrow, CSV and JSONL columns as text (null for an empty cell). Rows that
are broken are left out; counting them is the readers' work.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from evenly.errors import DataError
from evenly.ingest.dialect import SAMPLE_BYTES, Dialect, Sample, find_dialect, read_records
from evenly.ingest.files import RawFile, find_raw_file, read_first_bytes
from evenly.ingest.jsonl_reader import as_cell
from evenly.ingest.parquet_reader import open_parquet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["HEAD_ROWS", "Head", "read_head"]

HEAD_ROWS = 10_000
_HEAD_BYTES = 8 << 20


@dataclass(frozen=True)
class Head:
    """The first rows of a file, what the file is, and how it is written (CSV and TSV)."""

    raw: RawFile
    table: pa.Table
    dialect: Dialect | None


def read_head(
    path: Path,
    rows: int = HEAD_ROWS,
    *,
    format: str = "auto",  # noqa: A002 - the config's word
    delimiter: str | None = None,
    header: bool | None = None,
    wanted: Sequence[str] = (),
) -> Head:
    """Return up to `rows` first rows of a file.

    Parameters
    ----------
    path
        A CSV, TSV, JSONL or parquet file; the text formats may be compressed.
    rows
        At most so many, and of text formats not more than are in the first 8 MB.
    format, delimiter, header
        As in the config.
    wanted
        Names that the config asks for, which help to tell whether there is a header.

    Raises
    ------
    SourceNotFoundError
        There is no such file.
    DataError
        It is not of its format, or has no row.
    """
    raw = find_raw_file(path, format)
    if raw.format == "parquet":
        head = Head(raw, _parquet_head(raw, rows), None)
    else:
        content, complete = read_first_bytes(raw, _HEAD_BYTES)
        if raw.format == "jsonl":
            head = Head(raw, _jsonl_head(content, rows, complete=complete), None)
        else:
            delimiter = delimiter or ("\t" if raw.format == "tsv" else None)
            head = _csv_head(raw, content, rows, complete, delimiter, header, wanted)
    if not len(head.table):
        raise DataError(f"{path.name} has no row. Give a file with at least a few labelled rows.")
    return head


def _parquet_head(raw: RawFile, rows: int) -> pa.Table:
    file = open_parquet(raw)
    try:
        batch = next(file.iter_batches(rows), None)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{raw.path.name} is a damaged parquet file: {error}. Fetch it again.") from error
    return pa.Table.from_batches([batch] if batch is not None else [], file.schema_arrow)


def _csv_head(  # noqa: PLR0917 - the parts of read_head
    raw: RawFile,
    content: bytes,
    rows: int,
    complete: bool,  # noqa: FBT001 - as above
    delimiter: str | None,
    header: bool | None,  # noqa: FBT001 - as above
    wanted: Sequence[str],
) -> Head:
    whole = complete and len(content) <= SAMPLE_BYTES
    first = Sample.decode(raw.path.name, content[:SAMPLE_BYTES], complete=whole)
    dialect = find_dialect(first, delimiter=delimiter, header=header, wanted=wanted)
    sample = Sample.decode(raw.path.name, content, complete=complete)
    width = len(dialect.columns)
    records = read_records(sample, dialect.delimiter, dialect.quote)[int(dialect.header) :]
    full = [record for record in records if len(record) == width]
    columns = list(zip(*islice(full, rows), strict=True)) or [()] * width
    return Head(raw, pa.table([_cells(column) for column in columns], list(dialect.columns)), dialect)


def _cells(column: Sequence[str]) -> pa.Array:
    """Return cells as text, empty ones as null, bytes that are no UTF-8 as question marks."""
    cells = [cell or None for cell in column]
    try:
        return pa.array(cells, pa.string())
    except UnicodeEncodeError:
        return pa.array([cell and cell.encode("utf-8", "replace").decode() for cell in cells], pa.string())


def _jsonl_head(content: bytes, rows: int, *, complete: bool) -> pa.Table:
    lines = content.removeprefix(b"\xef\xbb\xbf").splitlines()
    found = filter(None, map(_as_object, lines if complete else lines[:-1]))
    objects = list(islice(found, rows))
    names = dict.fromkeys(name for row in objects for name in row)
    return pa.table({name: pa.array([as_cell(row.get(name)) for row in objects], pa.string()) for name in names})


def _as_object(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
        json.dumps(row, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
