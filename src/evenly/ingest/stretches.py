"""A CSV file in stretches of whole records, in order.

In: a plain UTF-8 file and its dialect. Out: stretches. Where the division into records is beyond doubt
(`evenly.ingest.quotes`) they are large, and any reader may take them, several at a time; where it is not, the
records themselves are found one by one (`evenly.ingest.strict_rows`), and behind the doubt it goes on as before. How
large the stretches are makes no difference to the records.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.ingest.quotes import find_byte, find_doubt
from evenly.ingest.strict_rows import ROW_BYTES, StrictRows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from evenly.ingest.dialect import Dialect
    from evenly.ingest.strict_rows import Record

__all__ = ["BYTE_ORDER_MARK", "Stretch", "Stretches", "count_feeds"]

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DOUBTFUL_BYTES = 256 << 10
_NOTHING = memoryview(b"")


@dataclass(frozen=True)
class Stretch:
    """Whole records.

    Attributes
    ----------
    start, stop, line
        The bytes of the file that they take, and the line on which they begin, from 1.
    data
        Those bytes, where the division into records is beyond doubt.
    records
        The records, where it is not.
    doubtful_until
        As `evenly.ingest.strict_rows.StrictRows` has it.
    """

    start: int
    stop: int
    line: int
    data: memoryview = _NOTHING
    records: tuple[Record, ...] = ()
    doubtful_until: int = 0


@dataclass(frozen=True)
class Stretches:
    """Cuts the file `plain`, written in `dialect`, into stretches of about `stretch_bytes`."""

    plain: Path
    dialect: Dialect
    stretch_bytes: int

    def __iter__(self) -> Iterator[Stretch]:
        """Yield the stretches of the file in order, without its header."""
        with self.plain.open("rb") as source:
            at, line = self._skip_header(source)
            size = self.stretch_bytes
            while data := _read_at(source, at, size):
                stop, doubt = self._find_end(data, complete=len(data) < size)
                if stop:
                    stretch = Stretch(at, at + stop, line, memoryview(data)[:stop])
                    yield stretch
                    at, line = stretch.stop, line + count_feeds(stretch.data)
                elif doubt is None and size < ROW_BYTES:
                    size = min(2 * size, ROW_BYTES)
                    continue
                else:
                    rows = StrictRows(_file_at(source, at), self.dialect, line, at)
                    yield from _find_records(rows, at + max(doubt or 0, _DOUBTFUL_BYTES))
                    at, line = rows.position, rows.line
                size = self.stretch_bytes

    def _skip_header(self, source: BinaryIO) -> tuple[int, int]:
        """Return where the first row begins, and on which line."""
        at = len(BYTE_ORDER_MARK) if _read_at(source, 0, len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK else 0
        rows = StrictRows(_file_at(source, at), self.dialect, position=at)
        if self.dialect.header:
            next(rows.read(sys.maxsize), None)
        return rows.position, rows.line

    def _find_end(self, data: bytes, *, complete: bool) -> tuple[int, int | None]:
        """Return how many of the bytes are records beyond doubt, and where none is the first doubtful byte, if any.

        Nothing can be told where there are neither records nor doubts: more bytes are needed.
        """
        if not self.dialect.plain:
            return 0, len(data)
        view = np.frombuffer(data, np.uint8)
        quotes = find_byte(view, self.dialect.quote)
        end = len(data) if complete else _last_end(data, quotes, len(data))
        inside = quotes[: np.searchsorted(quotes, end or len(data))]
        if not end:
            inside = inside[: len(inside) // 2 * 2]
        doubt = find_doubt(
            view[: end or len(data)], inside, delimiter=self.dialect.delimiter, has_returns=b"\r" in data
        )
        if doubt == (end or len(data)):
            return end, None
        return _last_end(data, inside, doubt), doubt


def _read_at(source: BinaryIO, at: int, size: int) -> bytes:
    source.seek(at)
    return source.read(size)


def _file_at(source: BinaryIO, at: int) -> BinaryIO:
    source.seek(at)
    return source


def _last_end(data: bytes, quotes: NDArray[np.int64], stop: int) -> int:
    """Return the end of the last record that ends before byte `stop`; 0 where none does."""
    feed = data.rfind(b"\n", 0, stop)
    while feed >= 0:
        n_before = int(np.searchsorted(quotes, feed))
        if n_before % 2 == 0:
            return feed + 1
        feed = data.rfind(b"\n", 0, int(quotes[n_before - 1]))
    return 0


def _find_records(rows: StrictRows, stop: int) -> Iterator[Stretch]:
    """Yield the records up to byte `stop`, and on to the end of what is doubtful there."""
    while rows.position < max(stop, rows.doubtful_until):
        start, line, doubtful_until = rows.position, rows.line, rows.doubtful_until
        records = tuple(rows.read(min(start + _DOUBTFUL_BYTES, max(stop, doubtful_until))))
        if rows.position == start:
            return
        yield Stretch(start, rows.position, line, records=records, doubtful_until=doubtful_until)


def count_feeds(data: memoryview) -> int:
    """Return how many line feeds there are."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n")))
