"""A CSV file in stretches of whole records, in order.

In: a plain UTF-8 file and how its rows are read. Out: stretches: of a large file the bytes with the places of their
fields, found by a compiled loop; of a small one, or one that escapes quotes, the records of Python's csv module. How
large the stretches are makes no difference to the records.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from evenly.ingest.delimited.fields import find_fields
from evenly.ingest.delimited.strict_rows import StrictRows
from evenly.ingest.reading import ROW_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path
    from typing import BinaryIO

    from evenly.ingest.delimited.blocks import Blocks
    from evenly.ingest.delimited.fields import Fields
    from evenly.ingest.delimited.record_rows import RowFormat
    from evenly.ingest.delimited.strict_rows import Record

__all__ = ["Stretch", "Stretches"]

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_RECORDS = 8_192
_NOTHING = memoryview(b"")


@dataclass(frozen=True)
class Stretch:
    """Whole records.

    Attributes
    ----------
    start, stop, line
        The bytes of the file that they take, and the line on which they begin, from 1.
    doubtful_until
        As `evenly.ingest.delimited.strict_rows.StrictRows` has it where they begin.
    data, fields
        The bytes and the places of the fields in them; none where there are `records`.
    records
        The records themselves.
    """

    start: int
    stop: int
    line: int
    doubtful_until: int
    data: memoryview = _NOTHING
    fields: Fields | None = None
    records: tuple[Record, ...] = ()


@dataclass(frozen=True)
class Stretches:
    """Cuts a file.

    Attributes
    ----------
    plain
        The file.
    row_format
        How its rows are read.
    stretch_bytes
        How many bytes are looked at at once.
    compiled_bytes
        From how many bytes on a file is worth the half second that the compiled loop takes to load.
    blocks
        Where the bytes that are looked at lie.
    """

    plain: Path
    row_format: RowFormat
    stretch_bytes: int
    compiled_bytes: int
    blocks: Blocks

    def __iter__(self) -> Iterator[Stretch]:
        """Yield the stretches of the file in order, without its header."""
        dialect = self.row_format.dialect
        with self.plain.open("rb") as source:
            marked = source.read(len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK
            rows = self._rows_from(source, len(BYTE_ORDER_MARK) if marked else 0)
            if dialect.header:
                next(rows.read(sys.maxsize), None)
            if dialect.plain and self.plain.stat().st_size >= self.compiled_bytes:
                yield from self._divided(source, rows.position, rows.line)
            else:
                while (stretch := _take(rows, _RECORDS)) is not None:
                    yield stretch

    def _rows_from(self, source: BinaryIO, at: int, line: int = 1, doubtful_until: int = 0) -> StrictRows:
        source.seek(at)
        return StrictRows(source, self.row_format.dialect, line, at, doubtful_until)

    def _divided(self, source: BufferedReader, at: int, line: int) -> Iterator[Stretch]:
        """Yield stretches by the compiled loop; a record too long for it goes through the csv module."""
        doubtful_until, size = 0, self.stretch_bytes
        while True:
            source.seek(at)
            data = self.blocks.take(size)
            data = data[: source.readinto(data)]
            complete, relative = len(data) < size, max(doubtful_until - at, 0)
            fields = find_fields(data, self.row_format, doubtful_until=relative, complete=complete)
            if fields.end:
                stop = at + fields.end
                yield Stretch(at, stop, line, doubtful_until, data[: fields.end], fields)
                doubtful_until, at, line = at + fields.doubtful_until, stop, line + fields.n_feeds
                size = self.stretch_bytes
            elif complete:
                return
            elif size < ROW_BYTES:
                size = min(2 * size, ROW_BYTES)
            else:
                rows = self._rows_from(source, at, line, doubtful_until)
                if (stretch := _take(rows, 1)) is not None:
                    yield stretch
                at, line, doubtful_until = rows.position, rows.line, rows.doubtful_until


def _take(rows: StrictRows, n_records: int) -> Stretch | None:
    """Return the next records, None where there is none."""
    start, line, doubtful_until = rows.position, rows.line, rows.doubtful_until
    records = tuple(islice(rows.read(sys.maxsize), n_records))
    return Stretch(start, rows.position, line, doubtful_until, records=records) if records else None
