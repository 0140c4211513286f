"""Cells as text, and lists and objects within a text cell."""

from __future__ import annotations

import ast
import json
import warnings
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from evenly.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["as_text", "blank_mask", "names_in", "parse_list", "parse_object"]


def as_text(column: pa.ChunkedArray, name: str) -> pa.StringArray:
    """Return a column as text; Arrow writes the number 1.0 as 1.

    Raises
    ------
    DataError
        It holds lists, structures or bytes.
    """
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_string(array.type):
        return array
    if pa.types.is_nested(array.type) or pa.types.is_binary(array.type):
        raise DataError(f"column {name!r} holds {array.type}, expected text or numbers")
    return array.cast(pa.string())


def blank_mask(text: pa.StringArray) -> pa.BooleanArray:
    """Return where there is no text: null, empty or white space alone."""
    empty = pc.equal(pc.binary_length(text), 0)
    return pc.or_(empty, pc.utf8_is_space(text)).fill_null(pa.scalar(value=True))


def parse_list(cell: str) -> list[str | None] | None:
    """Return the names in a cell that is a list, or None where it is none.

    JSON (``["a", "b"]``) and Python (``['a', 'b']``) are read, as `names_in` reads their values.
    """
    value = _parse(cell) if cell.startswith("[") else None
    return names_in(value) if isinstance(value, list) else None


def parse_object(cell: str) -> dict[Any, Any] | None:
    """Return the object that a cell holds, in JSON or Python, or None where it is none."""
    value = _parse(cell) if cell.startswith("{") else None
    return value if isinstance(value, dict) else None


def names_in(values: Sequence[Any]) -> list[str | None] | None:
    """Return the names in a list, None where it holds lists or objects without a name.

    Of an object it is its `name`, as in ``[{"id": 18, "name": "Drama"}]``. An element that is null or blank is None.
    """
    names = [value["name"] if isinstance(value, dict) and "name" in value else value for value in values]
    if any(isinstance(name, dict | list) for name in names):
        return None
    try:
        return [_as_name(name) for name in names]
    except UnicodeEncodeError:  # an escaped half of a surrogate pair, which no file can hold
        return None


def _parse(cell: str) -> Any:
    """Return the value that a cell writes in JSON or Python; None where it writes none."""
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        pass
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a backslash in a name is not the person's Python code
        try:
            return ast.literal_eval(cell)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None


def _as_name(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    text.encode()
    return text.strip() or None
