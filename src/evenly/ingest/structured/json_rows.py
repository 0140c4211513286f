"""The wanted cells of JSON objects, and the columns that they make.

In: objects, from JSON lines or an array. Out: Arrow tables of text: a string as it is, null for a key that is
missing, anything else as JSON. Columns that are only carried along are JSON throughout (``arrow.json``), so that a
number stays one (`evenly.ingest.kept_types`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from evenly.ingest.kept_types import JSON_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evenly.ingest.reading import ReadOptions

__all__ = ["as_cell", "cells_to_table", "read_cells"]


def read_cells(row: Mapping[str, Any], options: ReadOptions) -> list[str | None]:
    """Return the wanted cells of an object.

    Raises
    ------
    UnicodeEncodeError
        A string has half a surrogate pair, which no UTF-8 file can hold.
    """
    return [_as_json(row.get(name)) if name in options.carried else as_cell(row.get(name)) for name in options.wanted]


def cells_to_table(rows: Sequence[Sequence[str | None]], options: ReadOptions) -> pa.Table:
    """Return cells, a list a row, as a table."""
    columns = {}
    for name, cells in zip(options.wanted, zip(*rows, strict=True), strict=True):
        text = pa.array(cells, pa.string())
        columns[name] = pa.ExtensionArray.from_storage(JSON_TYPE, text) if name in options.carried else text
    return pa.table(columns)


def as_cell(value: Any) -> str | None:
    """Return a JSON value as text: a string as it is, null as None, anything else as JSON.

    Raises
    ------
    UnicodeEncodeError
        The string has half a surrogate pair, which no UTF-8 file can hold.
    """
    if not isinstance(value, str):
        return _as_json(value)
    value.encode()
    return value


def _as_json(value: Any) -> str | None:
    if value is None:
        return None
    text = json.dumps(value, ensure_ascii=False)
    text.encode()
    return text
