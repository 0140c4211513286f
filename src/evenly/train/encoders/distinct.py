"""Which stored rows are the same text: by their token ids, so that each is encoded once.

Comes in: the stored rows of the splits of a folder of shards. Goes out: for each the number of its vector, the vectors
in the order in which they are made: short texts first, so that a batch is padded little and needs little memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from evenly.errors import ConfigError
from evenly.formats import SPLITS
from evenly.train.feed.shards import open_shards

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.train.feed.shards import ShardIndex

__all__ = ["DistinctTexts", "find_distinct"]


@dataclass(frozen=True)
class DistinctTexts:
    """The distinct texts of shards.

    Attributes
    ----------
    indexes
        The stored rows of each split that there is.
    row
        Shape (n_stored,), int64: the row of the table, ascending; a row of several windows is there once a window.
    vector
        Shape (n_stored,), int64: the number of its distinct text.
    split, place
        Shape (n_distinct,), int64: where the ids of each distinct text are: the number of an index, and of a stored
        row in it.
    length
        Shape (n_distinct,), int64: ids of each; ascending.
    """

    indexes: tuple[ShardIndex, ...]
    row: NDArray[np.int64]
    vector: NDArray[np.int64]
    split: NDArray[np.int64]
    place: NDArray[np.int64]
    length: NDArray[np.int64]


def find_distinct(shards: Path) -> DistinctTexts:
    """Find the distinct texts of a folder of shards.

    Raises
    ------
    ConfigError
        Each text column has ids of its own.
    """
    present = [split for split in SPLITS if (shards / split / "state.json").is_file()]
    indexes = tuple(open_shards(shards, split) for split in present)
    for index in indexes:
        if len(index.columns) > 1:
            raise ConfigError(
                "tokenize.join is columns, and train.model: pretrained reads one list of ids a row. Set tokenize.join: "
                "separator."
            )
    row = np.concatenate([index.row for index in indexes])
    length = np.concatenate([index.length for index in indexes]).astype(np.int64)
    digests = np.frombuffer(b"".join(_digest(index) for index in indexes), np.uint64).reshape(-1, 2)
    _, first, number = np.unique(digests, axis=0, return_index=True, return_inverse=True)
    order = np.lexsort((first, length[first]))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    bounds = np.cumsum([0, *(len(index.row) for index in indexes)])
    first = first[order]
    split = np.searchsorted(bounds, first, side="right") - 1
    ascending = np.argsort(row, kind="stable")
    return DistinctTexts(
        indexes, row[ascending], rank[number.ravel()][ascending], split, first - bounds[split], length[first]
    )


def _digest(index: ShardIndex) -> bytes:
    """Return 16 bytes a stored row, one row after the other."""
    column = index.columns[0]
    stops = column.start + column.length
    return b"".join(
        blake2b(column.memory[start:stop].tobytes(), digest_size=16).digest()
        for start, stop in zip(column.start.tolist(), stops.tolist(), strict=True)
    )
