"""Sheets: cells as a person sees them, titles above the table, merged cells, blank rows, the right sheet."""

from __future__ import annotations

import datetime as dt
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from evenly.errors import ColumnNotFoundError, DataError, MissingExtraError
from evenly.ingest import guess_source, read_head

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def write_sheet(path: Path, rows: Sequence[Sequence[Any]], *, merged: Sequence[str] = (), title: str = "Data") -> Path:
    """Write a workbook of one sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    for cells in merged:
        sheet.merge_cells(cells)
    book.save(path)
    return path


SMALL = [["text", "label"], ["alpha one", "a"], ["beta two", "b"], ["gamma three", "a"]]


def test_a_sheet_is_a_table(tmp_path: Path, build: Callable[..., Any]) -> None:
    built = build(write_sheet(tmp_path / "t.xlsx", SMALL))
    assert built.rows == [
        {"row": 0, "text": "alpha one", "labels": ["a"]},
        {"row": 1, "text": "beta two", "labels": ["b"]},
        {"row": 2, "text": "gamma three", "labels": ["a"]},
    ]
    assert built.facts["dialects"] == [{"file": "t.xlsx", "format": "excel", "sheet": "Data", "header": True}]


def test_cells_are_what_a_person_sees(tmp_path: Path) -> None:
    values = [
        *(7, 7.0, 1.5, 0.1 + 0.2, 1e20, True, False),
        *(dt.date(2024, 1, 5), dt.datetime(2024, 1, 5, 3, 4), dt.time(1, 2), dt.timedelta(hours=30, seconds=5)),  # noqa: DTZ001 - Excel has no zones
        *("007", " padded ", "=1+1", None),
    ]
    write_sheet(tmp_path / "t.xlsx", [["text", "value"], *[[f"row {n}", value] for n, value in enumerate(values)]])
    assert read_head(tmp_path / "t.xlsx").table["value"].to_pylist() == [
        *("7", "7", "1.5", "0.3", "1e+20", "TRUE", "FALSE"),
        *("2024-01-05", "2024-01-05 03:04:00", "01:02:00", "30:00:05"),
        *("007", " padded ", None, None),  # a formula that no program has computed has no value
    ]


def test_a_title_is_left_out_blank_rows_are_none_and_merged_labels_hold_for_all_their_rows(
    tmp_path: Path, build: Callable[..., Any]
) -> None:
    rows = [["Report of 2024"], [], ["text", "label"], ["one", "a"], ["two"], [], ["three", "b"], [None, "b"]]
    built = build(write_sheet(tmp_path / "t.xlsx", rows, merged=["A1:B1", "B4:B6"]))
    assert [(row["text"], row["labels"]) for row in built.rows] == [("one", ["a"]), ("two", ["a"]), ("three", ["b"])]
    assert [(reject["line"], reject["reason"], reject["raw"]) for reject in built.rejects] == [
        (8, "no text", '[null, "b"]')
    ]
    assert "t.xlsx: 1 rows above the names were left out" in built.notes


def test_a_table_that_begins_further_in(tmp_path: Path, build: Callable[..., Any]) -> None:
    rows = [[], [], [None, None, "text", "label"], [None, None, "one", "a"], [None, None, "two", "x"]]
    rows.append([None, None, "three", "b"])
    built = build(write_sheet(tmp_path / "t.xlsx", rows, merged=["D4:D5"]))
    assert [(row["text"], row["labels"]) for row in built.rows] == [("one", ["a"]), ("two", ["a"]), ("three", ["b"])]


def test_a_sheet_without_names(tmp_path: Path) -> None:
    rows = [["a long text about one thing", 1], ["another text about a thing", 0], ["a third one, as long as it", 1]]
    write_sheet(tmp_path / "t.xlsx", rows)
    assert read_head(tmp_path / "t.xlsx").table.column_names == ["column0", "column1"]


def test_the_first_sheet_that_is_shown_or_the_one_that_is_named(tmp_path: Path, build: Callable[..., Any]) -> None:
    book = openpyxl.Workbook()
    for name, state in (("Hidden", "hidden"), ("First", "visible"), ("Second", "visible")):
        sheet = book.create_sheet(name)
        sheet.sheet_state = state
        for row in [["text", "label"], [f"in {name}", "a"], ["other", "b"]]:
            sheet.append(row)
    book.remove(book["Sheet"])
    book.active = 1
    book.save(tmp_path / "t.xlsx")
    assert build(tmp_path / "t.xlsx").rows[0]["text"] == "in First"
    assert build(tmp_path / "t.xlsx", sheet="Hidden").rows[0]["text"] == "in Hidden"
    with pytest.raises(DataError, match=r"no sheet 'second'; did you mean 'Second'\? It has: 'Hidden', 'First'"):
        build(tmp_path / "t.xlsx", sheet="second")


def test_a_sheet_of_a_csv_is_refused(tmp_path: Path, build: Callable[..., Any]) -> None:
    (tmp_path / "t.csv").write_text("text,label\nx y,a\nz,b\n")
    with pytest.raises(DataError, match="no Excel file"):
        build(tmp_path / "t.csv", sheet="Data")


CELL = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
MANIFEST = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
ODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2"><office:body><office:spreadsheet>
<table:table table:name="Data">{rows}</table:table></office:spreadsheet></office:body></office:document-content>"""


def test_open_document_sheets_are_read_too(tmp_path: Path, build: Callable[..., Any]) -> None:
    rows = "".join(f"<table:table-row>{''.join(map(CELL.format, row))}</table:table-row>" for row in SMALL)
    with zipfile.ZipFile(tmp_path / "t.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", MANIFEST)
        archive.writestr("content.xml", ODS.format(rows=rows))
    assert [row["text"] for row in build(tmp_path / "t.ods").rows] == ["alpha one", "beta two", "gamma three"]


def test_a_guess_from_a_sheet(tmp_path: Path) -> None:
    rows = [[f"some words about number {n}", ["spam", "ham"][n % 2]] for n in range(40)]
    guess = guess_source(write_sheet(tmp_path / "t.xlsx", [["body", "class"], *rows]))
    assert (guess.format, guess.text, guess.labels) == ("excel", ("body",), ("class",))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.xlsx", b"PK\x03\x04 and no more"),
        ("t.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and no more"),
        ("t.xlsx", b"text,label\nx,a\n"),
        ("t.ods", b""),
    ],
)
def test_what_is_no_workbook_is_told(tmp_path: Path, build: Callable[..., Any], name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be read as an Excel file"):
        build(tmp_path / name)


def test_an_empty_sheet_and_a_missing_column(tmp_path: Path, build: Callable[..., Any]) -> None:
    with pytest.raises(DataError, match="the sheet 'Data' has no row"):
        build(write_sheet(tmp_path / "empty.xlsx", []))
    with pytest.raises(ColumnNotFoundError, match="did you mean 'text'"):
        build(write_sheet(tmp_path / "t.xlsx", SMALL), text=("txt",))


def test_without_the_library_the_extra_is_named(
    tmp_path: Path, build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'evenly\[excel\]'"):
        build(write_sheet(tmp_path / "t.xlsx", SMALL))
