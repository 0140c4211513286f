"""A stretch of a CSV file -> the wanted columns as text, and the rows that are none.

In: a `Stretch` and the dialect. Out: one Arrow table (null for an empty cell) and the rejects, both in the order of
the file, with what is needed to find a row again. Arrow parses; where it refuses anything, or counts other records
than there are between the line ends, the stretch is divided and only the smallest parts in question are read one
record at a time.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv

from evenly.ingest.quotes import find_byte, record_starts
from evenly.ingest.record_rows import read_row
from evenly.ingest.rejects import Reject
from evenly.ingest.stretches import BYTE_ORDER_MARK, Stretch, count_feeds
from evenly.ingest.strict_rows import StrictRows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from evenly.ingest.dialect import Dialect
    from evenly.ingest.record_rows import RowFormat
    from evenly.ingest.strict_rows import Record

__all__ = ["Piece", "StretchRows", "read_stretch"]

_PARTS = 8
_FEWEST_RECORDS = 64


@dataclass(frozen=True)
class Piece:
    """Where some delivered rows stand: bytes [start, stop) from `line` on, and how they were read."""

    start: int
    stop: int
    line: int
    n_rows: int
    strict: bool
    doubtful_until: int = 0


@dataclass
class StretchRows:
    """What a stretch gives."""

    tables: list[pa.Table] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)


def read_stretch(stretch: Stretch, row_format: RowFormat) -> StretchRows:
    """Read the rows of a stretch."""
    found = StretchRows()
    if stretch.records:
        _add_records(found, stretch, stretch.records, row_format)
    else:
        _add_tame(found, stretch, row_format)
    return found


def _add_tame(found: StretchRows, stretch: Stretch, row_format: RowFormat) -> None:
    table = _parse(stretch.data, row_format)
    if table is not None:
        if len(table):
            found.tables.append(table)
            found.pieces.append(Piece(stretch.start, stretch.stop, stretch.line, len(table), strict=False))
        return
    starts = _record_starts(stretch.data, row_format.dialect)
    if len(starts) <= _FEWEST_RECORDS:
        rows = StrictRows(io.BytesIO(stretch.data), row_format.dialect, stretch.line, stretch.start)
        _add_records(found, stretch, rows.read(stretch.stop), row_format)
        return
    line, step = stretch.line, -(-len(starts) // _PARTS)
    for start, stop in pairwise([0, *starts[step::step].tolist(), len(stretch.data)]):
        data = stretch.data[start:stop]
        _add_tame(found, Stretch(stretch.start + start, stretch.start + stop, line, data), row_format)
        line += count_feeds(data)


def _record_starts(data: memoryview, dialect: Dialect) -> NDArray[np.int64]:
    view = np.frombuffer(data, np.uint8)
    return record_starts(view, find_byte(view, dialect.quote))


def _parse(data: memoryview, row_format: RowFormat) -> pa.Table | None:
    """Return the wanted columns, or None where Arrow refuses a row or does not find those there are."""
    dialect = row_format.dialect
    if data[: len(BYTE_ORDER_MARK)] == BYTE_ORDER_MARK:  # Arrow would take it off the text
        return None
    names = [f"c{number}" for number in range(len(dialect.columns))]
    wanted = [names[index] for index in row_format.indices]
    read = pa.csv.ReadOptions(use_threads=False, column_names=names, block_size=len(data) + 1)
    parse = pa.csv.ParseOptions(delimiter=dialect.delimiter, quote_char=dialect.quote or False)
    convert = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(wanted, pa.string()),
        include_columns=wanted,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )
    try:
        table = pa.csv.read_csv(pa.BufferReader(data), read, parse, convert)
    except pa.ArrowException:
        return None
    if len(table) != count_feeds(data) and len(table) != len(_record_starts(data, dialect)):
        return None
    return table.rename_columns(list(row_format.wanted))


def _add_records(found: StretchRows, stretch: Stretch, records: Iterable[Record], row_format: RowFormat) -> None:
    rows = []
    for record in records:
        row = read_row(record, row_format)
        if isinstance(row, Reject):
            found.rejects.append(row)
        else:
            rows.append(row)
    if rows:
        columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
        found.tables.append(pa.table(columns, list(row_format.wanted)))
        place = stretch.start, stretch.stop, stretch.line
        found.pieces.append(Piece(*place, len(rows), strict=True, doubtful_until=stretch.doubtful_until))
