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
from evenly.executor import InProcess, LocalProcesses
from evenly.ingest.delimited.csv_reader import CsvReader
from evenly.ingest.delimited.strict_rows import ROW_BYTES, TOO_LONG
from evenly.ingest.files import find_raw_file
from evenly.ingest.reading import ReadOptions, TextFormat

if TYPE_CHECKING:
    from collections.abc import Callable

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
OPTIONS = ReadOptions(("text", "label"), ("text",), TextFormat("utf-8", delimiter=",", header=True), threads=2)


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
        pytest.param(b"text,label\r\nx\rz,a\r\ny,b\r\n", ["x\rz", "y"], id="a stray carriage return"),
        pytest.param(b"text,label\rx,a\ry,b\r", ["x", "y"], id="carriage returns alone"),
        pytest.param(b"text,label\nx\0z,a\ny,b\n", ["x\0z", "y"], id="NUL"),
        pytest.param(b"text,label\n\n\nx,a\n\ny,b", ["x", "y"], id="blank lines, no last line feed"),
        pytest.param(b"id,text,label,\n1,x,a,\n2,y,b,\n", ["x", "y"], id="a delimiter at the end of each row"),
        pytest.param(b'text,label\r\r\nx,a\r\r\n"y",b\r\r\n', ["x", "y"], id="two carriage returns a line"),
        pytest.param(b"'text','label'\n'it''s, so','a'\n'y','b'\n", ["it's, so", "y"], id="single quotes"),
        pytest.param(b'text,label\n"a \\"b\\", c",a\n"y",b\n', ['a "b", c', "y"], id="escaped by a backslash"),
        pytest.param(b'text,label\n"{""a"": ""b\\""""}",a\ny,b\n', ['{"a": "b\\""}', "y"], id="JSON in CSV"),
        pytest.param(b"\n\ntext,label\nx,a\ny,b\n", ["x", "y"], id="blank lines before the header"),
        pytest.param(b'"te\nxt",text,label\n1,x,a\n2,y,b\n', ["x", "y"], id="a name of two lines"),
        pytest.param(b"text,label\n1,x,a\n2,y,b\n3,z,b\n", ["x", "y", "z"], id="row names without a name, as R writes"),
        pytest.param(b"text,label\nx,a,\ny,b,\n", ["x", "y"], id="a delimiter at the end of all rows but the first"),
        pytest.param(b"text,label,,\nx,a\ny,b\n", ["x", "y"], id="delimiters at the end of the header alone"),
        pytest.param("text¦label\n\ufeffx¦a\ny¦b\n".encode(), ["\ufeffx", "y"], id="a mark within the text"),
        pytest.param(b"text,text,label\nx,1,a\ny,2,b\n", ["x", "y"], id="two columns of one name"),
    ],
)
def test_odd_files(tmp_path: Path, build: Callable[..., Any], content: bytes, texts: list[str]) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    built = build(tmp_path / "t.csv", delimiter="¦" if "¦".encode() in content else None)
    assert [row["text"] for row in built.rows] == texts
    assert built.rejects == []


BAD_QUOTE = "a quote that is stray or not closed"
GOOD = [["x, y", "a"]] * 9


@pytest.mark.parametrize(
    ("broken", "more", "refused"),
    [
        pytest.param(b'"open,b\ny,c\nz,d\n', [["y", "c"], ["z", "d"]], [11], id="never closed"),
        pytest.param(b'"open,b\n"y",c\nz,d\n', [["y", "c"], ["z", "d"]], [11], id="closed by the next one that opens"),
        pytest.param(b'"stray" quote,b\ny,c\n', [["y", "c"]], [11], id="text behind the closing quote"),
        pytest.param(b'"two\nli"nes",b\ny,c\n', [["y", "c"]], [11, 12], id="within a text of two lines"),
        pytest.param(b'7" single,b\n"y\nz",c\n', [['7" single', "b"], ["y\nz", "c"]], [], id="a quote within a text"),
        pytest.param(b'"open,b', [], [11], id="in the last line"),
    ],
)
def test_a_bad_quote_costs_the_line_in_which_it_opens(
    tmp_path: Path, broken: bytes, more: list[list[str]], refused: list[int]
) -> None:
    rows, diverted = read(b"text,label\n" + b'"x, y",a\n' * 9 + broken, tmp_path)
    assert rows == GOOD + more
    assert diverted == [(line, BAD_QUOTE) for line in refused]


def test_lines_are_told_for_rows_without_text(tmp_path: Path, build: Callable[..., Any]) -> None:
    content = b'text,label\n"a\nb",a\n,b\n"open,a\n,c\n"",d\n"x\ny",b\nz,c\n'
    (tmp_path / "t.csv").write_bytes(content)
    built = build(tmp_path / "t.csv", delimiter=",", quote='"', header=True)
    assert [row["text"] for row in built.rows] == ["a\nb", "x\ny", "z"]
    assert [(reject["line"], reject["reason"], reject["raw"]) for reject in built.rejects] == [
        (4, "no text", ",b"),
        (5, BAD_QUOTE, '"open,a'),
        (6, "no text", ",c"),
        (7, "no text", '"",d'),
    ]


