"""Near-duplicates: clusters of texts most of whose words are the same, without comparing every pair.

Comes in: folded texts. Goes out: for every row the lowest row of its cluster. MinHash with 128 hashes in bands finds
pairs that may be near; each is then compared by its words, so that no pair is joined that is not as near as asked
for. A cluster is what a chain of near pairs joins. What banding misses: a pair of similarity s stands in no common
bucket with a probability of (1 - s^r)^b for b bands of r; r is the largest with which that is under 3 % for s at the
threshold itself, and it falls steeply above (threshold 0.8: 18 bands of 7; 1.5 % at .80, 0.05 % at .88).

References: A. Z. Broder, On the resemblance and containment of documents, SEQUENCES 1997 (MinHash); J. Leskovec,
A. Rajaraman, J. D. Ullman, Mining of Massive Datasets, 3.4 (banding).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.errors import ConfigError
from evenly.inspect.duplicates import as_arrow, cut_batches, first_rows, hash_texts
from evenly.inspect.folding import FoldedTexts, TextFolder
from evenly.inspect.words import kind_of_character

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = [
    "Banding",
    "WordReader",
    "WordSets",
    "choose_banding",
    "cluster_rows",
    "join_rows",
    "link_band",
    "near_duplicates",
    "rows_to_compare",
]

N_HASHES = 128
_MOST_MISSED = 0.03
_SEED = 0x6E656172
_N_CHARACTERS = 0x110000
_FIRST_NOT_ASCII = 128


@dataclass(frozen=True)
class WordSets:
    """The distinct words of rows, each known by 32 bits of its hash.

    Two words of two texts of 100 words each share their bits with a probability of about 2e-6.

    Attributes
    ----------
    words
        uint32: those of the first row, then those of the second, ...
    ends
        Shape (n_rows + 1,), int64: where the words of each row end, after a first 0.
    """

    words: NDArray[np.uint32]
    ends: NDArray[np.int64]


@dataclass(frozen=True)
class Banding:
    """How a signature is cut: `n_bands` keys of `n_rows` hashes each; `factors` and `addends` of the hashes."""

    n_bands: int
    n_rows: int
    factors: NDArray[np.uint32]
    addends: NDArray[np.uint32]

    def keys(self, sets: WordSets) -> NDArray[np.uint32]:
        """Return the key of every row in every band, shape (n_bands, n_rows), uint32."""
        from evenly.inspect.word_kernels import sign_sets

        keys = np.empty((self.n_bands, len(sets.ends) - 1), np.uint32)
        sign_sets(sets.words, sets.ends, self.factors, self.addends, self.n_rows, keys)
        return keys


def choose_banding(threshold: float) -> Banding:
    """Return the banding for a Jaccard similarity: the longest keys that miss under 3 % of the pairs just at it.

    Raises
    ------
    ConfigError
        `threshold` is not between 0.3 and 1.
    """
    if not 0.3 <= threshold < 1:  # noqa: PLR2004 - below, 128 hashes tell nothing apart
        raise ConfigError(f"threshold is {threshold}, expected a Jaccard similarity of at least 0.3 and below 1.")
    n_rows = max(
        rows for rows in range(1, N_HASHES + 1) if rows == 1 or _share_missed(threshold, rows) < _MOST_MISSED
    )
    n_bands = N_HASHES // n_rows
    rng = np.random.default_rng(_SEED)
    factors = rng.integers(0, 2**32, N_HASHES, np.uint32) | np.uint32(1)
    addends = rng.integers(0, 2**32, N_HASHES, np.uint32)
    return Banding(n_bands, n_rows, factors[: n_bands * n_rows], addends[: n_bands * n_rows])


def _share_missed(similarity: float, n_rows: int) -> float:
    missed: float = (1 - similarity**n_rows) ** (N_HASHES // n_rows)
    return missed


class WordReader:
    """Reads the words of folded texts, batch after batch, in the same memory."""

    def __init__(self) -> None:
        """Know of no character yet whether it stands in words."""
        self._kinds = np.zeros(_N_CHARACTERS, np.uint8)
        self._room = np.empty(0, np.uint32)

    def read(self, columns: Sequence[FoldedTexts]) -> WordSets:
        """Return the distinct words of every row, over all of its text columns."""
        from evenly.inspect.word_kernels import distinct_words

        sets = [self._collect(texts) for texts in columns]
        given = sets[0] if len(sets) == 1 else _join_columns(sets)
        distinct, ends = np.empty(len(given.words), np.uint32), np.empty(len(given.ends), np.int64)
        distinct_words(given.words, given.ends, distinct, ends)
        return WordSets(distinct[: ends[-1]].copy(), ends)

    def _collect(self, texts: FoldedTexts) -> WordSets:
        """Return every word of every row; held until the next call where there is one column."""
        from evenly.inspect.word_kernels import collect_words

        n_rows = len(texts.starts)
        data = texts.blocks.view(np.uint8)[: texts.starts[-1] + texts.lengths[-1] if n_rows else 0]
        self._learn(data)
        n_most = int(texts.lengths.sum()) // 2 + n_rows
        if len(self._room) < n_most:
            self._room = np.empty(n_most, np.uint32)
        ends = np.empty(n_rows + 1, np.int64)
        collect_words(texts.blocks, data, texts.starts, texts.lengths, self._kinds, self._room, ends)
        return WordSets(self._room[: ends[-1]], ends)

    def _learn(self, data: NDArray[np.uint8]) -> None:
        from evenly.inspect.fold_kernels import find_new_characters

        if len(data) and data.max() >= _FIRST_NOT_ASCII:
            for point in find_new_characters(data, self._kinds):
                self._kinds[point] = kind_of_character(chr(point))


def _join_columns(columns: Sequence[WordSets]) -> WordSets:
    """Return the words of all columns, row by row."""
    counts = [np.diff(column.ends) for column in columns]
    row = np.concatenate([np.repeat(np.arange(len(count)), count) for count in counts])
    words = np.concatenate([column.words for column in columns])[np.argsort(row, kind="stable")]
    return WordSets(words, np.concatenate([[0], np.cumsum(sum(counts))]))


def near_duplicates(
    texts: Sequence[str | None] | pa.Array | pa.ChunkedArray, threshold: float = 0.8
) -> NDArray[np.int64]:
    """Return the lowest row of the cluster of near-duplicates of every text, shape (n_texts,), int64.

    Two texts are near when the Jaccard similarity of their words (`evenly.inspect.text_words`) reaches the threshold,
    or when they are the same (`same_texts`); a cluster is what chains of near texts join. Banding may miss a pair
    just above the threshold (see `evenly.inspect.near_duplicates`), but joins none below it.

    Parameters
    ----------
    texts
        Shape (n_texts,): strings, or an Arrow array of them.
    threshold
        Jaccard similarity in [0.3, 1).

    Raises
    ------
    ConfigError
        `threshold` is out of range.

    Examples
    --------
    >>> near_duplicates(["we won the cup on sunday", "Cup day", "We won the cup on sunday!!", "on sunday we won the cups"])
    array([0, 1, 0, 3])
    """
    banding = choose_banding(threshold)
    folder, reader = TextFolder(), WordReader()
    hashes, keys, sets = [np.empty((0, 2), np.uint64)], [np.empty((banding.n_bands, 0), np.uint32)], []
    for batch in cut_batches(as_arrow(texts)):
        folded = folder.fold(batch)
        sets.append(reader.read([folded]))
        hashes.append(hash_texts(folded))
        keys.append(banding.keys(sets[-1]))
    same, all_keys, all_sets = first_rows(np.concatenate(hashes)), np.hstack(keys), join_rows(sets)
    rows = rows_to_compare(same, np.diff(all_sets.ends))
    pairs = [link_band(band, rows, all_sets, threshold) for band in all_keys]
    return cluster_rows(same, pairs)


def join_rows(sets: Iterable[WordSets]) -> WordSets:
    """Return the word sets of one batch after the other as those of one table."""
    listed = [WordSets(np.empty(0, np.uint32), np.zeros(1, np.int64)), *sets]
    sizes = np.concatenate([np.diff(one.ends) for one in listed])
    return WordSets(np.concatenate([one.words for one in listed]), np.concatenate([[0], np.cumsum(sizes)]))


def rows_to_compare(same: NDArray[np.int64], n_words: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows that are the first of their text and have a word, ascending."""
    return np.flatnonzero((same == np.arange(len(same))) & (n_words > 0))


