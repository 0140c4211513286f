"""A record of a CSV file as a row, or why it is none.

In: a record as Python's csv module divides it. Out: the wanted cells, or a reject with line, column and reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from evenly.ingest.delimited.quotes import count_sound_fields
from evenly.ingest.delimited.strict_rows import BAD_QUOTE
from evenly.ingest.rejects import Reject

if TYPE_CHECKING:
    from evenly.ingest.delimited.dialect import Dialect
    from evenly.ingest.delimited.strict_rows import Record

__all__ = ["TOO_FEW", "TOO_MANY", "RowFormat", "read_row", "refuse_line", "refuse_width", "show_bytes"]

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
    dialect = row_format.dialect
    if record.fields is None:
        return refuse_line(record.line, record.raw, record.reason or "", dialect)
    if len(record.fields) != len(dialect.columns):
        return refuse_width(record.line, record.raw, len(record.fields), dialect)
    cells: list[str | None] = []
    for index in row_format.indices:
        cell = record.fields[index]
        if not _is_valid(cell):
            if row_format.bad_bytes is not None:
                return Reject(record.line, dialect.columns[index], row_format.bad_bytes, show_bytes(record.raw))
            cell = cell.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        cells.append(cell or None)
    return cells


def refuse_width(line: int, raw: bytes, n_fields: int, dialect: Dialect) -> Reject:
    """Return why a record with another number of fields than there are columns is refused."""
    if n_fields < len(dialect.columns):
        return Reject(line, dialect.columns[n_fields], TOO_FEW, show_bytes(raw))
    return Reject(line, None, TOO_MANY, show_bytes(raw))


def refuse_line(line: int, raw: bytes, reason: str, dialect: Dialect) -> Reject:
    """Return why a line that is no record is refused."""
    number = count_sound_fields(raw, dialect) if reason == BAD_QUOTE else len(dialect.columns)
    column = dialect.columns[number] if number < len(dialect.columns) else None
    return Reject(line, column, reason, show_bytes(raw))


def _is_valid(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True


def show_bytes(raw: bytes) -> str:
    r"""Return the text of a row without its line end; bytes that are no UTF-8 as ``\xe9``."""
    return raw.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
