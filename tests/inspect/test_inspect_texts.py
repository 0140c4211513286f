"""When two texts are the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenly.inspect.texts import first_rows, fold_text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Win a PRIZE", "win  a\tprize "),
        ("Straße", "STRASSE"),
        ("ﬁne", "fine"),  # a ligature
        ("é", "é"),  # composed and with a combining accent
        ("１２", "12"),  # noqa: RUF001 - full width
        ("a b", "a\n\nb"),
        ("ΑΣ", "ας"),
    ],
)
def test_texts_that_are_the_same(one, other):
    assert fold_text(one) == fold_text(other)


@pytest.mark.parametrize(("one", "other"), [("win", "wins"), ("a b", "ab"), ("resume", "résumé"), ("a", "a.")])
def test_texts_that_are_not(one, other):
    assert fold_text(one) != fold_text(other)


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_folding_twice_is_folding_once(text):
    assert fold_text(fold_text(text)) == fold_text(text)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=30))
@settings(max_examples=100, deadline=None)
def test_first_rows_are_those_that_python_finds(pairs):
    expected = [row if pair == (0, 0) else pairs.index(pair) for row, pair in enumerate(pairs)]
    assert first_rows(np.array(pairs, np.uint64).reshape(-1, 2)).tolist() == expected
