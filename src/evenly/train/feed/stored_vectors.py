"""The vectors of stored rows: what a model reads in place of token ids where an encoder has read them before.

Comes in: `embeddings` artifacts (of a table, and of the synthetic rows of a plan) and the numbers of the stored rows.
Goes out: rows of a matrix for any of them, read through the page cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.errors import DataError
from evenly.formats import read_embeddings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.train.feed.parts import Empty

__all__ = ["StoredVectors", "open_vectors"]


@dataclass(frozen=True)
class StoredVectors:
    """Where the vector of each stored row lies.

    Attributes
    ----------
    sources
        Matrices, each of shape (n, n_features), float32, mapped.
    source, vector
        Shape (n_stored,), int8 and int64: which matrix, and which row of it.
    """

    sources: tuple[NDArray[np.float32], ...]
    source: NDArray[np.int8]
    vector: NDArray[np.int64]

    @property
    def n_features(self) -> int:
        """Numbers a vector."""
        return int(self.sources[0].shape[1])

    def fill(self, stored: NDArray[np.int32], empty: Empty = np.empty) -> NDArray[np.float32]:
        """Return the vectors of some stored rows, shape (n, n_features), float32, in memory that `empty` gives."""
        out: NDArray[np.float32] = empty((len(stored), self.n_features), np.float32)
        source, vector = self.source[stored], self.vector[stored]
        for number, vectors in enumerate(self.sources):
            here = source == number
            if here.all():
                vectors.take(vector, axis=0, out=out, mode="clip")
            elif here.any():
                out[here] = vectors[vector[here]]
        return out


def open_vectors(embeddings: Sequence[Path], row: NDArray[np.int64]) -> StoredVectors:
    """Open the vectors of stored rows.

    Parameters
    ----------
    embeddings
        Artifacts: of the table's shards, and of the synthetic ones.
    row
        Shape (n_stored,), int64, ascending: the rows, as `evenly.train.feed.shards.ShardIndex` has them.

    Raises
    ------
    DataError
        A row has no vector: these are not the embeddings of these shards.
    """
    held = [read_embeddings(path) for path in embeddings]
    window = np.arange(len(row)) - np.searchsorted(row, row)
    source, vector = np.full(len(row), -1, np.int8), np.zeros(len(row), np.int64)
    for number, each in enumerate(held):
        place = np.searchsorted(each.row, row) + window
        found = place < len(each.row)
        found[found] = each.row[place[found]] == row[found]
        source[found], vector[found] = number, each.vector[place[found]]
    if (source < 0).any():
        raise DataError(
            f"Row {row[np.argmax(source < 0)]} has no vector: the embeddings are not those of the shards. Give the "
            f"artifacts of one run."
        )
    return StoredVectors(tuple(each.vectors for each in held), source, vector)
