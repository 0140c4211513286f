"""The words of a text, and that the loops over bytes find the same."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_stages import texts

from evenly.inspect import text_words
from evenly.inspect.folding import TextFolder
from evenly.inspect.word_sets import WordReader
from evenly.inspect.words import jaccard


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't panic, DON'T!", {"don", "t", "panic"}),
        ("snake_case x2", {"snake", "case", "x2"}),
        ("...", set()),
        ("😀 !", set()),
        ("हिन्दी में", {"हिन्दी", "में"}),  # vowel signs are part of the word
        ("東京都", {"東京", "京都"}),
        ("東 a京b", {"東", "a", "京", "b"}),
        ("한국어 한국어", {"한국어"}),  # Korean has spaces
    ],
)
def test_words(text, words):
    assert text_words(text) == words


def test_jaccard_by_hand():
    assert jaccard({"a", "b", "c"}, {"b", "c", "d"}) == 0.5
    assert jaccard(set(), set()) == 0


def read_sets(*columns):
    folded = [TextFolder().fold(pa.array(column, pa.string())) for column in columns]
    sets = WordReader().read(folded)
    pieces = np.split(sets.words, sets.ends[1:-1])
    return [piece.tolist() for piece in pieces[: len(columns[0])]]


@given(st.lists(texts, min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
def test_sets_of_numbers_are_as_large_and_as_much_alike_as_sets_of_words(rows):
    expected, found = [text_words(text) for text in rows], read_sets(rows)
    assert [len(piece) for piece in found] == [len(words) for words in expected]
    for piece, words in zip(found, expected, strict=True):
        shared = [len(set(piece) & set(other)) for other in found]
        assert shared == [len(words & other) for other in expected]


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=6))
@settings(max_examples=100, deadline=None)
def test_the_words_of_two_columns_are_those_of_both(rows):
    both, either = read_sets(*zip(*rows, strict=True)), read_sets([f"{one} ! {other}" for one, other in rows])
    assert [set(piece) for piece in both] == [set(piece) for piece in either]
    assert [len(piece) for piece in both] == [len(set(piece)) for piece in both]


def test_words_of_any_length_are_told_apart():
    rows = [" ".join("x" * n for n in range(1, 40)), " ".join("y" + "x" * n for n in range(40))]
    assert [len(piece) for piece in read_sets(rows)] == [39, 40]
