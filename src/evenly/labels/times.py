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
        first = int(rows[np.flatnonzero(values.is_null().to_numpy())[0]])
        raise _unusable(column, first, None, values.null_count, len(rows))
    if pa.types.is_string(values.type):
        return _parse_texts(values, column, rows)
    if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        return _finite(values.cast(pa.float64()).to_numpy(), column, rows)
    if pa.types.is_temporal(values.type) and not pa.types.is_interval(values.type):
        narrow = pa.types.is_date32(values.type) or pa.types.is_time32(values.type)
        values = (values.cast(pa.int32()) if narrow else values).cast(pa.int64())
    if pa.types.is_integer(values.type):
        found: NDArray[Any] = values.to_numpy()
        return found
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


def _parse_texts(texts: pa.ChunkedArray, column: str, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Read texts as numbers where all of them are, else as ISO 8601 in microseconds since 1970."""
    trimmed = pc.utf8_trim_whitespace(texts)
    for kind in (pa.float64(), pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            found = trimmed.cast(kind)
        except pa.ArrowInvalid:
            continue
        return _finite(found.to_numpy(), column, rows) if kind == pa.float64() else found.cast(pa.int64()).to_numpy()
    parsed = [_parse_iso(text) for text in trimmed.to_pylist()]  # a hundred times slower, and reads all of ISO 8601
    unknown = [at for at, time in enumerate(parsed) if time is None]
    if unknown:
        raise _unusable(column, int(rows[unknown[0]]), texts[unknown[0]].as_py(), len(unknown), len(rows))
    return np.array(parsed, np.int64)


def _parse_iso(text: str) -> int | None:
    """Return microseconds since 1970, or None."""
    month = _MONTH.fullmatch(text)
    if month:
        text += "-01" if month[1] else "-01-01"
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def _finite(numbers: NDArray[np.float64], column: str, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        shown = "NaN" if math.isnan(numbers[wrong[0]]) else str(numbers[wrong[0]])
        raise _unusable(column, int(rows[wrong[0]]), shown, len(wrong), len(rows))
    return numbers


def _unusable(column: str, row: int, value: str | None, n_wrong: int, n_rows: int) -> DataError:
    return DataError(
        f"Column {column!r} is {value!r} in row {row} ({n_wrong} such of {n_rows} rows), which is no time. Expected in "
        f"every row an ISO date or time such as 2024-05-31 or 2024-05-31T09:30:00Z, or in every row a number. Mend the "
        f"column, or leave split.by out."
    )
