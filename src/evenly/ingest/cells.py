"""Cells as text, and lists within a text cell."""

from __future__ import annotations

import ast
import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from evenly.errors import DataError

__all__ = ["as_text", "blank_mask", "parse_list"]


def as_text(column: pa.ChunkedArray, name: str) -> pa.StringArray:
    """Return a column as text; Arrow writes the number 1.0 as 1.

    Raises
    ------
    DataError
        It holds lists, structures or bytes.
    """
    array = column.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_nested(array.type) or pa.types.is_binary(array.type):
        raise DataError(f"column {name!r} holds {array.type}, expected text or numbers")
    return array.cast(pa.string())


def blank_mask(text: pa.StringArray) -> pa.BooleanArray:
    """Return where there is no text: null, empty or white space alone."""
    empty = pc.equal(pc.binary_length(text), 0)
    return pc.or_(empty, pc.utf8_is_space(text)).fill_null(pa.scalar(value=True))


def parse_list(cell: str) -> list[str | None] | None:
    """Return the names in a cell that is a list, or None where it is none.

    JSON (``["a", "b"]``) and Python (``['a', 'b']``) are read; of a list of objects the `name` of each, as in
    ``[{"id": 18, "name": "Drama"}]``. An element that is null or blank is None.
    """
    if not cell.startswith("["):
        return None
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        try:
            value = ast.literal_eval(cell)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    if not isinstance(value, list):
        return None
    names = [_name_of(element) for element in value]
    return None if any(isinstance(name, dict | list) for name in names) else [_as_name(name) for name in names]


def _name_of(element: Any) -> Any:
    return element["name"] if isinstance(element, dict) and "name" in element else element


def _as_name(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text.strip() or None
