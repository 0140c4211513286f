"""First guesses about a table that nobody has described."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenly.config import SourceConfig
from evenly.errors import DataError
from evenly.ingest import column_summaries, guess_source
from evenly.ingest.guessing.guess_names import split_words
from evenly.ingest.labelling.delimiters import find_delimiter

if TYPE_CHECKING:
    from pathlib import Path

WORDS = [
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "a",
    "lazy",
    "dog",
    "near",
    "some",
    "old",
    "river",
    "bank",
    "at",
    "noon",
]


def sentence(number: int) -> str:
    return " ".join([*WORDS[number % 7 :], f"item{number}"])


def table(**columns: list[Any]) -> pa.Table:
    return pa.table({"text": [sentence(number) for number in range(40)], **columns})


def cycle(*values: Any) -> list[Any]:
    return [values[number % len(values)] for number in range(40)]


@pytest.mark.parametrize(
    ("columns", "labels", "format_", "delimiter"),
    [
        ({"label": cycle("a", "b"), "kind": cycle("x", "y", "z")}, ("label",), "single", None),
        ({"airline_sentiment": cycle("pos", "neg"), "name": cycle("ann", "bob")}, ("airline_sentiment",), "single",
         None),
        ({"Genre": cycle("A,B", "B,C", "A", "C", "B,A,C")}, ("Genre",), "delimited", ","),
        ({"listed_in": cycle("A, B", "B, C", "A", "C"), "type": cycle("x", "y")}, ("listed_in",), "delimited", ", "),
        ({"tags": cycle(["a"], ["a", "b"], [])}, ("tags",), "list", None),
        ({"tags": cycle('["a"]', "[]")}, ("tags",), "list", None),
        ({"x": cycle(0, 1), "y": cycle(1, 0), "z": cycle(0, 0, 1)}, ("x", "y", "z"), "onehot", None),
        ({"genre_ids": cycle("['x']", "['y']"), "x": cycle(0, 1), "y": cycle(1, 0), "z": cycle(0, 1)},
         ("x", "y", "z"), "onehot", None),
        ({"id": list(range(40)), "class": cycle(0, 1, 2)}, ("class",), "single", None),
        ({"country": cycle("at", "fr"), "outcome": cycle("won", "lost", "drawn")}, ("country",), "single", None),
        ({"x": cycle(0, 0.5), "y": cycle(1, 0), "z": cycle(0.25)}, ("x", "y", "z"), "fractions", None),
        ({"x": cycle(0, 1), "y": cycle(1, 0), "z": cycle(0, 1), "q": cycle(2, 3), "s": cycle(0.5), "t": cycle(0.1)},
         ("x", "y", "z"), "onehot", None),
        ({"class": cycle("a", "b"), "p": cycle(0.5), "q": cycle(0.1), "r": cycle(0.2)}, ("class",), "single", None),
        ({"kind": cycle("a", "b"), "a_confidence": cycle(0.5), "b_confidence": cycle(0.1), "c": cycle(0.2)},
         ("kind",), "single", None),
        ({"emotion": cycle('{"joy": 0.7}', '{"fear": 1}')}, ("emotion",), "fractions", None),
        ({"emotion": cycle({"joy": 0.7, "fear": 0.1}, {"joy": 0.0, "fear": 1.0})}, ("emotion",), "fractions", None),
        ({"target": cycle(0.0, 0.125, 0.9), "n": list(range(40))}, ("target",), "fractions", None),
        ({"category": [sentence(number) for number in range(40)], "y": cycle("p", "q")}, ("y",), "single", None),
    ],
)  # fmt: skip
def test_labels_by_name_and_by_shape(
    tmp_path: Path, columns: dict[str, Any], labels: tuple[str, ...], format_: str, delimiter: str | None
) -> None:
    pq.write_table(table(**columns), tmp_path / "t.parquet")
    guess = guess_source(tmp_path / "t.parquet")
    assert (guess.labels, guess.label_format, guess.label_delimiter) == (labels, format_, delimiter)
    assert guess.text == ("text",)


def test_a_guess_is_a_config_with_reasons(tmp_path: Path) -> None:
    lines = [f'"{sentence(number)}",{"ham" if number % 3 else "spam"}' for number in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    guess = guess_source(tmp_path / "t.csv")
    config = SourceConfig.model_validate({"files": ["t.csv"], **guess.settings()})
    assert (config.text, config.labels.columns, config.header) == (("column0",), ("column1",), False)
    assert set(guess.reasons) == {"files", "header", "text", "columns"}
    assert guess.reasons["columns"] == "column1 holds 2 values that come again: ham, spam"


def test_titles_go_with_the_text_and_casts_do_not(tmp_path: Path) -> None:
    columns = {
        "title": [f"Film {number}" for number in range(40)],
        "original_title": [f"Film {number}" for number in range(40)],
        "casts": [f"Ann A{number}, Bob B{number}, Cy C{number}, Di D{number}" for number in range(40)],
        "label": cycle("a", "b"),
    }
    pq.write_table(table(**columns), tmp_path / "t.parquet")
    assert guess_source(tmp_path / "t.parquet").text == ("text", "title")


@pytest.mark.parametrize(
    ("values", "split", "reason"),
    [
        (("train", "train", "val", "test"), "split", "says test or train or val in every row"),
        (("train", "test"), "split", "says test or train in every row; validation is taken from train"),
        (("train", "dev"), "split", "says dev or train in every row; test is taken from train"),
        (("a", "b"), None, "does not say train and test in every row (it says a, b): not used"),
        (("test", "dev"), None, "not used"),
        (("train", "test", None), None, "not used"),
    ],
)
def test_a_split_column_is_used_where_it_says_train_and_another(
    tmp_path: Path, values: tuple[str, ...], split: str | None, reason: str
) -> None:
    columns = {"label": cycle("a", "b"), "split": cycle(*values), "doc_id": cycle("d1", "d2", "d3")}
    pq.write_table(table(**columns), tmp_path / "t.parquet")
    guess = guess_source(tmp_path / "t.parquet")
    assert guess.split == split
    assert reason in guess.reasons["split"]
    assert guess.group == "doc_id"


@pytest.mark.parametrize(("n_cells", "unescape"), [(0, False), (1, False), (2, True), (40, True)])
def test_html_entities_in_the_texts_are_unescaped(tmp_path: Path, n_cells: int, unescape: bool) -> None:  # noqa: FBT001 - a table of cases
    texts = [sentence(number) + (" &amp; more" if number < n_cells else " R&D; more") for number in range(40)]
    pq.write_table(pa.table({"text": texts, "label": cycle("a", "b")}), tmp_path / "t.parquet")
    guess = guess_source(tmp_path / "t.parquet")
    assert guess.unescape_html is guess.settings()["unescape_html"] is unescape
    if unescape:
        assert guess.reasons["unescape_html"] == f"{n_cells} of 40 texts hold HTML entities such as &amp;"
    assert SourceConfig.model_validate({"files": ["t"], **guess.settings()}).unescape_html is unescape


def test_short_texts_and_texts_without_spaces_are_texts_too(tmp_path: Path) -> None:
    pq.write_table(pa.table({"q": [f"q{n}x" for n in range(40)], "y": cycle("a", "b")}), tmp_path / "short.parquet")
    assert guess_source(tmp_path / "short.parquet").text == ("q",)
    chinese = ["今天的天气非常好我们一起去公园" + chr(0x4E00 + number) for number in range(40)]
    columns = {"内容": chinese, "类": cycle("体育", "财经")}
    pq.write_table(pa.table(columns), tmp_path / "chinese.parquet")
    guess = guess_source(tmp_path / "chinese.parquet")
    assert (guess.text, guess.labels) == (("内容",), ("类",))


def test_jsonl_is_guessed_too(tmp_path: Path) -> None:
    rows = [{"body": sentence(number), "topics": ["x", "y"][: 1 + number % 2]} for number in range(40)]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    guess = guess_source(tmp_path / "t.jsonl")
    assert (guess.format, guess.text, guess.labels, guess.label_format) == ("jsonl", ("body",), ("topics",), "list")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": list(range(5)), "label": list("abaab")}, "which column has the text.*label: text, 2 distinct"),
        ({"text": [sentence(n) for n in range(5)], "id": list("vwxyz")}, "which column has the labels.*source.labels"),
    ],
)
def test_where_it_cannot_tell_it_lists_the_columns(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=message):
        guess_source(tmp_path / "t.parquet")


def test_column_summaries() -> None:
    found = column_summaries(pa.table({"n": [1.0, None, 2.5], "f": [True, False, True], "e": [None, "", " "]}))
    assert [(column.kind, column.n_distinct) for column in found] == [("numbers", 2), ("flags", 2), ("empty", 0)]
    more = column_summaries(pa.table({"s": [0.5, 1.0, 0.0], "o": ['{"a": 0.5}'] * 3, "x": [{"a": 2}] * 3}))
    assert [column.kind for column in more] == ["shares", "objects", "other"]
    assert [round(column.share_filled, 2) for column in found] == [0.67, 1.0, 0.0]


@pytest.mark.parametrize(
    ("cells", "delimiter"),
    [
        (["a|b", "b|c", "a", "c", "a|c"], "|"),
        (["4,27", "4", "27", "27,4", "3,4"], ","),
        (["a, b", "b, c", "a", "c"], ", "),
        (["a, b", "b,c", "a", "c"], ","),
        (["a; b", "b; c", "a", "c"], "; "),
        (["Arts, Music", "Arts, Dance", "Sport, Golf", "Sport, Polo"], None),
        (["a", "b"], None),
        ([], None),
    ],
)
def test_delimiter_between_names(cells: list[str], delimiter: str | None) -> None:
    assert find_delimiter(cells) == delimiter


def test_words_of_a_name() -> None:
    assert split_words("airline_sentiment") == {"airline", "sentiment"}
    assert split_words("SentimentText2") == {"sentiment", "text", "2"}
    assert split_words("COMMENT_ID") == {"comment", "id"}
