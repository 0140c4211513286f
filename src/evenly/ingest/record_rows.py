"""A record of a CSV file as a row, or why it is none.

In: a record as Python's csv module divides it. Out: the wanted cells, or a reject with line, column and reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from evenly.ingest.rejects import Reject
from evenly.ingest.strict_rows import BAD_QUOTE

if TYPE_CHECKING:
    from evenly.ingest.dialect import Dialect
    from evenly.ingest.strict_rows import Record

__all__ = ["TOO_FEW", "TOO_MANY", "RowFormat", "read_row", "show_bytes"]

TOO_FEW = "too few columns"
TOO_MANY = "too many columns"


@dataclass(frozen=True)
class RowFormat:
    """How rows are read.

    Attributes
    ----------
    dialect
        Of the file.
    wanted
        Columns, in order.
    bad_bytes
        Why a row is refused that is no valid UTF-8; None: it is kept, with U+FFFD there.
    """

    dialect: Dialect
    wanted: tuple[str, ...]
    bad_bytes: str | None

    @cached_property
    def indices(self) -> tuple[int, ...]:
        """Where the wanted columns stand in a row."""
        return tuple(self.dialect.columns.index(name) for name in self.wanted)


def read_row(record: Record, row_format: RowFormat) -> list[str | None] | Reject:
    """Return the wanted cells of a record, None for an empty one; or why it is refused."""
    columns, fields = row_format.dialect.columns, record.fields
    if fields is None:
        column = _find_open_quote(record.raw, row_format.dialect) if record.reason == BAD_QUOTE else None
        return _refuse(record, column, record.reason or "")
    if len(fields) != len(columns):
        short = len(fields) < len(columns)
        return _refuse(record, columns[len(fields)] if short else None, TOO_FEW if short else TOO_MANY)
    cells: list[str | None] = []
    for index in row_format.indices:
        cell = fields[index]
        if not _is_valid(cell):
            if row_format.bad_bytes is not None:
                return _refuse(record, columns[index], row_format.bad_bytes)
            cell = cell.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        cells.append(cell or None)
    return cells


def _is_valid(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True


def _find_open_quote(raw: bytes, dialect: Dialect) -> str | None:
    """Return the column whose quote is not closed, or closed in its midst; None where that cannot be told."""
    quote, delimiter = re.escape(dialect.quote), re.escape(dialect.delimiter)
    field = (
        f"(?:{quote}[^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+{quote}|(?!{quote})[^{delimiter}]*+)(?:{delimiter}|$)"
    )
    at = number = 0
    text = raw.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
    found = re.compile(field).match(text)
    while found and found.end() > at:
        at, number = found.end(), number + 1
        found = re.compile(field).match(text, at)
    return dialect.columns[number] if number < len(dialect.columns) else None


def _refuse(record: Record, column: str | None, reason: str) -> Reject:
    return Reject(record.line, column, reason, show_bytes(record.raw))


def show_bytes(raw: bytes) -> str:
    r"""Return the text of a row without its line end; bytes that are no UTF-8 as ``\xe9``."""
    return raw.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
