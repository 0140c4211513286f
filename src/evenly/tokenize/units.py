"""What one worker does at a time: parts of the table with about one shard's bytes of text.

Comes in: the parts of a table. Goes out: runs of parts, the same for any number of workers. Small parts are taken
together, so that a table of a thousand of them does not become a thousand files a split; a part that is larger alone
than a shard is not divided, its rows go to several shards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Part", "Unit", "make_units", "text_bytes"]


@dataclass(frozen=True)
class Part:
    """A parquet file and the split of its rows.

    `codes` has the shape (n_rows,): index into `SPLITS`, or -1 for a row that is in none.
    """

    path: Path
    codes: NDArray[np.int8]


@dataclass(frozen=True)
class Unit:
    """Parts that follow one another, and the number of the unit among all."""

    index: int
    parts: tuple[Part, ...]


def make_units(parts: Sequence[Part], columns: Sequence[str], shard_bytes: int) -> list[Unit]:
    """Return units of at most `shard_bytes` of text, at least one part each."""
    groups: list[list[Part]] = []
    held = 0
    for part in parts:
        size = text_bytes(part.path, columns)
        if not groups or held + size > shard_bytes:
            groups.append([])
            held = 0
        groups[-1].append(part)
        held += size
    return [Unit(index, tuple(group)) for index, group in enumerate(groups)]


def text_bytes(path: Path, columns: Sequence[str]) -> int:
    """Return the bytes of the text columns of a parquet file, before compression; a text that recurs counts once."""
    metadata = pq.read_metadata(path)
    groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
    found = (group.column(i) for group in groups for i in range(metadata.num_columns))
    return sum(column.total_uncompressed_size for column in found if column.path_in_schema in columns)
