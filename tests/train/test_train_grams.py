"""The grams of a table: those of scikit-learn within each piece, how many rows hold them, which are kept."""

from __future__ import annotations

import numpy as np
import pytest

from evenly.train.feed.shards import IdColumn, ShardIndex
from evenly.train.models.grams import learn_grams
from evenly.train.models.terms import Pieces

SPELLING = ("", "", "cat", "cats", "s", "ty", "a")  # 0 [PAD], 1 [CLS], then words, but for ##s and ##ty
JOINED = np.array([0, 0, 0, 0, 1, 1, 0], bool)
SPECIAL = np.array([1, 1, 0, 0, 0, 0, 0], bool)
PIECES = Pieces(JOINED, SPECIAL, SPELLING)


def index_of(rows):
    length = np.array([len(row) for row in rows], np.int32)
    memory = np.concatenate(rows).astype(np.uint16)
    column = IdColumn("", memory, (np.cumsum(length) - length).astype(np.int64), length, (memory,))
    return ShardIndex(np.arange(len(rows)), (column,), np.zeros(len(rows) + 1, np.int64), np.zeros(0, np.int32))


def test_grams_of_whole_words_are_those_of_scikit_learn():
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = ["cat cat", "cats cat", "a cats"]
    rows = [[1] + [SPELLING.index(word) for word in text.split()] for text in texts]
    grams = learn_grams(index_of(rows), PIECES, max_grams=100)
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=2).fit(texts)
    assert grams is not None
    np.testing.assert_allclose(np.sort(grams.idf[1:]), np.sort(vectorizer.idf_), rtol=1e-6)
    # " ca", "cat", "ats", "ts " of three; " cat", "cats", "ats " of four; " cats", "cats " of five; " a " is in one row
    whole = len(SPELLING) + SPELLING.index("cats")
    assert (grams.of_id[whole] > 0).sum() == len(set(vectorizer.build_analyzer()("cats"))) == 9


def test_a_piece_has_a_space_where_its_word_begins_and_ends():
    grams = learn_grams(index_of([[2, 5], [2, 5]]), PIECES, max_grams=100)  # "catty" as cat ##ty
    assert grams is not None
    n_ids = len(SPELLING)
    # within the word: " ca", "cat", " cat"; the end of it: "ty "
    assert (grams.of_id > 0).sum(axis=1)[[2, 5, n_ids + 2, n_ids + 5]].tolist() == [3, 0, 3, 1]
    np.testing.assert_allclose(grams.idf, [0, 1, 1, 1, 1])  # ln(3 / 3) + 1


def test_the_most_frequent_grams_are_kept():
    grams = learn_grams(index_of([[2], [2], [3], [6], [6]]), PIECES, max_grams=3)
    assert grams is not None
    # " ca", "cat" and " cat" are in three rows, all else in two or one
    np.testing.assert_allclose(grams.idf, [0, *[np.log(6 / 4) + 1] * 3])


@pytest.mark.parametrize("pieces", [PIECES, Pieces(JOINED, SPECIAL)], ids=["one row each", "not spelt"])
def test_no_grams(pieces):
    assert learn_grams(index_of([[2], [6]]), pieces, max_grams=10) is None
