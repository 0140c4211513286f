"""Near-duplicates: clusters of texts most of whose words are the same, without comparing every pair.

Comes in: texts, or the keys and words of rows. Goes out: for every row the lowest row of its cluster. Rows that share a
key (`evenly.inspect.banding`) are compared by their words, so that no pair is joined that is not as near as asked
for; a cluster is what a chain of near pairs joins. A row is compared with at most 64 others a key, so that a table
full of boilerplate takes no longer than another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.inspect.banding import choose_banding
from evenly.inspect.duplicates import as_arrow, cut_batches, first_rows, hash_texts
from evenly.inspect.folding import TextFolder
from evenly.inspect.word_sets import WordReader, join_sets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from evenly.inspect.word_sets import WordSets

__all__ = ["cluster_rows", "link_band", "near_duplicates", "rows_to_compare"]


def near_duplicates(
    texts: Sequence[str | None] | pa.Array | pa.ChunkedArray, threshold: float = 0.8
) -> NDArray[np.int64]:
    """Return the lowest row of the cluster of near-duplicates of every text, shape (n_texts,), int64.

    Two texts are near when the Jaccard similarity of their words (`evenly.inspect.text_words`) reaches the threshold,
    or when they are the same (`same_texts`); a cluster is what chains of near texts join. Banding may miss a pair
    just above the threshold (1.5 % of those at 0.8 exactly; `evenly.inspect.banding`), but joins none below it.

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
    >>> near_duplicates(["We won the cup!", "Cup day", "we won the cup", "we won a cup"]).tolist()
    [0, 1, 0, 3]
    """
    banding = choose_banding(threshold)
    folder, reader = TextFolder(), WordReader()
    hashes, keys, sets = [np.empty((0, 2), np.uint64)], [np.empty((banding.n_bands, 0), np.uint32)], []
    for batch in cut_batches(as_arrow(texts)):
        folded = folder.fold(batch)
        sets.append(reader.read([folded]))
        hashes.append(hash_texts(folded))
        keys.append(banding.keys(sets[-1]))
    same, all_keys, all_sets = first_rows(np.concatenate(hashes)), np.hstack(keys), join_sets(sets)
    rows = rows_to_compare(same, np.diff(all_sets.ends))
    pairs = [link_band(band, rows, all_sets, threshold) for band in all_keys]
    return cluster_rows(same, pairs)


def rows_to_compare(same: NDArray[np.int64], n_words: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows that are the first of their text and have a word, ascending."""
    return np.flatnonzero((same == np.arange(len(same))) & (n_words > 0))


def link_band(keys: NDArray[np.uint32], rows: NDArray[np.int64], sets: WordSets, threshold: float) -> NDArray[np.int64]:
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
    with_last = np.zeros(len(packed) + 1, np.bool_)
    with_last[1:-1] = np.diff(packed >> np.uint64(32)) == 0
    shared = packed[with_last[:-1] | with_last[1:]]
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
