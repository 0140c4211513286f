"""A stretch of a CSV file -> the wanted columns as text, and the rows that are none.

In: a `Stretch` and how rows are read. Out: an Arrow table (null for an empty cell) and the rejects, both in the order
of the file, and which of the records were delivered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from evenly.ingest.delimited.fields import text_column
from evenly.ingest.delimited.record_rows import read_row, refuse_line, refuse_width, show_bytes
from evenly.ingest.delimited.strict_rows import BAD_QUOTE
from evenly.ingest.rejects import Reject

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from evenly.ingest.delimited.blocks import Blocks
    from evenly.ingest.delimited.dialect import Dialect
    from evenly.ingest.delimited.fields import Fields
    from evenly.ingest.delimited.record_rows import RowFormat
    from evenly.ingest.delimited.stretches import Stretch
    from evenly.ingest.delimited.strict_rows import Record

__all__ = ["StretchRows", "read_stretch"]


@dataclass(frozen=True)
class StretchRows:
    """What a stretch gives.

    Attributes
    ----------
    table
        The wanted columns of the rows that are delivered.
    delivered
        Shape (len(table),), int64: which of the records of the stretch they are.
    rejects
        Why the other records are none.
    """

    table: pa.Table
    delivered: NDArray[np.int64]
    rejects: list[Reject]


def read_stretch(stretch: Stretch, row_format: RowFormat, blocks: Blocks) -> StretchRows:
    """Read the rows of a stretch; their text lies in `blocks`."""
    fields, dialect = stretch.fields, row_format.dialect
    if fields is None:
        return _read_records(stretch.records, row_format)
    good = np.flatnonzero(fields.widths == len(dialect.columns))
    slots = range(len(row_format.wanted))
    columns = [text_column(stretch.data, fields, good, slot, dialect.quote, blocks) for slot in slots]
    rejects = {
        number: _refuse(stretch, fields, number, dialect)
        for number in np.flatnonzero(fields.widths != len(dialect.columns)).tolist()
    }
    table = pa.table(columns, list(row_format.wanted))
    try:
        table.validate(full=True)
    except pa.ArrowInvalid:
        table, invalid = _decode(table, row_format.bad_bytes)
        for row, column in invalid.items():
            rejects[int(good[row])] = _refuse_bytes(stretch, fields, int(good[row]), column, row_format.bad_bytes or "")
        good = np.delete(good, list(invalid))
    return StretchRows(table, good, [rejects[number] for number in sorted(rejects)])


def _refuse(stretch: Stretch, fields: Fields, number: int, dialect: Dialect) -> Reject:
    line, raw, width = _place(stretch, fields, number)
    if width < 0:
        return refuse_line(line, raw, BAD_QUOTE, dialect)
    return refuse_width(line, raw, width, dialect)


def _refuse_bytes(stretch: Stretch, fields: Fields, number: int, column: str, reason: str) -> Reject:
    line, raw, _ = _place(stretch, fields, number)
    return Reject(line, column, reason, show_bytes(raw))


def _place(stretch: Stretch, fields: Fields, number: int) -> tuple[int, bytes, int]:
    """Return line, bytes and width of a record."""
    raw = bytes(stretch.data[fields.begins[number] : fields.ends[number]])
    return stretch.line + int(fields.lines[number]), raw, int(fields.widths[number])


def _decode(table: pa.Table, bad_bytes: str | None) -> tuple[pa.Table, dict[int, str]]:
    """Return the rows that are valid UTF-8, and of the others the first column that is not.

    Where there is no reason to refuse them, all rows are returned, with U+FFFD for what is not valid.
    """
    rows: list[list[str | None]] = []
    invalid: dict[int, str] = {}
    columns = [table[name].combine_chunks().cast(pa.binary()).to_pylist() for name in table.column_names]
    for number, cells in enumerate(zip(*columns, strict=True)):
        row = [None if cell is None else cell.decode("utf-8", "replace") for cell in cells]
        bad = (
            name
            for name, cell, text in zip(table.column_names, cells, row, strict=True)
            if text and text.encode() != cell
        )
        column = next(bad, None) if bad_bytes is not None else None
        if column is None:
            rows.append(row)
        else:
            invalid[number] = column
    return _to_table(rows, table.column_names), invalid


def _read_records(records: Iterable[Record], row_format: RowFormat) -> StretchRows:
    rows: list[list[str | None]] = []
    delivered, rejects = [], []
    for number, record in enumerate(records):
        row = read_row(record, row_format)
        if isinstance(row, Reject):
            rejects.append(row)
        else:
            rows.append(row)
            delivered.append(number)
    return StretchRows(_to_table(rows, row_format.wanted), np.array(delivered, np.int64), rejects)


def _to_table(rows: Sequence[Sequence[str | None]], names: Sequence[str]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return pa.table([pa.array(column, pa.string()) for column in columns], list(names))
