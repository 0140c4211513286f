"""Exact duplicates: which rows have the same text.

Comes in: folded texts. Goes out: a hash of 128 bits a text, and for every row the lowest row with the same hash. Two
different texts among n share a hash with a probability of about n^2 / 2^129: 1.5e-27 for a million different ones
(not so for texts that somebody made to collide, which costs them no more than a wrong "same").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from evenly.inspect.folding import FoldedTexts, TextFolder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["BATCH_ROWS", "as_arrow", "cut_batches", "first_rows", "hash_texts", "join_hashes", "same_texts"]

BATCH_ROWS = 4_096
_SEED = 0x65766E


def same_texts(texts: Sequence[str | None] | pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
    """Return the lowest row with the same text, shape (n_texts,), int64.

    Two texts are the same when they agree after Unicode NFKC, case folding, and with every run of white space as
    one space. None is the empty text.

    Parameters
    ----------
    texts
        Shape (n_texts,): strings, or an Arrow array of them.

    Examples
    --------
    >>> same_texts(["Win a prize", "Hello", "win  a PRIZE "]).tolist()
    [0, 1, 0]
    """
    folder = TextFolder()
    hashes = [hash_texts(folder.fold(batch)) for batch in cut_batches(as_arrow(texts))]
    return first_rows(np.concatenate([np.empty((0, 2), np.uint64), *hashes]))


def as_arrow(texts: Sequence[str | None] | pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts as a chunked Arrow array."""
    if isinstance(texts, pa.ChunkedArray):
        return texts
    return pa.chunked_array([texts if isinstance(texts, pa.Array) else pa.array(texts, pa.large_string())])


def cut_batches(texts: pa.ChunkedArray) -> Iterator[pa.Array]:
    """Yield a chunked array in pieces of at most `BATCH_ROWS` rows, without copying."""
    for chunk in texts.chunks:
        for start in range(0, len(chunk), BATCH_ROWS):
            yield chunk[start : start + BATCH_ROWS]


def hash_texts(texts: FoldedTexts, seed: int = _SEED) -> NDArray[np.uint64]:
    """Return the hash of every text, shape (n_texts, 2), uint64: MurmurHash3_x64_128 of its bytes."""
    from evenly.inspect.fold_kernels import hash_rows

    hashes = np.empty((len(texts.starts), 2), np.uint64)
    hash_rows(texts.blocks, texts.starts, texts.lengths, seed, hashes)
    return hashes


def join_hashes(hashes: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """Return one hash for the texts of several columns, shape (n_rows, 2): the hash of their hashes."""
    if len(hashes) == 1:
        return hashes[0]
    blocks = np.hstack(hashes)
    starts = np.arange(len(blocks)) * blocks[:1].nbytes
    lengths = np.full(len(blocks), blocks[:1].nbytes)
    return hash_texts(FoldedTexts(blocks.ravel(), starts, lengths, lengths, lengths))


def first_rows(hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the lowest row with the same hash, shape (n_rows,), int64.

    Parameters
    ----------
    hashes
        Shape (n_rows, 2), uint64. The pair (0, 0) is the same as nothing but itself in its own row.
    """
    from evenly.inspect.fold_kernels import first_equal_rows

    first: NDArray[np.int64] = first_equal_rows(hashes)
    return first
