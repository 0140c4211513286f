"""The vectors that an encoder gave of the texts -> features on disk, to look for neighbours in.

A row is the mean of its windows' vectors, scaled to length 1: encoders are compared by the angle between vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.errors import DataError
from evenly.formats import read_embeddings
from evenly.resample.feature_files import write_dense

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.formats import Embeddings
    from evenly.workspace import Workspace

__all__ = ["write_embedding_features"]

ROWS_AT_ONCE = 10_000


def write_embedding_features(work: Workspace, *, embeddings: Path, rows: NDArray[np.int64]) -> Path:
    """Write the vectors of some rows as a dense matrix, float32, and return the folder for `open_features`.

    Parameters
    ----------
    work
        Everything goes to its `scratch`.
    embeddings
        The artifact.
    rows
        Shape (n_rows,): the rows of the table that the features are numbered by, ascending.

    Raises
    ------
    DataError
        A row has no vector.
    """
    held = read_embeddings(embeddings)
    first, stop = (np.searchsorted(held.row, rows, side=side) for side in ("left", "right"))
    if (first == stop).any():
        raise DataError(
            f"Row {rows[np.argmax(first == stop)]} has no vector: the embeddings are not those of this table and split."
        )
    return write_dense(work.scratch / "features", _blocks(held, first, stop), len(rows), held.vectors.shape[1])


def _blocks(held: Embeddings, first: NDArray[np.int64], stop: NDArray[np.int64]) -> Iterator[NDArray[np.float32]]:
    for begin in range(0, len(first), ROWS_AT_ONCE):
        n_windows = (stop - first)[begin : begin + ROWS_AT_ONCE]
        starts = np.cumsum(n_windows) - n_windows
        places = np.arange(n_windows.sum()) + np.repeat(first[begin : begin + ROWS_AT_ONCE] - starts, n_windows)
        sums = np.add.reduceat(
            held.vectors[held.vector[places]], starts, axis=0
        )  # the length is made 1: no mean needed
        length = np.sqrt(np.square(sums).sum(axis=1, keepdims=True))
        yield sums / np.maximum(length, np.finfo(np.float32).tiny)
