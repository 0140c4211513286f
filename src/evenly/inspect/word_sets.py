"""The words of texts as sets of numbers, by the batch.

Comes in: folded texts. Goes out: the distinct words of every row, each known by 32 bits of its hash. Two texts of 100
words each have two different words with the same bits with a probability of about 2e-6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.inspect.words import kind_of_character

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from evenly.inspect.folding import FoldedTexts

__all__ = ["WordReader", "WordSets", "join_sets"]

_N_CHARACTERS = 0x110000
_FIRST_NOT_ASCII = 128


@dataclass(frozen=True)
class WordSets:
    """The distinct words of rows.

    Attributes
    ----------
    words
        uint32: those of the first row, then those of the second, ...
    ends
        Shape (n_rows + 1,), int64: where the words of each row end, after a first 0.
    """

    words: NDArray[np.uint32]
    ends: NDArray[np.int64]


class WordReader:
    """Reads the words of folded texts, batch after batch, in the same memory."""

    def __init__(self) -> None:
        """Know of no character yet whether it stands in words."""
        self._kinds = np.zeros(_N_CHARACTERS, np.uint8)
        self._room = np.empty(0, np.uint32)

    def read(self, columns: Sequence[FoldedTexts]) -> WordSets:
        """Return the distinct words of every row, over all of its text columns."""
        from evenly.inspect.word_kernels import distinct_words

        given = self._collect(columns[0]) if len(columns) == 1 else self._collect_columns(columns)
        distinct, ends = np.empty(len(given.words), np.uint32), np.empty(len(given.ends), np.int64)
        distinct_words(given.words, given.ends, distinct, ends)
        return WordSets(distinct[: ends[-1]].copy(), ends)

    def _collect_columns(self, columns: Sequence[FoldedTexts]) -> WordSets:
        """Return every word of every row, those of the first column first."""
        read = [(found.words.copy(), np.diff(found.ends)) for found in map(self._collect, columns)]
        row = np.concatenate([np.repeat(np.arange(len(sizes)), sizes) for _, sizes in read])
        words = np.concatenate([of_column for of_column, _ in read])[np.argsort(row, kind="stable")]
        return WordSets(words, np.concatenate([[0], np.cumsum(np.sum([sizes for _, sizes in read], axis=0))]))

    def _collect(self, texts: FoldedTexts) -> WordSets:
        """Return every word of every row, until the next call."""
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


def join_sets(sets: Iterable[WordSets]) -> WordSets:
    """Return the word sets of one batch after the other as those of one table."""
    listed = [WordSets(np.empty(0, np.uint32), np.zeros(1, np.int64)), *sets]
    sizes = np.concatenate([np.diff(one.ends) for one in listed])
    return WordSets(np.concatenate([one.words for one in listed]), np.concatenate([[0], np.cumsum(sizes)]))
