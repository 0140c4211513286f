"""The stage: what it finds in small tables, what it writes of them, and that the workers make no difference."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_stages import check, texts

from evenly.executor import LocalProcesses
from evenly.inspect.checks import rows_to_use
from evenly.inspect.findings import gather_cases, torn_cases
from evenly.inspect.folding import fold_text

IN_ORDER = [
    "duplicate_texts",
    "commonest_text",
    "conflicting_labels",
    "near_duplicates",
    "near_conflicts",
    "text_is_label",
    "label_spellings",
    "splits_share_texts",
    "splits_share_near",
    "splits_share_groups",
    "short_texts",
    "long_texts",
]


def test_a_table_without_a_fault_has_every_finding_and_none_of_them(tmp_path):
    found = check(tmp_path, ["one text", "another text", "the third"])
    assert found.names == IN_ORDER
    for entry in found.found.values():
        assert (entry["rows"], entry["cases"], entry["severity"], entry["examples"]) == (0, 0, "ok", [])
        assert entry["title"]
        assert entry["sentence"].endswith(".")
    assert found.notes == ("no duplicate texts",)
    assert found.rows.used.all()


def test_rows_of_the_same_text_and_of_the_same_group(tmp_path):
    found = check(
        tmp_path,
        ["Win a prize", "hello you", "win  a PRIZE", None, "Straße 1", "", "STRASSE 1"],
        group=["g", None, "G", "g", None, "h", "h"],
    )
    assert found.rows.same_text.tolist() == [0, 1, 0, 3, 4, 3, 4]
    assert found.rows.near_text.tolist() == found.rows.same_text.tolist()
    assert found.rows.same_group.tolist() == [0, 1, 2, 0, 4, 5, 5]  # groups are compared as they are written
    assert found.rows.words.tolist() == [3, 2, 3, 0, 2, 0, 2]
    assert found.rows.characters.tolist() == [11, 9, 12, 0, 8, 0, 9]
    entry = found.found["duplicate_texts"]
    assert (entry["rows"], entry["cases"], entry["n_distinct"], entry["n_agreeing"]) == (3, 3, 4, 6)
    assert entry["examples"][0] == {"n_rows": 2, "rows": [0, 2], "text": "Win a prize", "labels": [["a"], ["a"]]}
    assert found.facts["n_duplicate_rows"] == 3


def test_the_types_of_the_columns_are_those_of_the_format(tmp_path):
    schema = pq.read_schema(check(tmp_path, ["a b"]).artifact.path / "rows.parquet")
    expected = {"row": "int64", "same_text": "int64", "near_text": "int64", "same_group": "int64"}
    expected |= {"characters": "int32", "words": "int32", "used": "bool"}
    assert {field.name: str(field.type) for field in schema} == expected


def test_texts_of_several_columns_are_the_same_when_each_is(tmp_path):
    found = check(tmp_path, {"title": ["A b", "a", "a B"], "body": ["c", "b c", "C "]})
    assert found.rows.same_text.tolist() == [0, 1, 0]
    assert found.rows.words.tolist() == [3, 3, 3]
    assert found.found["duplicate_texts"]["examples"][0]["text"] == "A b | c"


CONFLICT = (["x y", "X Y", "x  y", "z z", "z z"], [["a"], ["b"], ["a"], ["a", "b"], ["b", "a"]])


@pytest.mark.parametrize(
    ("on_conflict", "used"),
    [("keep", [1, 1, 1, 1, 1]), ("first", [1, 0, 1, 1, 1]), ("drop", [0, 0, 0, 1, 1])],
)
def test_rows_of_a_text_with_two_labelsets(tmp_path, on_conflict, used):
    found = check(tmp_path, *CONFLICT, on_conflict=on_conflict)
    assert found.rows.used.tolist() == [bool(row) for row in used]
    entry = found.found["conflicting_labels"]
    assert (entry["rows"], entry["cases"], entry["severity"]) == (3, 1, "warning")
    assert (entry["on_conflict"], entry["n_unused"]) == (on_conflict, 5 - sum(used))
    assert entry["examples"][0]["labels"] == [["a"], ["b"], ["a"]]
    assert found.found["duplicate_texts"]["n_agreeing"] == 2
    facts = {name: found.facts[name] for name in ("n_conflict_rows", "n_conflict_texts", "n_unused")}
    assert facts == {"n_conflict_rows": 3, "n_conflict_texts": 1, "n_unused": 5 - sum(used)}
    done = {"keep": "kept", "first": "1 row not used", "drop": "3 rows not used"}[on_conflict]
    assert found.notes == (f"3 duplicate texts, 1 text with different labels ({done}: checks.on_conflict)",)


WORDS = [f"word{number}" for number in range(40)]
NEAR = [" ".join(WORDS), " ".join([*WORDS[:-1], "other"]), "quite another text", " ".join(WORDS).upper()]


def test_near_texts_are_clusters_where_they_are_asked_for(tmp_path):
    asked = check(tmp_path, NEAR, [["a"], ["b"], ["a"], ["a"]], near=0.8)
    assert asked.rows.near_text.tolist() == [0, 0, 2, 0]
    assert asked.rows.same_text.tolist() == [0, 1, 2, 0]
    entry = asked.found["near_duplicates"]
    assert (entry["rows"], entry["cases"], entry["threshold"], entry["severity"]) == (3, 1, 0.8, "note")
    example = entry["examples"][0]
    assert (example["rows"], example["similarity"]) == ([0, 1, 3], round(39 / 41, 4))
    assert example["texts"][1] == NEAR[1]
    assert asked.found["near_conflicts"]["rows"] == 3
    assert asked.facts["n_near_duplicate_rows"] == 1
    assert asked.notes == ("1 duplicate text, 1 near-duplicate",)


def test_near_texts_are_not_looked_for_unless_asked(tmp_path):
    found = check(tmp_path, NEAR)
    assert found.rows.near_text.tolist() == [0, 1, 2, 0]
    entry = found.found["near_duplicates"]
    assert (entry["rows"], entry["threshold"], entry["severity"]) == (0, None, "ok")
    assert "Not looked for" in entry["sentence"]


def test_near_texts_of_two_columns_are_by_the_words_of_both(tmp_path):
    columns = {"title": [" ".join(WORDS[:20]), " ".join(WORDS[20:])], "body": [" ".join(WORDS[20:]), WORDS[0]]}
    columns["body"][1] = " ".join(WORDS[:20])
    found = check(tmp_path, columns, near=0.9)
    assert found.rows.near_text.tolist() == [0, 0]
    assert found.rows.same_text.tolist() == [0, 1]


def test_a_planted_leak_between_given_splits_is_found(tmp_path):
    given = ["train", "test", "validation", "test", "train", "test", None]
    group = [None, None, "g", "g", "h", None, "h"]
    rows = [NEAR[0], NEAR[1], "one more", "quite other", "the same", "The same", NEAR[3]]
    found = check(tmp_path, rows, given=given, group=group, near=0.8)
    by_text, by_near, by_group = (found.found[f"splits_share_{name}"] for name in ("texts", "near", "groups"))
    assert (by_text["rows"], by_text["cases"], by_text["severity"]) == (2, 1, "warning")
    assert by_text["examples"][0]["rows"] == [4, 5]
    assert by_text["examples"][0]["splits"] == ["train", "test"]
    assert (by_near["rows"], by_near["examples"][0]["rows"]) == (2, [0, 1])  # row 6 names no split
    assert by_near["examples"][0]["similarity"] == round(39 / 41, 4)
    assert (by_group["rows"], by_group["examples"][0]["splits"]) == (2, ["validation", "test"])
    assert all(entry["given"] for entry in (by_text, by_near, by_group))


def test_given_splits_that_share_nothing_are_well(tmp_path):
    found = check(tmp_path, ["a b", "A b", "c d"], given=["train", "train", "test"])
    assert found.found["splits_share_texts"]["rows"] == 0
    assert found.found["splits_share_texts"]["given"] is True
    assert check(tmp_path, ["a b", "c d"]).found["splits_share_texts"]["given"] is False


def test_texts_that_are_their_own_label(tmp_path):
    rows = {"title": ["x y", "SPAM ", "spam", "a spam"], "body": ["Spam", "b c", "d e", ""]}
    found = check(tmp_path, rows, [["spam"], ["spam", "ham"], ["ham"], ["spam"]])
    entry = found.found["text_is_label"]
    assert (entry["rows"], entry["cases"], entry["severity"]) == (2, 2, "warning")
    assert [example["rows"] for example in entry["examples"]] == [[0], [1]]


def test_labels_in_several_spellings(tmp_path):
    held = [["Sci-Fi"], ["sci-fi"], ["sci-fi ", "Drama"], ["drama"], ["sci-fi", "other"], ["ﬁlm"]]
    found = check(tmp_path, [f"row number {row}" for row in range(6)], held)
    entry = found.found["label_spellings"]
    assert (entry["rows"], entry["cases"]) == (5, 2)
    spellings = [{each["label"]: each["rows"] for each in example["spellings"]} for example in entry["examples"]]
    assert spellings == [{"Sci-Fi": 1, "sci-fi": 2, "sci-fi ": 1}, {"Drama": 1, "drama": 1}]
    assert [example["rows"] for example in entry["examples"]] == [[0, 1, 2, 4], [2, 3]]


def test_texts_of_an_odd_length(tmp_path):
    rows = ["word", "two words", "a b c", "", "x " * 1_001, "y " * 999]
    found = check(tmp_path, rows)
    short, long = found.found["short_texts"], found.found["long_texts"]
    assert (short["rows"], short["cases"], short["n_empty"]) == (2, 2, 1)
    assert (long["rows"], long["limit"], long["median"]) == (1, 1_000, 2.5)
    assert long["examples"][0]["words"] == [1_001]
    assert len(long["examples"][0]["text"]) == 300


def test_the_commonest_text_and_the_most_examples(tmp_path):
    rows = [f"text number {number}" for number in range(12)] * 2 + ["n/a"] * 30
    found = check(tmp_path, rows, part_rows=20)
    commonest = found.found["commonest_text"]
    assert (commonest["rows"], commonest["cases"], commonest["severity"]) == (30, 1, "warning")
    assert commonest["share"] == 30 / 54
    examples = found.found["duplicate_texts"]["examples"]
    assert [example["n_rows"] for example in examples] == [30] + [2] * 9
    assert examples[0]["rows"] == [24, 25, 26, 27, 28]
    assert found.found["duplicate_texts"]["severity"] == "warning"


def test_of_a_large_case_rows_that_differ_are_shown():
    same, labelset = np.zeros(8, np.int64), np.array([7, 7, 7, 7, 7, 7, 9, 8])
    n_cases, cases = gather_cases(same, np.ones(8, np.bool_), labelset)
    assert (n_cases, cases[0].n_rows, cases[0].rows) == (1, 8, [0, 1, 2, 6, 7])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1), st.booleans()), max_size=12))
@settings(max_examples=100, deadline=None)
def test_torn_cases_are_those_that_python_finds(rows):
    keys = [key for key, _, _ in rows]
    of_case = np.array([keys.index(key) for key in keys], np.int64)
    value, among = (np.array([row[place] for row in rows], dtype) for place, dtype in ((1, np.int64), (2, np.bool_)))
    expected = [
        among[row] and len({value[other] for other in range(len(rows)) if among[other] and keys[other] == key}) > 1
        for row, key in enumerate(keys)
    ]
    assert torn_cases(of_case, value, among).tolist() == expected


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=12))
@settings(max_examples=100, deadline=None)
def test_rows_left_out_are_those_that_python_finds(rows):
    keys = [key for key, _ in rows]
    same = np.array([keys.index(key) for key in keys], np.int64)
    labelset = np.array([held for _, held in rows], np.uint64)
    first = [held == rows[keys.index(key)][1] for key, held in rows]
    agree = [len({other for each, other in rows if each == key}) == 1 for key, _ in rows]
    assert rows_to_use(same, labelset, "first").tolist() == first
    assert rows_to_use(same, labelset, "drop").tolist() == agree
    assert rows_to_use(same, labelset, "keep").all()


@given(rows=st.lists(st.tuples(texts.filter(lambda text: "\x00" not in text), st.sampled_from("ab")), min_size=1))
@settings(max_examples=25, deadline=None)
def test_any_texts_are_grouped_as_the_definition_says(tmp_path_factory, rows):
    found = check(tmp_path_factory.mktemp("any"), [text for text, _ in rows], [[label] for _, label in rows])
    folded = [fold_text(text) for text, _ in rows]
    assert found.rows.same_text.tolist() == [folded.index(text) for text in folded]
    assert found.rows.words.tolist() == [len(text.split()) for text in folded]
    json.loads((found.artifact.path / "checks.json").read_text(encoding="utf-8"))


def test_any_number_of_workers_writes_the_same_bytes(tmp_path):
    rows = [*NEAR, "é à", "E\u0301 à", *(f"{NEAR[0]} {number}" for number in range(20))]
    given = ["train", "test"] * 13
    pool = LocalProcesses(2)
    try:
        two = check(tmp_path / "two", rows, given=given, near=0.8, executor=pool)
    finally:
        pool.close()
    one = check(tmp_path / "one", rows, given=given, near=0.8)
    names = sorted(path.name for path in one.artifact.path.iterdir() if path.name != "manifest.json")
    assert names == ["checks.json", "rows.parquet"]
    for name in names:
        assert (one.artifact.path / name).read_bytes() == (two.artifact.path / name).read_bytes()
    assert one.facts == two.facts
