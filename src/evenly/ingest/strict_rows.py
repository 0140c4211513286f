"""Records of a CSV file one by one, by Python's csv module in its strict mode: for what the fast reader leaves.

In: a binary file that stands at the beginning of a record. Out: every record with its line and bytes, or why it is
none. A quote that is never closed, or closed in the midst of a text, costs the line in which its record begins; the
next line begins a record again, so that no good row behind it is lost. Of the lines that had been taken for the
inside of the quote, one that holds quotes itself must hold them beyond doubt.
"""

from __future__ import annotations

import csv
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evenly.ingest.quotes import find_byte, find_doubt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from evenly.ingest.dialect import Dialect

__all__ = ["BAD_QUOTE", "ROW_BYTES", "TOO_LONG", "Record", "StrictRows"]

ROW_BYTES = 16 << 20
BAD_QUOTE = "a quote that is stray or not closed"
TOO_LONG = f"a row of more than {ROW_BYTES >> 20} MB"
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


class _Line(NamedTuple):
    raw: bytes
    size: int  # more than len(raw) where the line is too long to be kept


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
    _waiting: deque[_Line] = field(default_factory=deque)
    _taken: list[_Line] = field(default_factory=list)

    def read(self, stop: int) -> Iterator[Record]:
        """Yield records until one ends at or behind byte `stop`; blank lines are none."""
        csv.field_size_limit(_LONGEST_FIELD)
        while self.position < stop:
            record = self._next()
            if record is None:
                return
            if record.fields != []:
                yield record

    def _next(self) -> Record | None:
        self._taken = []
        reader = csv.reader(
            self._lines(),
            delimiter=self.dialect.delimiter,
            quotechar=self.dialect.quote or None,
            escapechar=self.dialect.escape or None,
            quoting=csv.QUOTE_MINIMAL if self.dialect.quote else csv.QUOTE_NONE,
            strict=True,
        )
        try:
            fields = next(reader, None)
        except csv.Error:
            return self._refuse(BAD_QUOTE)
        except _TooLongError:
            return self._refuse(TOO_LONG)
        if fields is None:
            return None
        raw = b"".join(line.raw for line in self._taken)
        if self.position < self.doubtful_until and self._is_doubtful(raw):
            return self._refuse(BAD_QUOTE)
        return self._advance(len(self._taken), [field.replace(_LONE_RETURN, "\r") for field in fields], None)

    def _lines(self) -> Iterator[str]:
        size = 0
        while (line := self._waiting.popleft() if self._waiting else self._read_line()) is not None:
            self._taken.append(line)
            size += line.size
            if size > ROW_BYTES:
                raise _TooLongError
            yield _hide_lone_returns(line.raw.decode("utf-8", "surrogateescape"))

    def _read_line(self) -> _Line | None:
        raw = self.source.readline(ROW_BYTES + 1)
        if len(raw) <= ROW_BYTES:
            return _Line(raw, len(raw)) if raw else None
        size, more = len(raw), raw
        while more and not more.endswith(b"\n"):
            more = self.source.readline(ROW_BYTES)
            size += len(more)
        return _Line(raw[:_SHOWN_BYTES], size)

    def _is_doubtful(self, raw: bytes) -> bool:
        quote, delimiter = self.dialect.quote, self.dialect.delimiter
        if not (quote.isascii() and delimiter.isascii()) or self.dialect.escape:
            return False
        view = np.frombuffer(raw, np.uint8)
        return find_doubt(view, find_byte(view, quote), delimiter=delimiter, has_returns=False) < len(raw)

    def _refuse(self, reason: str) -> Record:
        """Refuse the first line of what was taken; the others come again."""
        self.doubtful_until = max(self.doubtful_until, self.position + sum(line.size for line in self._taken))
        self._waiting.extendleft(reversed(self._taken[1:]))
        return self._advance(1, None, reason)

    def _advance(self, n_lines: int, fields: list[str] | None, reason: str | None) -> Record:
        used, line = self._taken[:n_lines], self.line
        self.position += sum(one.size for one in used)
        self.line += n_lines
        return Record(line, b"".join(one.raw for one in used), fields, reason)


def _hide_lone_returns(text: str) -> str:
    body = text.rstrip("\r\n")
    return body.replace("\r", _LONE_RETURN) + text[len(body) :] if "\r" in body else text
