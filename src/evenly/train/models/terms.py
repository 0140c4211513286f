"""The terms of a table: which words of token ids count, and how much.

In: the token ids of the train split, and the pieces of the tokenizer. Out: tables that turn ids into terms, small
enough to be weights of a model, so that a saved model needs nothing else.

A word of several pieces is one term (a hash of them, in one of `N_BUCKETS`), a word of one piece is its id: pieces of
rare words, counted alone, are noise (18 points of macro-F1 on trec1000, one run). As in scikit-learn's TF-IDF, which
the baseline uses, a term must be in two train rows, and its idf is ``ln((1 + n_rows) / (1 + n_rows_with_it)) + 1``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.train.feed.shards import ShardIndex

__all__ = ["N_BUCKETS", "WORD_PIECES", "Pieces", "Terms", "chunk_ids", "learn_terms", "read_pieces"]

WORD_PIECES = 8
"""Pieces of a word that are looked at."""
N_BUCKETS = 1 << 18
_CODE_BITS = 20  # hashes stay below 2**26: 32-bit integers hold them, without overflow
_MIN_ROWS = 2
_MARKS = ("\u0120", "\u2581")  # what byte-level BPE and SentencePiece write before a word
_CHUNK_ROWS = 20_000


@dataclass(frozen=True)
class Pieces:
    """What an id is within a word; each of shape (n_ids,).

    Attributes
    ----------
    joined
        bool: goes on with the word of the id before it.
    special
        bool: stands for no text, such as [CLS].
    spelling
        The characters of each id, without marks of words, "" for special ones; empty where they are not known.
    """

    joined: NDArray[np.bool_]
    special: NDArray[np.bool_]
    spelling: tuple[str, ...] = ()

    @property
    def code(self) -> NDArray[np.int32]:
        """A number for every id, to make hashes of; the same for every tokenizer."""
        return np.random.default_rng(0).integers(1, 1 << _CODE_BITS, len(self.joined), dtype=np.int32)


@dataclass(frozen=True)
class Terms:
    """The terms that a model knows, numbered from 1; 0 is none.

    Attributes
    ----------
    pieces
        Of the tokenizer.
    term
        Shape (n_ids + N_BUCKETS,), int32: the term of an id that is a word, then that of a hash.
    idf
        Shape (n_terms + 1,), float32; 0 for none.
    """

    pieces: Pieces
    term: NDArray[np.int32]
    idf: NDArray[np.float32]


def read_pieces(tokenizer: Path, n_ids: int) -> Pieces:
    """Read ``tokenizer.json``; where there is none, or it marks no words, every id is a word of its own."""
    joined, special = np.zeros(n_ids, bool), np.zeros(n_ids, bool)
    path = tokenizer / "tokenizer.json"
    if not path.is_file():
        return Pieces(joined, special)
    content = json.loads(path.read_text(encoding="utf-8"))
    for token in content.get("added_tokens", ()):
        special[token["id"]] = token["special"]
    vocabulary = _vocabulary(content["model"])
    marked = any(token.startswith(_MARKS) for token in vocabulary)
    prefix = content["model"].get("continuing_subword_prefix")
    spelling = [""] * n_ids
    for token, number in vocabulary.items():
        if prefix:
            joined[number] = token.startswith(prefix)
        elif marked:
            joined[number] = token[:1].isalnum() and not token.startswith(_MARKS)
        if not special[number]:
            spelling[number] = token.removeprefix(prefix) if prefix else token.lstrip("".join(_MARKS))
    return Pieces(joined & ~special, special, tuple(spelling))


def _vocabulary(model: dict[str, Any]) -> dict[str, int]:
    vocabulary = model.get("vocab", {})
    if isinstance(vocabulary, dict):
        return vocabulary
    return {token: number for number, (token, _) in enumerate(vocabulary)}


def learn_terms(index: ShardIndex, pieces: Pieces, *, max_terms: int) -> Terms:
    """Count in how many rows each word is and keep the `max_terms` most frequent of those in two rows or more.

    Parameters
    ----------
    index
        The train rows of the table, without copies and synthetic ones.
    pieces
        Of the tokenizer that made the ids.
    max_terms
        At most so many; of equals those with the lower id.
    """
    n_ids = len(pieces.joined)
    rows_with = np.zeros(n_ids + N_BUCKETS, np.int64)
    for ids, starts in chunk_ids(index):
        word, feature = _words(ids, starts, pieces)
        row = np.searchsorted(starts, word, side="right")
        rows_with += np.bincount(np.unique(row * len(rows_with) + feature) % len(rows_with), minlength=len(rows_with))
    rows_with[:n_ids][pieces.special] = 0
    by_count = np.argsort(-rows_with, kind="stable")[:max_terms]
    kept = np.sort(by_count[rows_with[by_count] >= _MIN_ROWS])
    term = np.zeros(len(rows_with), np.int32)
    term[kept] = np.arange(1, len(kept) + 1)
    idf = np.log((1 + len(index.row)) / (1 + rows_with[kept])) + 1
    return Terms(pieces, term, np.concatenate([[0.0], idf]).astype(np.float32))


def chunk_ids(index: ShardIndex, n_rows: int = _CHUNK_ROWS) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the ids of `n_rows` rows, one after the other, and where each row begins."""
    for column in index.columns:
        for first in range(0, len(index.row), n_rows):
            chunk = slice(first, first + n_rows)
            length = column.length[chunk].astype(np.int64)
            starts = np.cumsum(length) - length
            place = np.arange(length.sum()) + np.repeat(column.start[chunk] - starts, length)
            yield column.memory[place].astype(np.int64), starts


def _words(
    ids: NDArray[np.int64], starts: NDArray[np.int64], pieces: Pieces
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where words begin, and what they are: an id, or n_ids + the hash of their pieces."""
    joined = pieces.joined[ids]
    joined[starts[starts < len(ids)]] = False
    code = pieces.code[ids].astype(np.int64)
    total, going_on = code.copy(), np.ones(len(ids), bool)
    for k in range(1, WORD_PIECES):
        going_on[:-k] &= joined[k:]
        going_on[-k:] = False
        total[:-k] += np.where(going_on[:-k], (k + 1) * code[k:], 0)
    several = np.append(joined[1:], False)
    feature = np.where(several, len(pieces.joined) + total % N_BUCKETS, ids)
    word = np.flatnonzero(~joined)
    return word, feature[word]
