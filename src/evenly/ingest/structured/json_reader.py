"""JSON: an array of objects, or objects one after the other that are not one a line.

In: a text file of any size, packed or not. Out: the wanted columns as text (null where a key is missing; what is no
string as JSON text), batch by batch; the values that are no object. Objects one a line, whatever the file is
called, are `evenly.ingest.structured.jsonl_reader`'s work.
"""

from __future__ import annotations

import json
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from evenly.errors import ColumnNotFoundError, DataError
from evenly.ingest.reading import BATCH_ROWS, Place
from evenly.ingest.rejects import INVALID_UTF8, Reject
from evenly.ingest.structured.json_elements import NOT_JSON, JsonElements
from evenly.ingest.structured.json_rows import as_cell, cells_to_table, read_cells
from evenly.ingest.structured.jsonl_reader import NOT_AN_OBJECT, NOT_TEXT
from evenly.ingest.unpacking import open_stream, read_first_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from evenly.ingest.files import RawFile
    from evenly.ingest.reading import ReadOptions, TextFormat
    from evenly.ingest.structured.json_elements import Element

__all__ = ["JsonReader", "holds_json_lines", "json_head"]

_LINES_LOOKED_AT = 20
_FIRST_BYTES = 1 << 20


class JsonReader:
    """Delivers the rows of one JSON file."""

    def __init__(self, raw: RawFile, options: ReadOptions) -> None:
        """Look at the first bytes."""
        read_first_bytes(raw, 4096)
        self._raw = raw
        self._options = options
        self._diverted: list[Reject] = []
        self._bad: set[int] = set()
        self._seen: dict[str, None] = {}
        self.remarks: list[str] = []

    @property
    def dialect(self) -> dict[str, str | bool]:
        """Nothing to tell."""
        return {}

    def batches(self) -> Iterator[pa.Table]:
        """Yield the wanted columns as text, rows in the order of the file."""
        rows: list[list[str | None]] = []
        first: Element | None = None
        with open_stream(self._raw) as stream:
            elements = _elements(self._raw, stream, self._options.given)
            number = -1
            for number, element in enumerate(elements):
                first = first or element
                row = self._read_row(number, element)
                if row is not None:
                    rows.append(row)
                if len(rows) == BATCH_ROWS:
                    yield cells_to_table(rows, self._options)
                    rows = []
        self._refuse_missing_columns(first, in_array=elements.in_array, n_elements=number + 1)
        if elements.cut:
            self.remarks.append("ends before its array does: the file may be cut")
        if rows:
            yield cells_to_table(rows, self._options)

    def _read_row(self, number: int, element: Element) -> list[str | None] | None:
        """Return the wanted cells of a value, or None where it is diverted."""
        fault = self._find_fault(element.value)
        cells: list[str | None] = []
        if fault is None:
            try:
                cells = read_cells(element.value, self._options)
            except UnicodeEncodeError:
                fault = None, INVALID_UTF8
        if fault is None:
            return cells
        self._bad.add(number)
        self._diverted.append(Reject(element.line, *fault, _shown(element.text)))
        return None

    def _find_fault(self, value: Any) -> tuple[str | None, str] | None:
        """Return column and reason where a value is no row."""
        if value is NOT_JSON or not isinstance(value, dict):
            return None, NOT_AN_OBJECT
        self._seen.update(dict.fromkeys(value))
        lists = (name for name in self._options.text if isinstance(value.get(name), dict | list))
        column = next(lists, None)
        return None if column is None else (column, NOT_TEXT)

    def _refuse_missing_columns(self, first: Element | None, *, in_array: bool, n_elements: int) -> None:
        if not self._seen:
            raise _no_object(self._raw, first)
        if n_elements == 1 and not in_array and first is not None:
            _refuse_wrapped(self._raw, first.value)
        for name in self._options.wanted:
            if name not in self._seen:
                raise ColumnNotFoundError(name, self._seen, self._raw.name)

    def diverted(self) -> Iterator[Reject]:
        """Yield the values that are no row."""
        yield from self._diverted

    def locate(self, delivered: NDArray[np.int64]) -> Iterator[Place]:
        """Yield line and text of delivered rows."""
        wanted = set(delivered.tolist())
        with open_stream(self._raw) as stream:
            elements = enumerate(_elements(self._raw, stream, self._options.given))
            good = (element for number, element in elements if number not in self._bad)
            for number, element in enumerate(good):
                if number in wanted:
                    yield Place(element.line, _shown(element.text))


def json_head(raw: RawFile, rows: int, given: TextFormat) -> pa.Table:
    """Return up to `rows` first rows, all columns as text; values that are no object are left out.

    Raises
    ------
    DataError
        There is no object, or one that holds the rows.
    """
    read_first_bytes(raw, 4096)
    with open_stream(raw) as stream:
        elements = _elements(raw, stream, given)
        values = iter(elements)
        first = next(values, None)
        found = [] if first is None else list(islice(filter(_is_row, chain([first], values)), rows))
    if not found:
        raise _no_object(raw, first)
    if len(found) == 1 and not elements.in_array:
        _refuse_wrapped(raw, found[0].value)
    names = dict.fromkeys(name for element in found for name in element.value)
    cells = {name: [as_cell(element.value.get(name)) for element in found] for name in names}
    return pa.table({name: pa.array(column, pa.string()) for name, column in cells.items()})


def holds_json_lines(raw: RawFile) -> bool:
    """Return whether the file is objects one a line: whether one of its first lines, of several, is an object.

    Raises
    ------
    DataError
        The file is empty or cannot be decompressed.
    """
    head, _ = read_first_bytes(raw, _FIRST_BYTES)
    lines = head.removeprefix(b"\xef\xbb\xbf").strip().split(b"\n")
    return len(lines) > 1 and lines[0].startswith(b"{") and any(map(_is_object, lines[:_LINES_LOOKED_AT]))


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _elements(raw: RawFile, stream: Any, given: TextFormat) -> JsonElements:
    return JsonElements(raw.name, stream, encoding=given.encoding, replace=given.on_bad_bytes == "replace")


def _is_row(element: Element) -> bool:
    """Return whether a value is an object without half surrogate pairs."""
    if not isinstance(element.value, dict):
        return False
    try:
        json.dumps(element.value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(text: str) -> str:
    """Return the text of a value with the bytes that are no UTF-8 as escapes."""
    return text.strip().encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _no_object(raw: RawFile, first: Element | None) -> DataError:
    shown = "nothing" if first is None else repr(_shown(first.text)[:80])
    return DataError(
        f"{raw.name} has no JSON object; it begins with {shown}. Expected an array of objects, "
        f'[{{"text": "...", "label": "..."}}, ...], or an object a line.'
    )


def _refuse_wrapped(raw: RawFile, value: Any) -> None:
    """Raise where the one object of a file holds the rows, or columns instead of rows."""
    lists = [name for name, inner in value.items() if isinstance(inner, list) and inner and isinstance(inner[0], dict)]
    if lists:
        raise DataError(
            f"{raw.name} is one object; its {lists[0]!r} is a list of {len(value[lists[0]])} objects. "
            f"Write that list alone: jq .{lists[0]} {raw.name} > rows.json"
        )
    if len(value) > 1 and all(isinstance(inner, dict | list) for inner in value.values()):
        raise DataError(
            f"{raw.name} is one object of columns ({', '.join(map(repr, list(value)[:5]))}), not of rows. "
            f"Write a row an object; with pandas: frame.to_json({raw.name!r}, orient='records')"
        )
