"""Some rows of a table, read part by part and some thousand rows at a time: memory does not grow with the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly import formats

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["TablePart", "parts_with", "read_batches"]

ROWS_AT_ONCE = 2_000
BUFFER_BYTES = 2**18  # of a file that is read; without a bound Arrow reads whole columns ahead


@dataclass(frozen=True, eq=False)
class TablePart:
    """Rows of one file of a table.

    Attributes
    ----------
    path
        The file.
    first
        Its first row.
    rows
        Shape (n,): the rows that are meant, ascending.
    """

    path: Path
    first: int
    rows: NDArray[np.int64]


def parts_with(table: Path, rows: NDArray[np.int64]) -> list[TablePart]:
    """Return the parts of a table that hold some of the rows (ascending), with those that each holds."""
    paths = formats.list_parts(table)
    ends = np.cumsum([pq.read_metadata(path).num_rows for path in paths]).tolist()
    firsts = [0, *ends[:-1]]
    cuts = np.searchsorted(rows, [0, *ends]).tolist()
    found = zip(paths, firsts, cuts[:-1], cuts[1:], strict=True)
    return [TablePart(path, first, rows[begin:end]) for path, first, begin, end in found if end > begin]


def read_batches(part: TablePart, columns: Sequence[str], rows_at_once: int = ROWS_AT_ONCE) -> Iterator[pa.Table]:
    """Yield the given columns, and `row`, of the rows that are meant, in order, at most `rows_at_once` at a time."""
    with pq.ParquetFile(part.path, pre_buffer=False, buffer_size=BUFFER_BYTES) as file:
        first = part.first
        for batch in file.iter_batches(rows_at_once, columns=["row", *columns], use_threads=False):
            here = slice(*np.searchsorted(part.rows, [first, first + batch.num_rows]))
            places = part.rows[here] - first
            first += batch.num_rows
            if len(places):
                yield pa.Table.from_batches([batch if len(places) == batch.num_rows else batch.take(pa.array(places))])
