"""Parquet and Arrow IPC: files that are columns already, of types that are known.

In: an opened file (`ColumnFile`) and the columns that are wanted. Out: those columns as they are, batch by batch.
Neither format promises that its strings are UTF-8, nor Arrow that its offsets lead anywhere: every buffer is checked
before it is touched, since an unchecked one ends in a crash. Rows with other bytes than UTF-8 are diverted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import pyarrow as pa

from evenly.errors import ColumnNotFoundError, DataError
from evenly.ingest.reading import BATCH_ROWS, Place
from evenly.ingest.rejects import INVALID_UTF8, Reject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from evenly.ingest.reading import ReadOptions

__all__ = ["REMARK_KEY", "ColumnFile", "ColumnarReader", "checked_names", "columnar_head"]

REMARK_KEY = b"evenly.remark"  # in the metadata of a file that evenly has written: a phrase for the person


@dataclass(frozen=True)
class ColumnFile:
    """An opened file of columns.

    Attributes
    ----------
    name
        For messages.
    kind
        ``parquet`` or ``Arrow``.
    schema
        Its columns.
    read
        Gives the batches of the named columns, from the first row on, as often as it is called.
    """

    name: str
    kind: str
    schema: pa.Schema
    read: Callable[[Sequence[str]], Iterator[pa.RecordBatch]]

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the columns in their order, at most `BATCH_ROWS` rows at a time.

        Raises
        ------
        DataError
            The file is damaged, or needs more memory than there is.
        """
        try:
            for batch in self.read(columns):
                for name in columns:
                    _as_bytes(batch.column(name)).validate(full=True)
                for start in range(0, batch.num_rows, BATCH_ROWS):
                    yield batch.slice(start, BATCH_ROWS).select(columns)
        except MemoryError as error:  # Arrow's, too
            raise DataError(
                f"{self.name} needs more memory than there is ({error}). Write it in smaller row groups, without very "
                f"long cells, or give more memory."
            ) from error
        except (pa.ArrowException, OSError) as error:
            raise self.damaged(error) from error

    def damaged(self, error: Exception) -> DataError:
        """Return the error to raise where reading goes wrong."""
        return DataError(f"{self.name} is a damaged {self.kind} file: {error}. Fetch it again.")


def checked_names(schema: pa.Schema) -> pa.Schema:
    """Return the schema of a file, once all names in it could be read.

    Raises
    ------
    UnicodeDecodeError
        A name is no UTF-8, which pyarrow finds out late.
    """
    for name in schema.names:
        name.encode()
    return schema


class ColumnarReader:
    """Delivers the rows of one parquet or Arrow file."""

    def __init__(self, file: ColumnFile, options: ReadOptions) -> None:
        """Look for the columns."""
        self._file = file
        self._wanted = list(options.wanted)
        self._diverted: list[Reject] = []
        for name in options.wanted:
            if name not in file.schema.names:
                raise ColumnNotFoundError(name, file.schema.names, file.name)
        for name in options.text:
            if not _holds_text(file.schema.field(name).type):
                raise DataError(f"{file.name}: column {name!r} holds {file.schema.field(name).type}, not text.")
        said = (file.schema.metadata or {}).get(REMARK_KEY)
        self.remarks = [said.decode()] if said else []

    @property
    def dialect(self) -> dict[str, str | bool]:
        """Nothing to tell."""
        return {}

    def batches(self) -> Iterator[pa.Table]:
        """Yield the wanted columns, rows in the order of the file."""
        first = 0
        for batch in self._file.batches(self._wanted):
            broken = self._find_broken(batch)
            self._diverted += [Reject(first + row + 1, column, INVALID_UTF8, raw) for row, column, raw in broken]
            bad = {row for row, _, _ in broken}
            kept = batch.take([row for row in range(batch.num_rows) if row not in bad]) if bad else batch
            first += batch.num_rows
            if kept.num_rows:
                yield pa.Table.from_batches([kept])

    def _find_broken(self, batch: pa.RecordBatch) -> list[tuple[int, str, str]]:
        """Return row, column and bytes of every row whose strings are not UTF-8, each row once."""
        broken = [found for name in self._wanted for found in _broken_strings(name, batch.column(name))]
        first = {row: (row, name, raw) for row, name, raw in reversed(broken)}
        return [first[row] for row in sorted(first)]

    def diverted(self) -> Iterator[Reject]:
        """Yield the rows whose strings are not UTF-8."""
        yield from self._diverted

    def locate(self, delivered: NDArray[np.int64]) -> Iterator[Place]:
        """Yield the number of the row, from 1, and its wanted columns as JSON."""
        diverted = {reject.line for reject in self._diverted}
        wanted = set(delivered.tolist())
        n_rows = n_delivered = 0
        for batch in self._file.batches(self._wanted):
            for row in range(batch.num_rows):
                n_rows += 1
                if n_rows in diverted:
                    continue
                if n_delivered in wanted:
                    cells = batch.slice(row, 1).to_pylist()[0]
                    yield Place(n_rows, json.dumps(cells, ensure_ascii=False, default=str))
                n_delivered += 1


def columnar_head(file: ColumnFile, rows: int) -> pa.Table:
    """Return up to `rows` first rows, all columns; those with strings that are not UTF-8 are left out.

    Raises
    ------
    DataError
        The file is damaged.
    """
    names = file.schema.names
    n_batches = -(-rows // BATCH_ROWS)
    batches = list(islice(file.batches(names), n_batches))
    table = pa.Table.from_batches(batches, file.schema).slice(0, rows)
    bad = {row for name in names for row, _, _ in _broken_strings(name, table[name].combine_chunks())}
    return table.take([row for row in range(len(table)) if row not in bad]) if bad else table


def _broken_strings(name: str, column: pa.Array) -> list[tuple[int, str, str]]:
    """Return row, column and bytes of the strings of a column that are not UTF-8."""
    plain = _as_bytes(column)
    if plain is column:
        return []
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        cells = plain.to_pylist()
        decoded = [(row, cell, cell.decode("utf-8", "backslashreplace")) for row, cell in enumerate(cells) if cell]
        return [(row, name, text) for row, cell, text in decoded if text.encode() != cell]
    return []


def _as_bytes(column: pa.Array) -> pa.Array:
    """Return a column of strings as one of bytes, which may be any; other columns as they are."""
    bytes_of = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary(), pa.string_view(): pa.binary_view()}
    return column.view(bytes_of[column.type]) if column.type in bytes_of else column


def _holds_text(type_: pa.DataType) -> bool:
    value = type_.value_type if pa.types.is_dictionary(type_) else type_
    is_string = pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value)
    return bool(is_string or pa.types.is_null(value))
