"""The rejects of all files, in their order, those of a file by line.

In: the rejects that each file left, and the rows that lost all their labels afterwards. Out: ``rejects.parquet``,
piece by piece: there may be more of them than fit into memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from evenly.ingest.labelling.emptied import take_near
from evenly.ingest.rejects import REJECTS_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.ingest.labelling.emptied import Emptied

__all__ = ["file_rejects", "write_rejects"]

_PIECE_ROWS = 20_000


def write_rejects(path: Path, pieces: Iterator[pa.Table]) -> None:
    """Write tables of rejects as one parquet file."""
    with pq.ParquetWriter(path, REJECTS_SCHEMA) as writer:
        for piece in pieces:
            writer.write_table(piece)


def file_rejects(path: Path, emptied: Emptied | None, *, file: str, column: str) -> Iterator[pa.Table]:
    """Yield the rejects of one file by line, those without a line last.

    Parameters
    ----------
    path
        The rejects that the file left, in that order.
    emptied
        Rows that were refused afterwards.
    file, column
        Of the source, for those.
    """
    with pa.memory_map(str(path)) as source:
        early = pa.ipc.open_file(source).read_all()
        if emptied is None or not len(emptied.lost):
            yield from (early.slice(start, _PIECE_ROWS) for start in range(0, len(early), _PIECE_ROWS))
            return
        order = np.argsort(np.concatenate([_keys(early["line"]), _keys(emptied.lines())]), kind="stable")
        for start in range(0, len(order), _PIECE_ROWS):
            here = np.sort(order[start : start + _PIECE_ROWS])
            n_early = int(np.searchsorted(here, len(early)))
            late = emptied.rejects(here[n_early:] - len(early), file=file, column=column)
            yield pa.concat_tables([take_near(early, here[:n_early]), late]).sort_by("line")


def _keys(lines: pa.ChunkedArray) -> NDArray[np.int64]:
    keys: NDArray[np.int64] = lines.fill_null(np.iinfo(np.int64).max).to_numpy()
    return keys
