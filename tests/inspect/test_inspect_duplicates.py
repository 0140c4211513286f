"""Which rows have the same text."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_stages import texts

from evenly.inspect import same_texts
from evenly.inspect.duplicates import first_rows, hash_texts, join_hashes
from evenly.inspect.folding import TextFolder, fold_text


def first_by_python(keys):
    first = {}
    return [first.setdefault(key, row) for row, key in enumerate(keys)]


@pytest.mark.parametrize(
    ("text", "high", "low"),
    [
        # MurmurHash3_x64_128 with seed 0, as mmh3 (PyPI) and the SMHasher suite print it
        ("", 0, 0),
        ("The quick brown fox jumps over the lazy dog", 0xE34BBC7BBC071B6C, 0x7A433CA9C49A9347),
        ("hello", 0xCBD8A7B341BD9B02, 0x5B1E906A48AE1D19),
        ("hello, world", 0x342FAC623A5EBC8E, 0x4CDCBC079642414D),
    ],
)
def test_the_hash_is_the_published_one(text, high, low):
    hashes = hash_texts(TextFolder().pack(pa.array(["something else", text])), seed=0)
    assert hashes[1].tolist() == [high, low]


@given(st.lists(st.none() | texts, max_size=20).map(lambda rows: rows + [text and text.upper() for text in rows]))
@settings(max_examples=120, deadline=None)
def test_the_same_texts_are_those_that_fold_to_the_same(rows):
    assert same_texts(rows).tolist() == first_by_python([fold_text(text or "") for text in rows])


def test_texts_of_any_arrow_array():
    chunked = pa.chunked_array([pa.array(["a", "b"]), pa.array(["A ", None, ""])])
    assert same_texts(chunked).tolist() == [0, 1, 0, 3, 3]
    assert same_texts(pa.array(["x", "X"], pa.large_string())).tolist() == [0, 0]
    assert same_texts([]).tolist() == []


def test_more_rows_than_a_batch():
    rows = [f"text {number % 5_000}" for number in range(12_000)]
    assert same_texts(rows).tolist() == [number % 5_000 for number in range(12_000)]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=30))
@settings(max_examples=100, deadline=None)
def test_first_rows_are_those_that_python_finds(pairs):
    expected = [row if pair == (0, 0) else pairs.index(pair) for row, pair in enumerate(pairs)]
    assert first_rows(np.array(pairs, np.uint64).reshape(-1, 2)).tolist() == expected


def test_several_columns_must_agree_each():
    one, other = ["a b", "a", "a b", "x"], ["c", "b c", "C", "x"]
    columns = [hash_texts(TextFolder().fold(pa.array(column))) for column in (one, other)]
    assert first_rows(join_hashes(columns)).tolist() == [0, 1, 0, 3]
