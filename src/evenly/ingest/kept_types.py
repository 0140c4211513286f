"""One type for every column that is carried along, whatever the file and the part.

In: the Arrow rows of all files. Out: a type for each carried column: that of the files where they agree, the wider
number where they differ in that, else text. A column of JSON lines has no type of its own: it waits as JSON (Arrow's
``arrow.json``), and its values tell: whole numbers, numbers, true and false, or text. Lists and objects stay JSON.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc

from evenly.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["JSON_TYPE", "cast_kept", "find_kept_types"]

JSON_TYPE = pa.json_(pa.string())
_WHOLE = r"^-?\d{1,19}$"
_LONG = r"^-?\d{19}$"
_NUMBER = r"^(-?\d{1,19}(\.\d+)?([eE][+-]?\d+)?|NaN|-?Infinity)$"
_FLAG = "^(true|false)$"


def find_kept_types(files: Sequence[Path], columns: Sequence[str]) -> dict[str, pa.DataType]:
    """Return the type that each carried column shall have in every part.

    Parameters
    ----------
    files
        Arrow files of checked rows; those without a row left out.
    columns
        Names in the table.

    Raises
    ------
    DataError
        The files hold lists or structures that differ.
    """
    found: dict[str, list[pa.DataType]] = {name: [] for name in columns}
    for path in files if columns else ():
        with pa.memory_map(str(path)) as source:
            reader = pa.ipc.open_file(source)
            for name in columns:
                type_ = reader.schema.field(name).type
                found[name] += _json_types(reader, name) if type_ == JSON_TYPE else [type_]
    return {name: _common_type(name, types) for name, types in found.items()}


def _json_types(reader: pa.ipc.RecordBatchFileReader, name: str) -> Iterator[pa.DataType]:
    for index in range(reader.num_record_batches):
        yield _json_type(reader.get_batch(index).column(name).storage)


def _json_type(cells: pa.StringArray) -> pa.DataType:
    """Return the narrowest type that holds all these JSON values."""
    if cells.null_count == len(cells):
        return pa.null()
    for pattern, type_ in ((_WHOLE, pa.int64()), (_NUMBER, pa.float64()), (_FLAG, pa.bool_())):
        if pc.all(pc.match_substring_regex(cells, pattern)).as_py():
            return type_ if _fit(cells) else pa.string()
    return pa.string()


def _fit(cells: pa.StringArray) -> bool:
    """Return whether whole numbers fit into 64 bits; longer ones are text, so that no digit of an id is lost."""
    try:
        cells.filter(pc.match_substring_regex(cells, _LONG)).cast(pa.int64())
    except pa.ArrowInvalid:
        return False
    return True


def _common_type(name: str, types: Sequence[pa.DataType]) -> pa.DataType:
    distinct = list(dict.fromkeys(type_ for type_ in types if not pa.types.is_null(type_)))
    if len(distinct) < 2:  # noqa: PLR2004 - nothing to agree on
        return distinct[0] if distinct else pa.string()
    try:
        schemas = [pa.schema({name: type_}) for type_ in distinct]
        return pa.unify_schemas(schemas, promote_options="permissive").field(name).type
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        if any(pa.types.is_nested(type_) for type_ in distinct):
            raise DataError(
                f"The source files hold different types in the column {name!r}: {', '.join(map(str, distinct))}. "
                f"Convert them, or leave the column out of source.keep."
            ) from error
        return pa.string()


def cast_kept(table: pa.Table, types: Mapping[str, pa.DataType]) -> pa.Table:
    """Return the rows with every carried column in its type."""
    for name, type_ in types.items():
        column = table[name]
        if column.type == JSON_TYPE:
            chunks = [_of_json(chunk.storage, type_) for chunk in column.chunks]
            column = pa.chunked_array(chunks, type_)
        table = table.set_column(table.schema.get_field_index(name), name, column.cast(type_))
    return table


def _of_json(cells: pa.StringArray, type_: pa.DataType) -> pa.Array:
    """Return JSON values in a type; as text, a string loses its quotes and everything else stays as it is written."""
    if not pa.types.is_string(type_):
        return cells.cast(type_)
    quoted = pc.starts_with(cells, '"').fill_null(pa.scalar(value=False))
    escaped = pc.and_(quoted, pc.match_substring(cells, "\\"))
    plain = pc.if_else(quoted, pc.utf8_slice_codeunits(cells, 1, -1), cells)
    unescaped = [json.loads(cell) for cell in cells.filter(escaped).to_pylist()]
    return pc.replace_with_mask(plain, escaped.fill_null(pa.scalar(value=False)), pa.array(unescaped, pa.string()))
