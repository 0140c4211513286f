"""Records of a CSV file one by one, by Python's csv module in its strict mode: for what the fast reader leaves.

In: a binary file that stands at the beginning of a record. Out: every record with its line and bytes, or why it is
none. A quote that is never closed, or closed in the midst of a text, costs the line in which its record begins; the
next line begins a record again, so that no good row behind it is lost. Of the lines that had been taken for the
inside of the quote, one that holds quotes itself must hold them around its fields.
"""

from __future__ import annotations

import csv
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from evenly.ingest.delimited.quotes import holds_bare_quote
from evenly.ingest.reading import ROW_BYTES, TOO_LONG

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from evenly.ingest.delimited.dialect import Dialect

__all__ = ["BAD_QUOTE", "Record", "StrictRows"]

BAD_QUOTE = "a quote that is stray or not closed"
_LONE_RETURN = "\udc0d"  # stands for a carriage return within a row; no bytes decode to it
_LONGEST_FIELD = 1 << 30
_SHOWN_BYTES = 4_096


class Record(NamedTuple):
    """A record, or what is none.

    `fields` are its cells, with lone surrogates for bytes that are no UTF-8; None where there is a `reason` why it
    is no record. `raw` are its bytes; of a line that is too long the first of them.
    """

    line: int
    raw: bytes
    fields: list[str] | None
    reason: str | None


class _CutLine(bytes):
    """The beginning of a line that is too long to be kept; `size` is that of the whole line."""

    size = 0


class _TooLongError(Exception):
    """The record under way has outgrown what a row may have."""


@dataclass
class StrictRows:
    """Reads records from `source` on.

    Attributes
    ----------
    source
        Stands at the beginning of a record.
    dialect
        How it is written.
    line, position
        Line and byte at which the next record begins.
    doubtful_until
        Up to this byte lines had been taken for the inside of a quote that was none.
    """

    source: BinaryIO
    dialect: Dialect
    line: int = 1
    position: int = 0
    doubtful_until: int = 0
    _waiting: deque[bytes] = field(default_factory=deque)
    _taken: list[bytes] = field(default_factory=list)
    _size: int = 0
    _has_returns: bool = False

    def read(self, stop: int) -> Iterator[Record]:
        """Yield records until one ends at or behind byte `stop`; blank lines are none."""
        csv.field_size_limit(_LONGEST_FIELD)
        reader = self._new_reader()
        while self.position < stop:
            self._taken, self._size, self._has_returns = [], 0, False
            try:
                fields = next(reader, None)
            except (csv.Error, _TooLongError) as error:
                yield self._refuse(TOO_LONG if isinstance(error, _TooLongError) else BAD_QUOTE)
                reader = self._new_reader()
                continue
            if fields is None:
                return
            record = self._accept(fields)
            if record.fields != []:
                yield record

    def _new_reader(self) -> Iterator[list[str]]:
        return csv.reader(
            self._lines(),
            delimiter=self.dialect.delimiter,
            quotechar=self.dialect.quote or None,
            escapechar=self.dialect.escape or None,
            quoting=csv.QUOTE_MINIMAL if self.dialect.quote else csv.QUOTE_NONE,
            strict=True,
        )

    def _lines(self) -> Iterator[str]:
        while line := self._waiting.popleft() if self._waiting else self._read_line():
            self._taken.append(line)
            self._size += _size_of(line)
            if self._size > ROW_BYTES:
                raise _TooLongError
            text = line.decode("utf-8", "surrogateescape")
            yield self._hide_returns(text) if "\r" in text else text

    def _read_line(self) -> bytes:
        line = self.source.readline(ROW_BYTES + 1)
        if len(line) <= ROW_BYTES:
            return line
        cut, more = _CutLine(line[:_SHOWN_BYTES]), line
        cut.size = len(line)
        while more and not more.endswith(b"\n"):
            more = self.source.readline(ROW_BYTES)
            cut.size += len(more)
        return cut

    def _hide_returns(self, text: str) -> str:
        """Hide from the csv module the carriage returns that end no line: it takes them for the end of the file."""
        body = text.rstrip("\r\n")
        self._has_returns |= "\r" in body
        return body.replace("\r", _LONE_RETURN) + text[len(body) :]

    def _accept(self, fields: list[str]) -> Record:
        raw = self._taken[0] if len(self._taken) == 1 else b"".join(self._taken)
        if self.position < self.doubtful_until and holds_bare_quote(raw, self.dialect):
            return self._refuse(BAD_QUOTE)
        if self._has_returns:
            fields = [cell.replace(_LONE_RETURN, "\r") for cell in fields]
        record = Record(self.line, raw, fields, None)
        self.position += self._size
        self.line += len(self._taken)
        return record

    def _refuse(self, reason: str) -> Record:
        """Refuse the first line of what was taken; the others come again."""
        first, *others = self._taken
        self.doubtful_until = max(self.doubtful_until, self.position + self._size)
        self._waiting.extendleft(reversed(others))
        record = Record(self.line, bytes(first), None, reason)
        self.position += _size_of(first)
        self.line += 1
        return record


def _size_of(line: bytes) -> int:
    return line.size if isinstance(line, _CutLine) else len(line)
