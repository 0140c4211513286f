"""Delimiter, quotes, header and line ends, found by looking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evenly.errors import DataError
from evenly.ingest.dialect import Dialect, Sample, find_dialect
from evenly.ingest.header import name_columns
from evenly.ingest.line_ends import LineEnds, count_line_ends, even_line_ends

if TYPE_CHECKING:
    from pathlib import Path

TALK = "".join(f"{'ham' if i % 3 else 'spam'}\tline {i}, well\n" for i in range(20))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("text,label\nx,a\ny,b\n", (",", '"', True), id="commas"),
        pytest.param("text;label\nx, then y;a\ny;b\n", (";", '"', True), id="semicolons, commas in the text"),
        pytest.param("a|b|c\n1|x, y|z\n2|x|z\n", ("|", '"', True), id="bars"),
        pytest.param(TALK, ("\t", "", False), id="tabs, the first label comes again"),
        pytest.param(TALK + 'ham\t"Hi" she said\n' * 3, ("\t", "", False), id="quotes are text"),
        pytest.param(TALK + 'ham\t"Hi ""you"" there"\n' * 3, ("\t", '"', False), id="tabs and real quotes"),
        pytest.param('t,l\n"a, b\nc",x\n"d",y\n', (",", '"', True), id="line feed within quotes"),
        pytest.param("1,first text\n0,second text\n", (",", '"', False), id="a number is no name"),
        pytest.param("2024,x\n2025,y\n", (",", '"', False), id="numbers alone"),
        pytest.param("You did it!,pos\nNo.,neg\n", (",", '"', False), id="a sentence is no name"),
        pytest.param(",tweet,class\n0,a b,1\n1,c d,2\n", (",", '"', True), id="a name is missing"),
        pytest.param('text,label\nsome "quoted" word,a\nmore,b\n', (",", '"', True), id="quotes within a word"),
    ],
)
def test_dialect(text: str, expected: tuple[str, str, bool]) -> None:
    found = find_dialect(Sample("t.csv", text, complete=True))
    assert (found.delimiter, found.quote, found.header) == expected


def test_what_the_config_says_goes_first() -> None:
    sample = Sample("t.csv", "a,b;c\nd,e;f\n", complete=True)
    assert find_dialect(sample, delimiter=";", header=False) == Dialect(
        ";", '"', header=False, columns=("column0", "column1")
    )


@pytest.mark.parametrize(
    ("wanted", "header"), [(("ham", "1"), True), (("column0", "column1"), False), (("other",), False)]
)
def test_wanted_columns_tell_whether_there_is_a_header(wanted: tuple[str, ...], *, header: bool) -> None:
    sample = Sample("t.csv", "ham,1\nham,2\n", complete=True)
    assert find_dialect(sample, wanted=wanted).header is header


def test_no_delimiter_is_told() -> None:
    with pytest.raises(DataError, match=r"notes\.txt: no delimiter"):
        find_dialect(Sample("notes.txt", "Dear all\nhow are you\nbest\n", complete=True))


def test_columns_get_names_that_differ() -> None:
    assert name_columns([" a ", "", "a", "a"], named=True) == ("a", "column1", "a_1", "a_2")


@pytest.mark.parametrize(
    ("content", "quote", "expected"),
    [
        (b"a\nb\nc", '"', LineEnds(lf=2)),
        (b"a\r\nb\r\n", '"', LineEnds(crlf=2)),
        (b'a\r\n"b\nc\rd"\r\n', '"', LineEnds(crlf=2)),
        (b'a\r\n"b\nc\rd"\r\n', "", LineEnds(lf=1, crlf=2, cr=1)),
        (b"a\rb\r\nc\nd", '"', LineEnds(lf=1, crlf=1, cr=1)),
        (b"a\r\r\nb\r", '"', LineEnds(crlf=1, cr=2)),
    ],
)
def test_line_ends_are_counted_outside_of_quotes(
    tmp_path: Path, content: bytes, quote: str, expected: LineEnds
) -> None:
    (tmp_path / "t").write_bytes(content)
    assert count_line_ends(tmp_path / "t", quote=quote) == expected


@pytest.mark.parametrize(
    ("content", "expected", "told"),
    [
        (b"a\n", b"a\n", ""),
        (b'a\r\n"b\n"\r\n', b'a\r\n"b\n"\r\n', ""),
        (b"a\r\nb\n", b"a\nb\n", "mixed line ends were made even"),
        (b"a,x\ry\r\nb,z\r\n", b"a,x y\nb,z\n", "1 stray carriage returns became spaces"),
        (b"a\rb\r", b"a\nb\n", "its rows end with carriage returns"),
    ],
)
def test_uneven_line_ends_are_made_even(tmp_path: Path, content: bytes, expected: bytes, told: str) -> None:
    (tmp_path / "t").write_bytes(content)
    even, done = even_line_ends(tmp_path / "t", tmp_path, quote='"')
    assert (even.read_bytes(), done) == (expected, told)
