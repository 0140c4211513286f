"""Delimiter, quotes, header and line ends, found by looking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evenly.errors import ConfigError, DataError
from evenly.ingest.delimited.dialect import Dialect, Sample, find_dialect
from evenly.ingest.delimited.header import name_columns
from evenly.ingest.delimited.line_ends import ends_with_returns, open_with_feeds

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


@pytest.mark.parametrize(
    ("text", "given", "quote", "escape"),
    [
        ("'a, b',c\n'it''s',d\n", {}, "'", ""),
        ("'tis said,c\nwell,d\n", {}, '"', ""),
        ("'a',c\n'b',d\n", {"quote": '"'}, '"', ""),
        ('"a \\"b\\"",c\n"d",e\n', {}, '"', "\\"),
        ('"C:\\",c\n"d",e\n', {}, '"', ""),
        ('"a",c\n"b",d\n', {"quote": ""}, "", ""),
        ("$a, b$,c\n$d$,e\n", {"quote": "$"}, "$", ""),
    ],
)
def test_quotes_and_escapes(text: str, given: dict[str, str], quote: str, escape: str) -> None:
    found = find_dialect(Sample("t.csv", text, complete=True), **given)
    assert (found.quote, found.escape) == (quote, escape)


@pytest.mark.parametrize("marks", [{"delimiter": "\n"}, {"quote": "\r"}, {"delimiter": ";", "quote": ";"}])
def test_marks_that_cannot_be_are_told(marks: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"source\.delimiter is .* and source\.quote"):
        find_dialect(Sample("t.csv", "a;b\n", complete=True), **marks)


def test_no_delimiter_is_told() -> None:
    with pytest.raises(DataError, match=r"notes\.txt: no delimiter"):
        find_dialect(Sample("notes.txt", "Dear all\nhow are you\nbest\n", complete=True))


def test_columns_get_names_that_differ() -> None:
    assert name_columns([" a ", "", "a", "a"], named=True) == ("a", "column1", "a_1", "a_2")
    assert name_columns(["column1", ""], named=True) == ("column1", "column1_1")


@pytest.mark.parametrize(
    ("content", "quote", "expected"),
    [
        (b"a\nb\nc", '"', False),
        (b"a\r\nb\r\n", '"', False),
        (b"a\rb\r", '"', True),
        (b'a\r"b\nc"\r', '"', True),
        (b'a\r"b\nc"\r', "", False),
        (b'"a\rb"', '"', False),
        (b"a\rb\r\nc\nd", '"', False),
    ],
)
def test_rows_that_end_with_carriage_returns(content: bytes, quote: str, *, expected: bool) -> None:
    assert ends_with_returns(content, quote=quote) is expected


def test_only_carriage_returns_alone_become_line_feeds(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b"a\rb\r")
    feeds, done = open_with_feeds(tmp_path / "t", tmp_path, quote='"')
    assert (feeds.read_bytes(), done) == (b"a\nb\n", "its rows end with carriage returns")
    (tmp_path / "u").write_bytes(b"a\r\nb\n")
    assert open_with_feeds(tmp_path / "u", tmp_path, quote='"') == (tmp_path / "u", "")


@pytest.mark.parametrize("n_labels", [5, 40])
def test_what_joins_labels_is_not_taken_for_the_delimiter(n_labels: int) -> None:
    """Where every row has as many labels, bars divide the rows better than the one comma does."""
    rows = [f"words of {row}," + "|".join(f"label{row + number}" for number in range(n_labels)) for row in range(20)]
    sample = Sample("t.csv", "\n".join(["text,labels", *rows]) + "\n", complete=True)
    assert find_dialect(sample, wanted=("text", "labels")) == Dialect(",", '"', header=True, columns=("text", "labels"))
