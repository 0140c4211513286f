"""Texts as sparse TF-IDF rows of length 1: what neighbours are looked for in.

Texts are counted in parts, each with a vocabulary of its own, which are weighed once all are counted: so several
processes can count and weigh, each text is read once, and no more than a part is at hand at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from evenly.resample.text_runs import find_runs

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


def count_words(texts: pa.Array | Iterable[str]) -> WordCounts:
    """Count the words of texts, an array of strings or an iterable of `str`; see `features_of` for what a word is."""
    from evenly.resample.kernels_words import count_columns

    runs = find_runs(texts)
    distinct = runs.words.dictionary_encode()
    by_word = pc.array_sort_indices(distinct.dictionary)
    place = np.empty(len(by_word), np.int32)
    place[by_word.to_numpy()] = np.arange(len(by_word), dtype=np.int32)
    columns, ends = runs.expand(place[distinct.indices.to_numpy()])
    starts, indices, counts = count_columns(columns, ends, len(place))
    matrix = sparse.csr_matrix((counts, indices, starts), shape=(len(ends) - 1, len(place)))
    return WordCounts(distinct.dictionary.take(by_word), matrix)


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
    from evenly.resample.kernels_words import weigh_counts

    of_count = 1 + np.log(np.arange(1, int(counts.data.max(initial=1)) + 1))
    of_count = np.concatenate([[0.0], of_count])
    given = (counts.indptr.astype(np.int64, copy=False), counts.indices, counts.data)
    place, values = weigh_counts(*given, columns, weight, of_count)
    return sparse.csr_matrix((values, place, counts.indptr), shape=(counts.shape[0], max(1, len(weight))))


def text_features(texts: Iterable[str]) -> sparse.csr_matrix:
    """Return sublinear TF-IDF, shape (n_texts, n_words), float32, L2-normalised; a text without words is all zero.

    The formula is scikit-learn's (``TfidfVectorizer(sublinear_tf=True)``); columns are in the order of the words.
    """
    part = count_words(texts)
    (columns,), weight = merge_vocabularies([(part.words, part.n_texts_with())], part.counts.shape[0])
    return weigh_words(part.counts, columns, weight)