def test_a_row_of_many_megabytes_is_refused_and_no_other(tmp_path: Path) -> None:
    huge = b"y" * (ROW_BYTES + 5)
    rows, diverted = read(b"text,label\nx,a\n" + huge + b',b\nz,c\n"open ' + b"w w,b\n" * 9, tmp_path)
    assert rows == [["x", "a"], ["z", "c"], *[["w w", "b"]] * 8]
    assert diverted == [(3, TOO_LONG), (5, BAD_QUOTE)]


def test_a_text_of_a_few_megabytes_is_kept(tmp_path: Path) -> None:
    long = "line\n" * 1_200_000
    rows, diverted = read(f'text,label\n"{long}",a\nx,b\n'.encode(), tmp_path)
    assert rows == [[long, "a"], ["x", "b"]]
    assert diverted == []


def test_neither_the_size_of_stretches_nor_the_reader_makes_a_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(3)
    pieces = [b'"a, b",x\n', b"c,y\n", b'"d\ne",z\n', b'"open,q\n', b'f"g,r\n', b"one\n", b"\xff,s\n", b"h\ri,t\n"]
    chosen = generator.choice(len(pieces), 3_000, p=[0.3, 0.3, 0.2, 0.04, 0.04, 0.04, 0.04, 0.04])
    (tmp_path / "t.csv").write_bytes(b"text,label\n" + b"".join(pieces[index] for index in chosen))
    results = []
    for stretch_bytes, compiled_bytes in ((64, 0), (1_000, 0), (1 << 20, 0), (0, 1 << 30)):
        (tmp_path / str(stretch_bytes)).mkdir()
        monkeypatch.setattr("evenly.ingest.delimited.csv_reader._COMPILED_BYTES", compiled_bytes)
        monkeypatch.setattr(
            "evenly.ingest.delimited.csv_reader._choose_stretch_bytes", lambda _, size=stretch_bytes: size
        )
        reader = CsvReader(find_raw_file(tmp_path / "t.csv"), OPTIONS, tmp_path / str(stretch_bytes))
        rows = [tuple(row.values()) for batch in reader.batches() for row in batch.to_pylist()]
        places = list(reader.locate(np.arange(0, len(rows), 7)))
        results.append((rows, list(reader.diverted()), places))
    assert results[0] == results[1] == results[2] == results[3]
    lines = (tmp_path / "t.csv").read_bytes().split(b"\n")
    for place in results[0][2]:
        assert lines[place.line - 1].decode(errors="backslashreplace") == place.raw.split("\n")[0]


def test_the_same_bytes_for_any_number_of_workers_and_any_memory(tmp_path: Path, build: Callable[..., Any]) -> None:
    line = b'"' + b"w" * 200 + b', %d",%d\n7" %d,%d\n,b\n'  # files of more than a megabyte
    content = b"text,label\n" + b"".join(line % (i, i % 5, i, i % 3) for i in range(5_000))
    files = [tmp_path / f"{number}.csv" for number in range(3)]
    for path in files:
        path.write_bytes(content)
    alone = build(*files, store=tmp_path / "one", executor=InProcess(1 << 20))
    executor = LocalProcesses(2)
    try:
        spread = build(*files, store=tmp_path / "two", executor=executor)
    finally:
        executor.close()
    assert alone.artifact.digest == spread.artifact.digest
    assert alone.facts["rows_read"] == 45_000


@pytest.mark.parametrize("labels", ["sorted", "later ones come first", "all differ"])
def test_parts_that_are_written_early_get_their_final_ids(
    tmp_path: Path, build: Callable[..., Any], labels: str
) -> None:
    names = {
        "sorted": [f"{row % 7}" for row in range(5_000)],
        "later ones come first": [f"{9 - row // 600}" for row in range(5_000)],
        "all differ": [f"{(row * 7919) % 5_000}" for row in range(5_000)],
    }[labels]
    content = "text,label\n" + "".join(f"text {row},{name}\n" for row, name in enumerate(names))
    (tmp_path / "t.csv").write_text(content)
    built = build(tmp_path / "t.csv", partition_rows=1_000)
    assert built.names == sorted(set(names), key=int)
    assert [row["labels"] for row in built.rows] == [[name] for name in names]
    assert [row["row"] for row in built.rows] == list(range(5_000))
    cut = content.index("text 2500,")
    parts = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path, piece in zip(parts, (content[:cut], "text,label\n" + content[cut:]), strict=True):
        path.write_text(piece)
    waited = build(*parts, partition_rows=1_000)
    hashes = [
        [entry.blake3 for name, entry in one.artifact.manifest.files.items() if name.startswith("part-")]
        for one in (built, waited)
    ]
    assert hashes[0] == hashes[1]
