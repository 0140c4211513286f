"""JSON of any size: every value is a row or a reject, and a broken one takes no good one with it."""

from __future__ import annotations

import io
import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evenly.errors import ColumnNotFoundError, DataError
from evenly.ingest.files import find_raw_file
from evenly.ingest.readers import open_reader
from evenly.ingest.reading import ReadOptions
from evenly.ingest.structured.json_elements import NOT_JSON, JsonElements

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = [{"text": f"text {number}", "label": "ab"[number % 2], "n": number} for number in range(5)]
EXPECTED = [{"row": number, "text": f"text {number}", "labels": ["ab"[number % 2]]} for number in range(5)]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(json.dumps(ROWS), id="an array on one line"),
        pytest.param(json.dumps(ROWS, indent=2), id="an indented array"),
        pytest.param("[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n", id="an array of a line an object"),
        pytest.param("\n".join(map(json.dumps, ROWS)), id="objects one a line"),
        pytest.param("\n".join(json.dumps(row, indent=1) for row in ROWS), id="indented objects, one after the other"),
        pytest.param("\ufeff" + json.dumps(ROWS), id="with a byte order mark"),
    ],
)
def test_json_of_every_form_gives_the_same_rows(tmp_path: Path, build: Callable[..., Any], content: str) -> None:
    (tmp_path / "t.json").write_text(content, encoding="utf-8")
    assert build(tmp_path / "t.json").rows == EXPECTED


def test_utf_16_is_read(tmp_path: Path, build: Callable[..., Any]) -> None:
    (tmp_path / "t.json").write_text(json.dumps([row | {"text": f"é {row['text']}"} for row in ROWS]), "utf-16")
    assert build(tmp_path / "t.json", encoding="utf-16").rows[0]["text"] == "é text 0"


GOOD = '{"text": "fine", "label": "a"}'


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param('{"text": "x", "label": }', id="no value"),
        pytest.param('{"text": "x" "label": "a"}', id="no comma"),
        pytest.param("{'text': 'x', 'label': 'a'}", id="single quotes"),
        pytest.param('{"text": "x", "label": "a",}', id="a trailing comma"),
        pytest.param('{"text": "x", "label": ["a", "b"}', id="an inner bracket is missing"),
        pytest.param('{"text": "x", "label": "a"', id="its closing bracket is missing"),
        pytest.param('"words"', id="a string"),
        pytest.param("17", id="a number"),
        pytest.param("null", id="null"),
        pytest.param('["x", "a"]', id="a list"),
        pytest.param('{"text": ["x"], "label": "a"}', id="a list as text"),
        pytest.param('{"text": "\\ud83d", "label": "a"}', id="half a surrogate pair"),
    ],
)
@pytest.mark.parametrize("between", [",", ",\n "])
def test_a_broken_value_is_one_reject(tmp_path: Path, build: Callable[..., Any], bad: str, between: str) -> None:
    other = '{"text": "other", "label": "b"}'
    (tmp_path / "t.json").write_text("[" + between.join([GOOD, other, bad, GOOD, other]) + "]", encoding="utf-8")
    built = build(tmp_path / "t.json")
    assert [row["text"] for row in built.rows] == ["fine", "other", "fine", "other"]
    assert [(reject["line"], reject["raw"].rstrip(", \n")) for reject in built.rejects] == [
        (3 if "\n" in between else 1, bad)
    ]
    assert built.facts["rows_read"] == 5


def test_a_missing_quote_takes_no_more_than_its_line(tmp_path: Path, build: Callable[..., Any]) -> None:
    lines = [GOOD, '{"text": "x, "label": "a"}', '{"text": "other", "label": "b"}']
    (tmp_path / "t.json").write_text("[" + ",\n".join(lines) + "]")
    built = build(tmp_path / "t.json")
    assert [row["text"] for row in built.rows] == ["fine", "other"]
    assert built.facts["rows_rejected"] == 1


