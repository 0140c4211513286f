"""JSON lines: one object a line.

In: a text file. Out: the wanted columns (`json_rows`), batch by batch; the lines that are no JSON
object. Blank lines are not rows.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from evenly.errors import ColumnNotFoundError, DataError
from evenly.ingest.encodings import open_utf8
from evenly.ingest.reading import BATCH_ROWS, ROW_BYTES, TOO_LONG, Place
from evenly.ingest.rejects import INVALID_UTF8, Reject, RejectSpool, invalid_bytes
from evenly.ingest.structured.json_rows import cells_to_table, read_cells
from evenly.ingest.unpacking import read_first_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from evenly.ingest.files import RawFile
    from evenly.ingest.reading import ReadOptions

__all__ = ["NOT_AN_OBJECT", "NOT_TEXT", "JsonlReader"]

NOT_AN_OBJECT = "not a JSON object"
NOT_TEXT = "the text is no string"
_READ_BYTES = ROW_BYTES + 4_096  # some more than a row may have, for the white space around it
_SHOWN_BYTES = 4_096


class JsonlReader:
    """Delivers the rows of one JSONL file."""

    def __init__(self, raw: RawFile, options: ReadOptions, folder: Path) -> None:
        """Find the encoding, and a file in UTF-8."""
        read_first_bytes(raw, 4096)
        text = open_utf8(raw, folder, options.given)
        self._name = raw.name
        self._options = options
        self._plain = text.path
        self._encoding = text.encoding
        self._errors = "replace" if options.given.on_bad_bytes == "replace" else "strict"
        self._diverted = RejectSpool(folder / "diverted")
        self._bad: set[int] = set()
        self._seen: dict[str, None] = {}
        self.remarks = text.remarks

    @property
    def dialect(self) -> dict[str, str | bool]:
        """The encoding."""
        return {"encoding": self._encoding}

    def batches(self) -> Iterator[pa.Table]:
        """Yield the wanted columns, rows in the order of the file."""
        rows: list[list[str | None]] = []
        for line, text in _lines(self._plain):
            row = self._read_row(line, text)
            if row is not None:
                rows.append(row)
            if len(rows) == BATCH_ROWS:
                yield cells_to_table(rows, self._options)
                rows = []
        if rows:
            yield cells_to_table(rows, self._options)
        self._refuse_missing_columns()

    def _read_row(self, line: int, text: bytes) -> list[str | None] | None:
        """Return the wanted cells of a line, or None where it is diverted."""
        if len(text) > ROW_BYTES:
            self._divert(line, (None, TOO_LONG), text[:_SHOWN_BYTES])
            return None
        try:
            row = json.loads(text.decode("utf-8", self._errors))
            fault = self._find_fault(row)
            cells = read_cells(row, self._options) if fault is None else []
        except UnicodeDecodeError:
            fault = None, invalid_bytes(self._encoding)
        except UnicodeEncodeError:
            fault = None, INVALID_UTF8
        except (ValueError, RecursionError):
            fault = None, NOT_AN_OBJECT
        if fault is None:
            return cells
        self._divert(line, fault, text)
        return None

    def _divert(self, line: int, fault: tuple[str | None, str], text: bytes) -> None:
        self._bad.add(line)
        self._diverted.add(Reject(line, *fault, text.decode("utf-8", "backslashreplace")))

    def _find_fault(self, row: Any) -> tuple[str | None, str] | None:
        """Return column and reason where a JSON value is no row."""
        if not isinstance(row, dict):
            return None, NOT_AN_OBJECT
        self._seen.update(dict.fromkeys(row))
        lists = (name for name in self._options.text if isinstance(row.get(name), dict | list))
        column = next(lists, None)
        return None if column is None else (column, NOT_TEXT)

    def _refuse_missing_columns(self) -> None:
        if not self._seen:
            first = next((reject.raw[:80] for reject in self._diverted), "")
            raise DataError(f"{self._name} has no line that is a JSON object; the first begins with {first!r}.")
        for name in self._options.wanted:
            if name not in self._seen:
                raise ColumnNotFoundError(name, self._seen, self._name)

    def diverted(self) -> Iterator[Reject]:
        """Yield the lines that are no JSON object."""
        yield from self._diverted

    def locate(self, delivered: NDArray[np.int64]) -> Iterator[Place]:
        """Yield line and text of delivered rows."""
        wanted = set(delivered.tolist())
        good = ((line, text) for line, text in _lines(self._plain) if line not in self._bad)
        for number, (line, text) in enumerate(good):
            if number in wanted:
                yield Place(line, text.decode("utf-8", "replace"))


def _lines(plain: Path) -> Iterator[tuple[int, bytes]]:
    """Yield number (from 1) and bytes of every line that is not blank; of one that is too long its beginning."""
    with plain.open("rb") as source:
        for number, raw in enumerate(iter(partial(source.readline, _READ_BYTES), b""), start=1):
            if len(raw) == _READ_BYTES:
                _skip_line(source, raw)
            text = (raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw).strip()
            if text:
                yield number, text


def _skip_line(source: BinaryIO, raw: bytes) -> None:
    """Read on to the end of a line, piece by piece."""
    while raw and not raw.endswith(b"\n"):
        raw = source.readline(_READ_BYTES)