def link_band(
    keys: NDArray[np.uint32], rows: NDArray[np.int64], sets: WordSets, threshold: float
) -> NDArray[np.int64]:
    """Return the pairs of rows that share a key and are near, shape (n_pairs, 2), int64.

    Parameters
    ----------
    keys
        Shape (n_rows,): the key of every row in one band.
    rows
        Which of them to look at.
    sets
        The words of all rows.
    threshold
        Jaccard similarity.
    """
    from evenly.inspect.word_kernels import link_rows

    packed = keys[rows].astype(np.uint64) << np.uint64(32) | rows.astype(np.uint64)
    packed.sort()
    bucket = packed >> np.uint64(32)
    with_next = np.append(bucket[1:] == bucket[:-1], False)
    shared = packed[with_next | np.append(False, with_next[:-1])]
    pairs: NDArray[np.int64] = link_rows(shared, sets.words, sets.ends, threshold)
    return pairs


def cluster_rows(same: NDArray[np.int64], pairs: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the lowest row of the cluster of every row.

    Parameters
    ----------
    same
        Shape (n_rows,): the lowest row with the same text.
    pairs
        Pairs of rows to join.
    """
    from evenly.inspect.word_kernels import find_roots, join_pairs

    lowest = same.copy()
    for some in pairs:
        join_pairs(lowest, some)
    find_roots(lowest)
    return lowest