def test_bytes_that_are_no_utf8_are_rejected_or_replaced(tmp_path: Path, build: Callable[..., Any]) -> None:
    other = b'{"text": "other", "label": "b"}'
    content = b"[" + b",\n".join([GOOD.encode(), b'{"text": "caf\xe9", "label": "a"}', other]) + b"]"
    (tmp_path / "t.json").write_bytes(content)
    built = build(tmp_path / "t.json")
    assert [row["text"] for row in built.rows] == ["fine", "other"]
    assert [(reject["line"], reject["reason"]) for reject in built.rejects] == [(2, "invalid UTF-8")]
    assert "caf\\xe9" in built.rejects[0]["raw"]
    assert build(tmp_path / "t.json", on_bad_bytes="replace").rows[1]["text"] == "caf\ufffd"


def test_a_file_that_is_cut_loses_its_last_object_and_says_so(tmp_path: Path, build: Callable[..., Any]) -> None:
    content = json.dumps(ROWS)
    (tmp_path / "t.json").write_text(content[: content.index('"text 4"') + 3])
    built = build(tmp_path / "t.json")
    assert built.facts["rows_kept"] == 4
    assert built.facts["rows_rejected"] == 1
    assert any("may be cut" in note for note in built.notes)


def test_rows_that_are_refused_later_are_located(tmp_path: Path, build: Callable[..., Any]) -> None:
    rows = [*ROWS[:2], {"text": "  ", "label": "a"}, 5, {"text": "y", "label": ""}, *ROWS[2:]]
    (tmp_path / "t.json").write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]")
    found = [(reject["line"], reject["reason"], reject["raw"]) for reject in build(tmp_path / "t.json").rejects]
    assert found == [
        (4, "no text", '{"text": "  ", "label": "a"}'),
        (5, "not a JSON object", "5"),
        (6, "no label", '{"text": "y", "label": ""}'),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param('{"data": [{"text": "x", "label": "a"}], "v": 1}', "jq .data", id="the rows in an object"),
        pytest.param('{"text": {"0": "x"}, "label": {"0": "a"}}', "orient='records'", id="columns, as pandas writes"),
        pytest.param("[1, 2, 3]", "no JSON object", id="no object"),
        pytest.param("hello", "no JSON object", id="no JSON"),
        pytest.param("[]", "no JSON object", id="an empty array"),
        pytest.param("  \n", "is empty", id="nothing"),
        pytest.param("[" + "{\n" * 300, "more than 100", id="brackets that never close"),
    ],
)
def test_what_is_no_table_is_explained(tmp_path: Path, build: Callable[..., Any], content: str, said: str) -> None:
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(DataError, match=said):
        build(tmp_path / "t.json")


def test_a_column_that_no_object_has_is_named(tmp_path: Path, build: Callable[..., Any]) -> None:
    (tmp_path / "t.json").write_text(json.dumps(ROWS))
    with pytest.raises(ColumnNotFoundError, match="did you mean 'text'"):
        build(tmp_path / "t.json", text=("txt",))


def elements(text: str, block: int) -> list[tuple[int, Any]]:
    """Return line and value of every element, the stream cut into small blocks."""

    class Blocks(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or block, block))

    return [(element.line, element.value) for element in JsonElements("t", Blocks(text.encode()))]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@example(values=[False, [], 0.0], block=14, indent=None)  # the number is cut behind its point
@given(st.lists(JSON, max_size=6), st.integers(1, 40), st.sampled_from([None, 0, 1]))
def test_any_array_comes_back_whatever_the_blocks(values: list[Any], block: int, indent: int | None) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=indent is None)
    found = elements(text, block)
    assert [value for _, value in found] == values
    assert all(line <= text.count("\n") + 1 for line, _ in found)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet='{}[]",: a1\\\n', max_size=60), st.integers(1, 20))
def test_any_text_ends(text: str, block: int) -> None:
    found = elements("[" + text, block)
    assert all(value is NOT_JSON or value == value for _, value in found)  # noqa: PLR0124 - it is a value
    assert len(found) <= len(text)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    row = json.dumps({"text": "word " * 800, "label": "a"})
    (tmp_path / "t.json").write_text("[" + ",".join([row] * 8_000) + "]")
    assert (tmp_path / "t.json").stat().st_size > 30_000_000
    options = ReadOptions(wanted=("label",), text=())
    reader = open_reader(find_raw_file(tmp_path / "t.json"), options, tmp_path)
    tracemalloc.start()
    n_rows = sum(len(batch) for batch in reader.batches())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n_rows == 8_000
    assert peak < 12_000_000
    assert [place.line for place in reader.locate(np.array([7_999]))] == [1]
