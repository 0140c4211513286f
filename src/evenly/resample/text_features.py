"""Texts as sparse TF-IDF rows of length 1: what neighbours are looked for in.

Texts are counted in parts, each with a vocabulary of its own, which are weighed once all are counted: so several
processes can count and weigh, each text is read once, and no more than a part is at hand at a time.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from evenly.resample.units import features_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["WordCounts", "count_words", "merge_vocabularies", "text_features", "weigh_words"]


@dataclass(frozen=True, eq=False)
class WordCounts:
    """How often each text has each word.

    Attributes
    ----------
    words
        The vocabulary of these texts, ascending.
    counts
        CSR matrix, shape (n_texts, n_words), int32; columns in the order of `words`, ascending in every row.
    """

    words: pa.StringArray
    counts: sparse.csr_matrix

    def n_texts_with(self) -> NDArray[np.int64]:
        """Return how many texts have each word, shape (n_words,)."""
        return np.bincount(self.counts.indices, minlength=len(self.words))


def count_words(texts: Iterable[str]) -> WordCounts:
    """Count the words of texts; see `features_of` for what a word is."""
    vocabulary: defaultdict[str, int] = defaultdict()
    vocabulary.default_factory = vocabulary.__len__
    found, start = array("i"), array("q", [0])
    for text in texts:
        found.extend(map(vocabulary.__getitem__, features_of(text)))
        start.append(len(found))
    vocabulary.default_factory = None  # a reference to itself, by which it would outlive this call
    words = sorted(vocabulary)
    place = np.empty(len(words), np.int32)
    place[np.fromiter(map(vocabulary.__getitem__, words), np.int64, len(words))] = np.arange(len(words))
    columns = place[np.frombuffer(found, np.int32)] if found else np.empty(0, np.int32)
    ones = np.ones(len(columns), np.int32)
    counts = sparse.csr_matrix((ones, columns, np.frombuffer(start, np.int64)), shape=(len(start) - 1, len(words)))
    counts.sum_duplicates()
    return WordCounts(pa.array(words, pa.string()), counts)


def merge_vocabularies(
    parts: Sequence[tuple[pa.StringArray, NDArray[Any]]], n_texts: int
) -> tuple[list[NDArray[np.int32]], NDArray[np.float64]]:
    """Return the column of each word of every part, and the weight of each column.

    Parameters
    ----------
    parts
        Words of each part, and how many of its texts have each.
    n_texts
        Of all parts.

    Returns
    -------
    tuple
        An array a part, shape (n_words of the part,), ascending where the words ascend; and the weights, shape
        (n_columns,), 1 + ln((1 + n_texts) / (1 + n_texts_with)). Columns are in the order of the words.
    """
    words = pa.chunked_array([part for part, _ in parts], pa.string()).dictionary_encode().unify_dictionaries()
    chunks = words.chunks or [pa.array([], words.type)]  # Arrow drops those without a word
    by_word = pc.array_sort_indices(chunks[0].dictionary).to_numpy()
    column = np.empty(len(by_word), np.int32)
    column[by_word] = np.arange(len(by_word))
    every = np.concatenate([column[chunk.indices.to_numpy()] for chunk in chunks])
    ends = np.cumsum([0, *(len(part) for part, _ in parts)]).tolist()
    columns = [every[begin:end] for begin, end in pairwise(ends)]
    n_texts_with = np.zeros(len(by_word), np.int64)
    for place, (_, counts) in zip(columns, parts, strict=True):
        n_texts_with[place] += counts  # each word stands in a part once
    return columns, 1 + np.log((1 + n_texts) / (1 + n_texts_with))


def weigh_words(
    counts: sparse.csr_matrix, columns: NDArray[np.int32], weight: NDArray[np.float64]
) -> sparse.csr_matrix:
    """Return the rows (1 + ln count) x weight, scaled to length 1, float32.

    Parameters
    ----------
    counts
        Of a part.
    columns, weight
        Of the part and of all columns, from `merge_vocabularies`.
    """
    place = columns[counts.indices]
    values = (1 + np.log(counts.data)) * weight[place]
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    values /= np.sqrt(np.bincount(row, values * values, counts.shape[0]))[row]
    shape = (counts.shape[0], max(1, len(weight)))
    return sparse.csr_matrix((values.astype(np.float32), place, counts.indptr), shape=shape)


def text_features(texts: Iterable[str]) -> sparse.csr_matrix:
    """Return sublinear TF-IDF, shape (n_texts, n_words), float32, L2-normalised; a text without words is all zero.

    The formula is scikit-learn's (``TfidfVectorizer(sublinear_tf=True)``); columns are in the order of the words.
    """
    part = count_words(texts)
    (columns,), weight = merge_vocabularies([(part.words, part.n_texts_with())], part.counts.shape[0])
    return weigh_words(part.counts, columns, weight)
