"""The terms of a table: words of several pieces, how many rows hold them, what the tokenizer says of its pieces."""

from __future__ import annotations

import json

import numpy as np
import pytest

from evenly.train.feed.shards import IdColumn, ShardIndex
from evenly.train.models.terms import Pieces, learn_terms, read_pieces

# 0 [PAD], 1 [CLS], 2 the, 3 cat, 4 ##s, 5 ##ty
JOINED = np.array([0, 0, 0, 0, 1, 1], bool)
SPECIAL = np.array([1, 1, 0, 0, 0, 0], bool)
ROWS = [[1, 2, 3, 4], [1, 3, 4, 3, 4, 2], [1, 3, 5], [1, 3, 4, 5]]


@pytest.fixture
def index():
    length = np.array([len(row) for row in ROWS], np.int32)
    memory = np.concatenate(ROWS).astype(np.uint16)
    column = IdColumn("", memory, (np.cumsum(length) - length).astype(np.int64), length, (memory,))
    return ShardIndex(np.arange(4), (column,), np.zeros(5, np.int64), np.zeros(0, np.int32))


def test_terms_are_words_in_two_rows_or_more(index):
    terms = learn_terms(index, Pieces(JOINED, SPECIAL), max_terms=10)
    # "the" and "cats" are in rows 0 and 1; "catty" and "catsty" in one each; cat never stands alone; [CLS] is no word
    assert np.flatnonzero(terms.term[:6]).tolist() == [2]
    assert (terms.term[6:] > 0).sum() == 1
    np.testing.assert_allclose(terms.idf, [0, np.log(5 / 3) + 1, np.log(5 / 3) + 1], rtol=1e-6)


def test_the_most_frequent_terms_are_kept(index):
    terms = learn_terms(index, Pieces(np.zeros(6, bool), SPECIAL), max_terms=2)
    # rows that hold each id: the 2, cat 4, ##s 3, ##ty 2
    assert np.flatnonzero(terms.term).tolist() == [3, 4]
    np.testing.assert_allclose(terms.idf, [0, 1, np.log(5 / 4) + 1], rtol=1e-6)


@pytest.mark.parametrize(
    ("model", "joined"),
    [
        ({"continuing_subword_prefix": "##", "vocab": {"[PAD]": 0, "cat": 1, "##s": 2, "##": 3}}, [2, 3]),
        ({"vocab": {"<s>": 0, "\u0120cat": 1, "s": 2, ",": 3}}, [2]),
        ({"vocab": [["<s>", 0.0], ["\u2581cat", -1.0], ["s", -2.0], ["\u2581", -3.0]]}, [2]),
        ({"vocab": {"<s>": 0, "a": 1, "b": 2, "c": 3}}, []),
    ],
    ids=["wordpiece", "bytes", "unigram", "no marks"],
)
def test_pieces_of_a_tokenizer(tmp_path, model, joined):
    content = {"model": model, "added_tokens": [{"id": 0, "special": True}]}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    pieces = read_pieces(tmp_path, 4)
    assert np.flatnonzero(pieces.joined).tolist() == joined
    assert pieces.special.tolist() == [True, False, False, False]


def test_without_a_file_every_id_is_a_word(tmp_path):
    assert not read_pieces(tmp_path, 3).joined.any()
