"""Texts as sparse TF-IDF rows of length 1: what MLSMOTE looks for neighbours in.

Texts are counted in parts, each with a vocabulary of its own, which are weighed once all are counted: so several
processes can count, each text is read once, and no more than a part is at hand at a time.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from evenly.resample.units import features_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["Weights", "WordCounts", "count_words", "text_features"]


@dataclass(frozen=True, eq=False)
class WordCounts:
    """How often each text has each word.

    Attributes
    ----------
    words
        The vocabulary of these texts, distinct, in any order.
    counts
        CSR matrix, shape (n_texts, n_words), int32; columns in the order of `words`.
    """

    words: list[str]
    counts: sparse.csr_matrix

    def n_texts_with(self) -> NDArray[np.int64]:
        """Return how many texts have each word, shape (n_words,)."""
        return np.bincount(self.counts.indices, minlength=len(self.words))


class Weights:
    """The words of all parts in their order, and the weight of each: 1 + ln((1 + n) / (1 + n_texts_with))."""

    def __init__(self, parts: Iterable[tuple[list[str], NDArray[np.int64], int]]) -> None:
        """Sum up the parts: their words, how many texts have each, and how many texts there are."""
        n_with: defaultdict[str, int] = defaultdict(int)
        n_texts = 0
        for words, counts, size in parts:
            n_texts += size
            for word, count in zip(words, counts.tolist(), strict=True):
                n_with[word] += count
        words = sorted(n_with)
        counts = np.array([n_with[word] for word in words], np.float64)
        self.column = {word: column for column, word in enumerate(words)}
        self.weight = 1 + np.log((1 + n_texts) / (1 + counts))

    def weigh(self, part: WordCounts) -> sparse.csr_matrix:
        """Return the rows (1 + ln count) x weight, scaled to length 1, float32; columns of all words, ascending."""
        columns = np.fromiter(map(self.column.__getitem__, part.words), np.int32, len(part.words))
        values = (1 + np.log(part.counts.data)) * self.weight[columns[part.counts.indices]]
        shape = (part.counts.shape[0], max(1, len(self.weight)))
        rows = sparse.csr_matrix((values, columns[part.counts.indices], part.counts.indptr), shape=shape)
        rows.sort_indices()
        length = np.sqrt(rows.multiply(rows).sum(axis=1)).A1 if rows.nnz else np.ones(shape[0])
        rows.data = (rows.data / np.repeat(length, np.diff(rows.indptr))).astype(np.float32)
        return rows


def count_words(texts: Iterable[str]) -> WordCounts:
    """Count the words of texts; see `features_of` for what a word is."""
    vocabulary: defaultdict[str, int] = defaultdict()
    vocabulary.default_factory = vocabulary.__len__
    found = [np.fromiter(map(vocabulary.__getitem__, features_of(text)), np.int32) for text in texts]
    start = np.concatenate([[0], np.cumsum([len(columns) for columns in found])]).astype(np.int64)
    columns = np.concatenate([*found, np.empty(0, np.int32)])
    counts = sparse.csr_matrix((np.ones(len(columns), np.int32), columns, start), shape=(len(found), len(vocabulary)))
    counts.sum_duplicates()
    return WordCounts(list(vocabulary), counts)


def text_features(texts: Iterable[str]) -> sparse.csr_matrix:
    """Return sublinear TF-IDF, shape (n_texts, n_words), float32, L2-normalised; a text without words is all zero.

    The formula is scikit-learn's (``TfidfVectorizer(sublinear_tf=True)``); columns are in the order of the words.
    """
    part = count_words(texts)
    return Weights([(part.words, part.n_texts_with(), part.counts.shape[0])]).weigh(part)
