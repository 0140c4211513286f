"""A sheet of a workbook (.xlsx, .xlsb, .xls, .ods) as rows of text.

In: a file and the name of a sheet. Out: its rows with their numbers, cells as a person sees them: 1, not 1.0; a date
without a time; the value of a merged cell in every row that it covers. Rows without a value are not rows. The sheet
is held in memory, as every reader of these formats does.
"""

from __future__ import annotations

import datetime as dt
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from evenly.errors import DataError, MissingExtraError, nearest
from evenly.ingest.unpacking import open_plain, refuse_bomb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from python_calamine import CalamineSheet, CalamineWorkbook

    from evenly.ingest.files import RawFile

__all__ = ["SheetRow", "open_sheet", "read_rows"]


class SheetRow(NamedTuple):
    """A row: its number as the program shows it (from 1), and its cells, None where there is nothing."""

    number: int
    cells: list[str | None]


def open_sheet(raw: RawFile, folder: Path) -> CalamineSheet:
    """Open the sheet that the file names, else the first one that is not hidden.

    Raises
    ------
    DataError
        The file is no workbook, or has no such sheet.
    MissingExtraError
        python-calamine is not installed.
    """
    try:
        from python_calamine import CalamineWorkbook
    except ImportError as error:
        raise MissingExtraError.needing(f"{raw.name}: an Excel file", "python-calamine", "excel") from error
    plain = open_plain(raw, folder)
    _refuse_bomb(raw, plain)
    with _reading(raw), CalamineWorkbook.from_path(plain) as book:
        return book.get_sheet_by_name(_choose_sheet(raw, book))


def _refuse_bomb(raw: RawFile, plain: Path) -> None:
    if zipfile.is_zipfile(plain):
        with _reading(raw), zipfile.ZipFile(plain) as archive:
            refuse_bomb(raw, sum(info.file_size for info in archive.infolist()), plain.stat().st_size)


def _choose_sheet(raw: RawFile, book: CalamineWorkbook) -> str:
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    wanted = raw.sheet
    if wanted is not None and wanted not in book.sheet_names:
        raise DataError(
            f"{raw.name} has no sheet {wanted!r}{nearest(wanted, book.sheet_names)} "
            f"It has: {', '.join(map(repr, book.sheet_names))}."
        )
    sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    shown = [sheet for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible] or sheets
    if wanted is None and not shown:
        raise DataError(f"{raw.name} has no sheet with cells, only charts or macros. Give the table's own workbook.")
    return shown[0].name if wanted is None else wanted


@contextmanager
def _reading(raw: RawFile) -> Iterator[None]:
    """Turn what calamine raises, a panic of its Rust code too, into a `DataError`."""
    from python_calamine import CalamineError

    try:
        yield
    except (CalamineError, zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise _unreadable(raw, error) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise _unreadable(raw, error) from error


def _unreadable(raw: RawFile, error: BaseException) -> DataError:
    return DataError(
        f"{raw.name} cannot be read as an Excel file: {error}. "
        f"It is damaged, has a password, or is another format under this name; save it anew, or as CSV."
    )


def read_rows(sheet: CalamineSheet) -> Iterator[SheetRow]:
    """Yield the rows that have a value, all equally wide."""
    first_column = sheet.start[1] if sheet.start else 0
    covered = _covered_rows(sheet)
    tops: dict[tuple[int, int], str | None] = {}
    for row, values in enumerate(sheet.iter_rows()):
        cells = list(map(_as_text, values))
        is_row = any(cell is not None for cell in cells)
        for top, column in covered.get(row, ()):
            if top == row:
                tops[top, column] = cells[column - first_column]
            else:
                cells[column - first_column] = tops.get((top, column))
        if is_row:
            yield SheetRow(row + 1, cells)


def _covered_rows(sheet: CalamineSheet) -> dict[int, list[tuple[int, int]]]:
    """Return for each row the merged cells of several rows that cover it: first row and first column."""
    covered: dict[int, list[tuple[int, int]]] = {}
    last_row = sheet.end[0] if sheet.end else -1
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        for row in range(top, min(bottom, last_row) + 1) if bottom > top else ():
            covered.setdefault(row, []).append((top, left))
    return covered


def _as_text(value: Any) -> str | None:
    """Return a cell as the program shows it."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"  # noqa: PLR2004 - 15 digits, as Excel
    if isinstance(value, dt.datetime):
        return str(value.date()) if value.time() == dt.time() else str(value)
    if isinstance(value, dt.timedelta):
        minutes, seconds = divmod(int(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
    return str(value)


def find_header(rows: Sequence[SheetRow], wanted: Sequence[str]) -> int:
    """Return which of the first rows is the first of the table: a title above it is not.

    Parameters
    ----------
    rows
        The first ones.
    wanted
        Names that the config asks for; a row that has them all is it.
    """
    for index, row in enumerate(rows):
        if wanted and set(wanted) <= {(cell or "").strip() for cell in row.cells}:
            return index
    n_filled = [sum(cell is not None for cell in row.cells) for row in rows]
    return next(index for index, n in enumerate(n_filled) if 2 * n > max(n_filled))
