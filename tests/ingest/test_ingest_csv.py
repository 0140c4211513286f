"""CSV: any text comes back, no good row is lost, counts add up, lines are right."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenly.errors import EvenlyError
from evenly.ingest.csv_reader import CsvReader
from evenly.ingest.files import find_raw_file
from evenly.ingest.reading import ReadOptions, TextFormat

if TYPE_CHECKING:
    from collections.abc import Callable

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
OPTIONS = ReadOptions(("text", "label"), ("text",), TextFormat(delimiter=",", header=True), threads=2)


def read(content: bytes, folder: Path) -> tuple[list[list[str | None]], list[tuple[int | None, str]]]:
    """Return the delivered rows, and line and reason of the diverted ones."""
    path = folder / "t.csv"
    path.write_bytes(content)
    reader = CsvReader(find_raw_file(path), OPTIONS, folder)
    rows = [list(row.values()) for batch in reader.batches() for row in batch.to_pylist()]
    return rows, [(reject.line, reject.reason) for reject in reader.diverted()]


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=8), end=st.sampled_from(["\n", "\r\n"]))
def test_any_text_comes_back(texts: list[str], end: str) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([["text", "label"], *([text, "a"] for text in texts)])
    with tempfile.TemporaryDirectory() as folder:
        rows, diverted = read(stream.getvalue().encode(), Path(folder))
    assert rows == [[text or None, "a"] for text in texts]
    assert diverted == []


PIECES = [b'"', b",", b"\n", b"\r", b"a", b"\xe9", b"\0", b'","', b"x,y\n", b'"q",z\n']


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_mutated_bytes_end_in_counts_or_a_clear_error(pieces: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            rows, diverted = read(b"text,label\n" + b"".join(pieces) + b"\nlast,row\n", Path(folder))
        except EvenlyError as error:
            rows, diverted = [], [(None, str(error))]
    assert rows or diverted
    assert all(len(row) == 2 for row in rows)


BROKEN = {b"only one\n": "too few columns", b"\xff\xfe,a\n": "invalid UTF-8", b"one,two,three\n": "too many columns"}


def test_ten_thousand_rows_with_breaks_and_bad_ones(tmp_path: Path) -> None:
    generator = np.random.default_rng(7)
    content, kept, bad, line = [b"text,label\n"], [], [], 2
    for number in range(10_000):
        filler = "é" * int(generator.integers(300))
        kind = generator.random()
        if kind > 0.97:
            broken, reason = list(BROKEN.items())[number % 3]
            content.append(broken)
            bad.append((line, reason))
        else:
            text = f'{number}\nsaid "yes", {filler}' if kind < 0.3 else f"{number} {filler}"
            quoted = '"' + text.replace('"', '""') + '"' if kind < 0.3 else text
            content.append(f"{quoted},a\n".encode())
            kept.append([text, "a"])
        line += content[-1].count(b"\n")
    rows, diverted = read(b"".join(content), tmp_path)
    assert diverted == bad
    assert rows == kept


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        pytest.param(b"\xef\xbb\xbftext,label\nx,a\ny,b\n", ["x", "y"], id="a byte order mark"),
        pytest.param(b"text,label\r\nx,a\ny,b\r\n", ["x", "y"], id="mixed line ends"),
        pytest.param(b"text,label\r\nx\rz,a\r\ny,b\r\n", ["x z", "y"], id="a stray carriage return"),
        pytest.param(b"text,label\rx,a\ry,b\r", ["x", "y"], id="carriage returns alone"),
        pytest.param(b"text,label\nx\0z,a\ny,b\n", ["x\0z", "y"], id="NUL"),
        pytest.param(b"text,label\n\n\nx,a\n\ny,b", ["x", "y"], id="blank lines, no last line feed"),
        pytest.param(b"id,text,label,\n1,x,a,\n2,y,b,\n", ["x", "y"], id="a delimiter at the end of each row"),
        pytest.param(b"text,text,label\nx,1,a\ny,2,b\n", ["x", "y"], id="two columns of one name"),
    ],
)
def test_odd_files(tmp_path: Path, build: Callable[..., Any], content: bytes, texts: list[str]) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    built = build(tmp_path / "t.csv")
    assert [row["text"] for row in built.rows] == texts
    assert built.rejects == []


def test_a_quote_that_is_not_closed_is_one_reject_with_its_text(tmp_path: Path) -> None:
    rows, diverted = read(b"text,label\n" + b'"x, y",a\n' * 9 + b'"open,b\ny,c\nz,d\n', tmp_path)
    assert rows == [["x, y", "a"]] * 9
    assert diverted == [(11, "a quote that is stray or not closed")]


def test_lines_stay_null_where_the_csv_module_counts_otherwise(tmp_path: Path, build: Callable[..., Any]) -> None:
    # To DuckDB a space before the quote is no text, to Python's csv module it is: three rows against two.
    (tmp_path / "t.csv").write_bytes(b'text,label\nx, "a\nb"\ny,c\n,d\nz,c\n')
    built = build(tmp_path / "t.csv")
    assert [row["text"] for row in built.rows] == ["x", "y", "z"]
    assert [(reject["line"], reject["reason"]) for reject in built.rejects] == [(None, "no text")]
