"""A column of times as numbers that sort: ISO dates and times, plain numbers, Arrow's own types.

Comes in: a column that the table carries. Goes out: a number a row; what none can be made of is an error that names
the row. A time without a zone counts as UTC.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evenly.errors import ColumnNotFoundError, DataError
from evenly.formats import list_parts

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["read_times", "shown_time"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MONTH = re.compile(r"\d{4}(-\d{2})?")


def read_times(table: Path, column: str, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return the time of each of the given rows, shape (len(rows),), int64 or float64, to be compared only.

    Parameters
    ----------
    table
        The folder of a table.
    column
        A column that it carries: text (ISO 8601, or numbers), numbers, dates, times or timestamps.
    rows
        Ascending.

    Raises
    ------
    ColumnNotFoundError
        The table has no such column.
    DataError
        A cell is null or no time, or the column is of another kind.
    """
    return _numbers(_read_column(table, column).take(pa.array(rows)), column, rows)


def _numbers(values: pa.ChunkedArray, column: str, rows: NDArray[np.int64]) -> NDArray[Any]:
    if values.null_count:
        at = int(np.flatnonzero(values.is_null().to_numpy())[0])
        raise _unusable(column, int(rows[at]), None, f"{values.null_count} such rows of {len(rows)}")
    if pa.types.is_string(values.type):
        return _parse_texts(values.to_pylist(), column, rows)
    if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        return _finite(values.cast(pa.float64()).to_numpy(), column, rows)
    if pa.types.is_integer(values.type):
        return values.to_numpy()
    if pa.types.is_temporal(values.type) and not pa.types.is_interval(values.type):
        narrow = pa.types.is_date32(values.type) or pa.types.is_time32(values.type)
        return (values.cast(pa.int32()) if narrow else values).cast(pa.int64()).to_numpy()
    raise DataError(
        f"Column {column!r} holds {values.type}, which is no time: split.by needs dates, times, numbers or ISO text."
    )


def shown_time(table: Path, column: str, row: int) -> str:
    """Return a cell as text, for a person."""
    return str(_read_column(table, column)[row].as_py())


def _read_column(table: Path, column: str) -> pa.ChunkedArray:
    parts = list_parts(table)
    names = pq.read_schema(parts[0]).names
    if column not in names:
        raise ColumnNotFoundError(column, names, "split.by: the table")
    values = pa.concat_tables([pq.read_table(part, columns=[column]) for part in parts])[column]
    is_text = any(
        check(values.type) for check in (pa.types.is_large_string, pa.types.is_string_view, pa.types.is_dictionary)
    )
    return values.cast(pa.string()) if is_text else values


def _parse_texts(texts: list[str], column: str, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Read texts as numbers where all of them are, else as ISO 8601."""
    try:
        numbers = pc.cast(pc.utf8_trim_whitespace(pa.array(texts)), pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return np.array([_parse_iso(text, column, row) for text, row in zip(texts, rows.tolist(), strict=True)])
    return _finite(numbers, column, rows)


def _parse_iso(text: str, column: str, row: int) -> int:
    """Return microseconds since 1970."""
    stripped = text.strip()
    month = _MONTH.fullmatch(stripped)
    if month:
        stripped += "-01" if month[1] else "-01-01"
    try:
        time = datetime.fromisoformat(stripped)
    except ValueError:
        raise _unusable(column, row, text, "and perhaps others") from None
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def _finite(numbers: NDArray[np.float64], column: str, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    for at in np.flatnonzero(~np.isfinite(numbers))[:1].tolist():
        raise _unusable(column, int(rows[at]), _number(numbers[at]), "and perhaps others")
    return numbers


def _number(value: float) -> str:
    return "NaN" if math.isnan(value) else str(value)


def _unusable(column: str, row: int, value: str | None, how_many: str) -> DataError:
    return DataError(
        f"Column {column!r} is {value!r} in row {row} ({how_many}), which is no time. Expected in every row an ISO date "
        f"or time such as 2024-05-31 or 2024-05-31T09:30:00Z, or a number in every row. Mend the column, or leave "
        f"split.by out."
    )
