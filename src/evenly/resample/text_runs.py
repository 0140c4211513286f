"""Texts as runs of word characters, each with a number: what words are counted by.

Compiled loops find the runs; Python is asked for the words of those that are long or hold more than ASCII, once for
each distinct one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from evenly.resample.units import features_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from evenly.resample.kernels_words import Known

__all__ = ["Runs", "bytes_of", "find_runs"]

ROOM = 1 << 16  # distinct runs, to begin with


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs of texts, and the words that they hold.

    Attributes
    ----------
    numbers
        Shape (n_found,), int32: the number of each run, text after text.
    ends
        Shape (n_texts + 1,), int64: where those of each text end, after a first 0.
    words
        Of all distinct runs; a word may be there more than once.
    first, n_words
        Shape (n_distinct,), int64: where the words of each run are, and how many.
    """

    numbers: NDArray[np.int32]
    ends: NDArray[np.int64]
    words: pa.StringArray
    first: NDArray[np.int64]
    n_words: NDArray[np.int64]

    def expand(self, column: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return the columns of all words of the texts, and where those of each text end; `column` is by word."""
        if (self.n_words == 1).all():
            return column[self.first][self.numbers], self.ends
        sizes = self.n_words[self.numbers]
        after = np.concatenate([[0], np.cumsum(sizes)])
        within = np.arange(after[-1]) - np.repeat(after[:-1], sizes)
        return column[np.repeat(self.first[self.numbers], sizes) + within], after[self.ends]


def find_runs(texts: pa.Array | Iterable[str]) -> Runs:
    """Return the runs of texts: of an array of strings, or of an iterable of `str`."""
    from evenly.resample.kernels_words import cut_runs

    data, offsets = bytes_of(texts)
    n_texts = len(offsets) - 1
    numbers = np.empty((offsets[-1] - offsets[0] + n_texts) // 2 + 1, np.int32)
    ends = np.zeros(n_texts + 1, np.int64)
    known = _make_room(None, 0, ROOM)
    text = n = 0
    while True:
        text, n = cut_runs(data, offsets, text, known, n, numbers, ends)
        if text == n_texts:
            return Runs(numbers[: ends[-1]], ends, *_words_of(data, known, n))
        known = _make_room(known, n, 2 * max(len(known.keys), int(offsets[text + 1] - offsets[text])))


def _make_room(known: Known | None, n: int, room: int) -> Known:
    """Return the first `n` runs with room for more."""
    from evenly.resample.kernels_words import Known, put_runs

    kinds = (np.uint64, np.int64, np.int64, np.bool_)
    fields: list[Any] = [np.empty(room, kind) for kind in kinds]
    if known is not None:
        filled: tuple[Any, ...] = known
        for old, new in zip(filled, fields, strict=False):
            new[:n] = old[:n]
    n_slots = 2 << (room - 1).bit_length()
    keys, start, size, is_odd = fields
    slots, held = np.empty(n_slots, np.int32), np.empty(n_slots, np.uint64)
    put_runs(keys[:n], slots, held)
    return Known(keys, start, size, is_odd, slots, held)


def bytes_of(texts: pa.Array | Iterable[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the UTF-8 of the texts, one after the other, and where each begins, with the end."""
    if not isinstance(texts, pa.Array):  # half a surrogate pair belongs to no word, nor does what takes its place
        texts = pa.array([text.encode("utf-8", "replace") for text in texts], pa.large_binary())
    kind = np.int64 if texts.type in {pa.large_string(), pa.large_binary()} else np.int32
    _, offsets, data = texts.buffers()
    if data is None:  # no text has a byte
        return np.empty(0, np.uint8), np.zeros(len(texts) + 1, np.int64)
    begins = np.frombuffer(offsets, kind)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(data, np.uint8), begins.astype(np.int64)


def _words_of(
    data: NDArray[np.uint8], known: Known, n: int
) -> tuple[pa.StringArray, NDArray[np.int64], NDArray[np.int64]]:
    """Return the words of the distinct runs, plain ones first, where each run's begin, and how many it has."""
    from evenly.resample.kernels_words import fold_runs

    start, size, is_odd = known.start[:n], known.size[:n], known.is_odd[:n]
    offsets = np.concatenate([[0], np.cumsum(size[~is_odd])]).astype(np.int32)
    folded = fold_runs(data, start[~is_odd], offsets)
    plain = pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(folded))
    spans = zip(start[is_odd].tolist(), size[is_odd].tolist(), strict=True)
    odd = [features_of(data[begin : begin + length].tobytes().decode()) for begin, length in spans]
    n_words = np.ones(n, np.int64)
    n_words[is_odd] = [len(held) for held in odd]
    first = np.empty(n, np.int64)
    order = np.argsort(is_odd, kind="stable")
    first[order] = np.cumsum(n_words[order]) - n_words[order]
    return pa.concat_arrays([plain, pa.array([word for held in odd for word in held], pa.string())]), first, n_words
