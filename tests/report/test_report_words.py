"""Sentences, and texts that could deceive."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenly.report.results import totals
from evenly.report.verdict import count_sentences, describe_label
from evenly.report.visible import clip, clip_width, visible


def _label(name: str, positives: int, predicted: int, tp: int, *, before: int = 10) -> dict[str, Any]:
    f1 = 2 * tp / (positives + predicted) if positives else None
    return {"name": name, "positives": positives, "predicted": predicted, "tp": tp, "f1": f1, "before": before}


@pytest.mark.parametrize(
    ("positives", "predicted", "tp", "sentence"),
    [
        (300, 276, 249, "Of 100 documents labelled “X” it finds 83; 9 of 10 that it labels so are right."),
        (12, 9, 6, "Of the 12 test documents labelled “X” it finds 6; 6 of the 9 that it labels so are right."),
        (1, 1, 1, "Of the 1 test document labelled “X” it finds 1; 1 of the 1 that it labels so is right."),
        (5, 0, 0, "Of the 5 test documents labelled “X” it finds none; it never gives this label."),
        (5, 3, 0, "Of the 5 test documents labelled “X” it finds none; none of the 3 that it labels so are right."),
        (
            1000,
            1000,
            999,
            "Of 100 documents labelled “X” it finds more than 99; more than 9 of 10 that it labels so are right.",
        ),
        (
            1000,
            100,
            1,
            "Of 100 documents labelled “X” it finds fewer than 1; fewer than 1 of 10 that it labels so are right.",
        ),
        (200, 200, 200, "Of 100 documents labelled “X” it finds 100; 10 of 10 that it labels so are right."),
    ],
)
def test_a_label_in_counts(positives: int, predicted: int, tp: int, sentence: str) -> None:
    assert describe_label(_label("X", positives, predicted, tp)) == sentence


def _sentences(labels: list[dict[str, Any]], task: str) -> list[str]:
    return count_sentences(labels, totals(labels), task)


def test_several_labels_a_row() -> None:
    labels = [_label("A", 60, 50, 45), _label("B", 40, 50, 5), _label("C", 4, 0, 0), _label("D", 0, 3, 0)]
    assert _sentences(labels, "multilabel") == [
        "Of 100 labels that the test documents carry it finds 48; of 100 labels that it gives 49 are right.",
        "At its best: of the 60 test documents labelled “A” it finds 45; 9 of 10 that it labels so are right.",
        "At its weakest: of the 40 test documents labelled “B” it finds 5; 1 of 10 that it labels so are right.",
        "1 of the 3 labels in the test split is never found: “C”.",
    ]


def test_one_label_a_row() -> None:
    labels = [_label("A", 60, 70, 55), _label("B", 15, 5, 5)]
    assert _sentences(labels, "multiclass") == [
        "Of 100 test documents it puts 80 into the right class.",
        "Of the 60 test documents labelled “A” it finds 55; 8 of 10 that it labels so are right.",
    ]


def test_two_classes_speak_of_the_one_looked_for() -> None:
    labels = [_label("ham", 700, 700, 690, before=3000), _label("spam", 100, 90, 88, before=400)]
    assert count_sentences(labels, totals(labels), "binary", positive="spam") == [
        "Of 100 documents labelled “spam” it finds 88; more than 9 of 10 that it labels so are right."
    ]


def test_an_empty_test_split_is_said() -> None:
    assert "nothing can be said" in _sentences([_label("A", 0, 0, 0)], "multilabel")[0]


def test_many_missed_labels_are_cut_to_five() -> None:
    labels = [_label(f"L{at}", 9 - at, 0, 0) for at in range(8)]
    assert _sentences(labels, "multilabel")[-1] == (
        "8 of the 8 labels in the test split are never found: “L0”, “L1”, “L2”, “L3”, “L4” and 3 more."
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ünïcode, 日本語, 👍", "plain, ünïcode, 日本語, 👍"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("a\N{RIGHT-TO-LEFT OVERRIDE}b", "a<U+202E>b"),
        ("a\N{ZERO WIDTH SPACE}b", "a<U+200B>b"),
        ("nul\x00", "nul<U+0000>"),
        ("می\N{ZERO WIDTH NON-JOINER}خواهم", "می\N{ZERO WIDTH NON-JOINER}خواهم"),
        ("\ud800", "<U+D800>"),
    ],
)
def test_hidden_characters_are_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


@settings(max_examples=200)
@given(st.text())
def test_what_is_visible_stays_so(text: str) -> None:
    shown = visible(text)
    assert visible(shown) == shown
    shown.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "columns", "fits"),
    [("abcd", 4, "abcd"), ("abcde", 4, "abc…"), ("日本", 4, "日本"), ("日本語", 4, "日…"), ("ab cd", 4, "ab…")],
)
def test_names_fit_their_columns(text: str, columns: int, fits: str) -> None:
    assert clip_width(text, columns) == fits


def test_clip() -> None:
    assert clip("abc", 3) == "abc"
    assert clip("abcd", 3) == "ab…"
