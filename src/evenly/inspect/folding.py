"""When two texts are the same, and texts folded by the batch so that this can be seen.

Comes in: an Arrow array of texts. Goes out: their folded bytes, one after the other, with lengths in characters and
words, without a Python object a row. `fold_text` is the definition. Almost every character folds by itself: what it
becomes is looked up once and kept. The exceptions (combining marks, Hangul letters that join into syllables) send
their row through `fold_text`.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["FoldedTexts", "TextFolder", "fold_text"]

_N_CHARACTERS = 0x110000
_FIRST_NOT_ASCII = 128
_BLOCK = 16
_EASY, _HARD = 1, 2
_JAMO = range(0x1100, 0x1200)
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)  # marks that join with nothing; emoji are full of them


def fold_text(text: str) -> str:
    r"""Return the text under which it is compared: NFKC, case folded, white space folded.

    Examples
    --------
    >>> fold_text("  Straße\tNo 1 ") == fold_text("STRASSE no 1")
    True
    """
    if text.isascii():
        return " ".join(text.lower().split())
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.split())


class _Characters:
    """What single characters become when they are folded; learnt as they are met.

    Attributes
    ----------
    known
        Shape (0x110000,), uint8: 0 not met yet, 1 folds by itself, 2 depends on its neighbours.
    start, length, pool
        Where the folded character lies, int32 and uint8, and the UTF-8 bytes of all of them.
    growth
        The most by which a character grows, in bytes.
    """

    def __init__(self) -> None:
        """Know nothing yet; the tables take memory only where characters are met."""
        self.known = np.zeros(_N_CHARACTERS, np.uint8)
        self.start = np.zeros(_N_CHARACTERS, np.int32)
        self.length = np.zeros(_N_CHARACTERS, np.uint8)
        self.pool = np.empty(0, np.uint8)
        self.growth = 1

    def learn(self, points: Iterable[int]) -> None:
        """Look up what characters become."""
        fresh = bytearray()
        for point in points:
            folded = _fold_alone(chr(point))
            if folded is None:
                self.known[point] = _HARD
                continue
            encoded = folded.encode()
            self.known[point] = _EASY
            self.start[point], self.length[point] = len(self.pool) + len(fresh), len(encoded)
            self.growth = max(self.growth, -(-len(encoded) // len(chr(point).encode())))
            fresh += encoded
        self.pool = np.concatenate([self.pool, np.frombuffer(bytes(fresh), np.uint8)])


def _fold_alone(character: str) -> str | None:
    """Return what a character becomes whatever stands beside it; None where that depends.

    NFKC joins or reorders only combining marks and Hangul letters; case folding looks at single characters.
    """
    composed = unicodedata.normalize("NFKC", character)
    folded = unicodedata.normalize("NFKC", composed.casefold())
    if any(_may_join(one) for one in composed + folded):
        return None
    return "".join(" " if one.isspace() else one for one in folded)


def _may_join(character: str) -> bool:
    if ord(character) in _VARIATION_SELECTORS:
        return False
    return ord(character) in _JAMO or unicodedata.category(character).startswith("M")


@dataclass(frozen=True)
class FoldedTexts:
    """Folded texts, one after the other.

    Attributes
    ----------
    blocks
        uint64: their UTF-8 bytes; each text starts at a multiple of 16 bytes and is padded with zeros.
    starts, lengths
        Shape (n_texts,), int64: first byte and number of bytes.
    characters, words
        Shape (n_texts,), int64: characters of the text as given, words of the folded text.
    """

    blocks: NDArray[np.uint64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    characters: NDArray[np.int64]
    words: NDArray[np.int64]


class TextFolder:
    """Folds and packs Arrow arrays of texts, batch after batch, in the same memory.

    Fresh memory for each batch costs more than the folding: the system hands it out page by page.
    """

    def __init__(self) -> None:
        """Nothing is known of characters yet, and no memory taken."""
        self._characters = _Characters()
        self._room = np.empty(0, np.uint64)

    def fold(self, texts: pa.Array) -> FoldedTexts:
        """Fold texts; null is the empty text. What is returned holds until the next call.

        Parameters
        ----------
        texts
            Shape (n_texts,), string or large_string.
        """
        from evenly.inspect.fold_kernels import fold_rows

        data, offsets = _buffers(texts)
        hard = self._find_hard(data, offsets)
        which = np.full(len(texts), -1, np.int64)
        which[hard] = np.arange(len(hard))
        folded = [fold_text(text) for text in texts.take(pa.array(hard)).to_pylist()]
        hard_data, hard_offsets = _buffers(pa.array(folded, pa.large_string()))
        known = self._characters
        blocks = self._take_room(len(data) * known.growth + len(hard_data), len(texts))
        rows = np.empty((4, len(texts)), np.int64)
        tables = (known.start, known.length, known.pool)
        fold_rows(data, offsets, which, hard_data, hard_offsets, *tables, blocks.view(np.uint8), rows)
        return FoldedTexts(blocks, *rows)

    def pack(self, texts: pa.Array) -> FoldedTexts:
        """Lay out texts as `fold` does, but as they are; `characters` and `words` are not counted."""
        from evenly.inspect.fold_kernels import copy_rows

        data, offsets = _buffers(texts)
        blocks = self._take_room(len(data), len(texts))
        rows = np.zeros((4, len(texts)), np.int64)
        copy_rows(data, offsets, blocks.view(np.uint8), rows)
        return FoldedTexts(blocks, *rows)

    def _find_hard(self, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows that cannot be folded character by character, learning the characters that are new."""
        from evenly.inspect.fold_kernels import find_hard_rows, find_new_characters

        if len(data) == 0 or data.max() < _FIRST_NOT_ASCII:
            return np.empty(0, np.int64)
        known = self._characters
        known.learn(find_new_characters(data, known.known))
        return np.flatnonzero(find_hard_rows(data, offsets, known.known))

    def _take_room(self, n_bytes: int, n_rows: int) -> NDArray[np.uint64]:
        size = (n_bytes + _BLOCK * (n_rows + 1)) // 8
        if len(self._room) < size:
            self._room = np.empty(size, np.uint64)
        return self._room


def _buffers(texts: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return bytes and offsets of an Arrow array without copying the bytes, both read-only."""
    filled = pc.fill_null(texts, "") if texts.null_count else texts
    large = filled.cast(pa.large_string())
    _, positions, values = large.buffers()
    offsets = np.frombuffer(positions, np.int64)[large.offset : large.offset + len(large) + 1]
    data = np.frombuffer(values or b"", np.uint8)[: offsets[-1]]
    return _frozen(data[offsets[0] :]), _frozen(offsets - offsets[0])


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Make an array read-only: to numba that is another type, and one is enough."""
    array.flags.writeable = False
    return array
