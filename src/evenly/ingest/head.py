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
from evenly.ingest.delimited.dialect import SAMPLE_CHARACTERS, Dialect, Sample, find_dialect, read_records
from evenly.ingest.encodings import decode_head
from evenly.ingest.files import RawFile, find_raw_file
from evenly.ingest.readers import read_typed_head
from evenly.ingest.reading import AUTO
from evenly.ingest.structured.json_rows import as_cell
from evenly.ingest.unpacking import read_first_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evenly.ingest.reading import TextFormat

__all__ = ["HEAD_ROWS", "Head", "read_head", "read_raw_head"]

HEAD_ROWS = 10_000
_HEAD_BYTES = 4 << 20


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
    given: TextFormat = AUTO,
    wanted: Sequence[str] = (),
) -> Head:
    """Return up to `rows` first rows of a file.

    Parameters
    ----------
    path
        A file of any format that evenly reads, compressed or not; of a zip the first member.
    rows
        At most so many, and of text formats not more than are in the first 4 MB.
    format, given
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
    return read_raw_head(find_raw_file(path, format), rows, given=given, wanted=wanted)


def read_raw_head(raw: RawFile, rows: int = HEAD_ROWS, *, given: TextFormat = AUTO, wanted: Sequence[str] = ()) -> Head:
    """Return up to `rows` first rows of a file that is known already; see `read_head`."""
    table = read_typed_head(raw, rows, given, wanted)
    if table is not None:
        head = Head(raw, table, None)
    else:
        content, complete = read_first_bytes(raw, _HEAD_BYTES)
        if raw.format in {"json", "jsonl"}:
            text = decode_head(raw.name, content, given)
            head = Head(raw, _jsonl_head(text, rows, complete=complete), None)
        else:
            head = _csv_head(raw, content, rows, complete, given, wanted)
    if not len(head.table):
        raise DataError(f"{raw.name} has no row. Give a file with at least a few labelled rows.")
    return head


def _csv_head(  # noqa: PLR0917 - the parts of read_raw_head
    raw: RawFile,
    content: bytes,
    rows: int,
    complete: bool,  # noqa: FBT001 - as above
    given: TextFormat,
    wanted: Sequence[str],
) -> Head:
    sample = Sample(raw.name, decode_head(raw.name, content, given), complete)
    dialect = find_dialect(
        sample.start(SAMPLE_CHARACTERS),
        delimiter=given.delimiter or ("\t" if raw.format == "tsv" else None),
        quote=given.quote,
        header=given.header,
        wanted=wanted,
    )
    width = len(dialect.columns)
    records = islice(read_records(sample, dialect.delimiter, dialect.quoting), int(dialect.header), None)
    full = (record for record in records if len(record) == width)
    columns = list(zip(*islice(full, rows), strict=True)) or [()] * width
    cells = [pa.array([cell or None for cell in column], pa.string()) for column in columns]
    return Head(raw, pa.table(cells, list(dialect.columns)), dialect)


def _jsonl_head(text: str, rows: int, *, complete: bool) -> pa.Table:
    lines = text.split("\n")
    found = filter(None, map(_as_object, lines if complete else lines[:-1]))
    objects = list(islice(found, rows))
    names = dict.fromkeys(name for row in objects for name in row)
    return pa.table({name: pa.array([as_cell(row.get(name)) for row in objects], pa.string()) for name in names})


def _as_object(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
        json.dumps(row, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
