"""Excel and OpenDocument sheets: the table in a sheet, cells as text.

In: a workbook and the name of a sheet. Out: the wanted columns as text (null for an empty cell), batch by batch. The
first row has the names where it looks like names; what stands above it, as a title does, is left out, and said.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING

import pyarrow as pa

from evenly.errors import ColumnNotFoundError, DataError
from evenly.ingest.delimited.header import has_header, name_columns
from evenly.ingest.reading import BATCH_ROWS, Place
from evenly.ingest.structured.excel_sheet import find_header, open_sheet, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from evenly.ingest.files import RawFile
    from evenly.ingest.reading import ReadOptions
    from evenly.ingest.rejects import Reject
    from evenly.ingest.structured.excel_sheet import SheetRow

__all__ = ["ExcelReader", "SheetTable", "excel_head"]

_ROWS_LOOKED_AT = 1_000
_MOST_ABOVE = 20


class SheetTable:
    """The table in a sheet.

    Attributes
    ----------
    sheet
        Its name.
    columns
        Unique names.
    header
        Whether they stand in the sheet.
    n_above
        Rows with a value above the table.
    """

    def __init__(self, raw: RawFile, folder: Path, *, header: bool | None = None, wanted: Sequence[str] = ()) -> None:
        """Open the sheet and find where its table begins.

        Raises
        ------
        DataError
            It cannot be opened, or has no row.
        """
        self._sheet = open_sheet(raw, folder)
        self.sheet = self._sheet.name
        rows = list(islice(read_rows(self._sheet), _ROWS_LOOKED_AT))
        if not rows:
            raise DataError(f"{raw.name}: the sheet {self.sheet!r} has no row. Name another with source.sheet.")
        begin = 0 if header is False else find_header(rows[:_MOST_ABOVE], wanted)
        records = [[cell or "" for cell in row.cells] for row in rows[begin:]]
        self.header = has_header(records, wanted) if header is None else header
        self.n_above = begin if self.header else 0
        self.columns = name_columns(records[0], named=self.header)

    def rows(self) -> Iterator[SheetRow]:
        """Yield the rows below the names."""
        return islice(read_rows(self._sheet), self.n_above + int(self.header), None)


class ExcelReader:
    """Delivers the rows of one sheet."""

    def __init__(self, raw: RawFile, options: ReadOptions, folder: Path) -> None:
        """Open the sheet and look for the columns."""
        self._table = SheetTable(raw, folder, header=options.given.header, wanted=options.wanted)
        self._wanted = list(options.wanted)
        for name in options.wanted:
            if name not in self._table.columns:
                raise ColumnNotFoundError(name, self._table.columns, f"{raw.name}, sheet {self._table.sheet!r},")
        n_above = self._table.n_above
        self.remarks = [f"{n_above} rows above the names were left out"] if n_above else []

    @property
    def dialect(self) -> dict[str, str | bool]:
        """Sheet and header."""
        return {"sheet": self._table.sheet, "header": self._table.header}

    def batches(self) -> Iterator[pa.Table]:
        """Yield the wanted columns as text, rows in the order of the sheet."""
        rows = self._table.rows()
        while batch := list(islice(rows, BATCH_ROWS)):
            yield _to_table(batch, self._table.columns, self._wanted)

    def diverted(self) -> Iterator[Reject]:
        """Yield nothing: a sheet is read whole or not at all."""
        yield from ()

    def locate(self, delivered: NDArray[np.int64]) -> Iterator[Place]:
        """Yield the number of the row in the sheet, and its cells as JSON."""
        wanted = set(delivered.tolist())
        for number, row in enumerate(self._table.rows()):
            if number in wanted:
                yield Place(row.number, json.dumps(row.cells, ensure_ascii=False))


def excel_head(
    raw: RawFile, rows: int, folder: Path, *, header: bool | None = None, wanted: Sequence[str] = ()
) -> pa.Table:
    """Return up to `rows` first rows of a sheet, all columns as text.

    Raises
    ------
    DataError
        It cannot be opened, or has no row.
    """
    table = SheetTable(raw, folder, header=header, wanted=wanted)
    return _to_table(list(islice(table.rows(), rows)), table.columns, table.columns)


def _to_table(rows: Sequence[SheetRow], columns: Sequence[str], wanted: Sequence[str]) -> pa.Table:
    places = [columns.index(name) for name in wanted]
    return pa.table([pa.array([row.cells[at] for row in rows], pa.string()) for at in places], list(wanted))
