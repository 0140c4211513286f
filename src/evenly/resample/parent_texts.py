"""The texts of the rows that synthetic rows are made of, on disk: parents lie anywhere in a table.

Each part of the table is read once, and what is needed of it kept uncompressed, so that partitions map it into memory
and take their parents from it, instead of each reading the table again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.ipc

from evenly.resample.table_rows import TablePart, parts_with, read_batches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.workspace import Workspace

__all__ = ["ParentTexts", "write_texts"]

BATCH_BYTES = 2**23  # every batch is looked at for each thousand synthetic rows: few large ones


def write_texts(work: Workspace, table: Path, rows: NDArray[np.int64], columns: Sequence[str]) -> Path:
    """Write the text columns of some rows (ascending) to `scratch`, and return the folder for `ParentTexts`."""
    work.map(partial(_write_part, columns=list(columns)), parts_with(table, rows), name="parents", keep=False)
    return work.scratch / "parents"


def _write_part(part: TablePart, folder: Path, *, columns: list[str]) -> None:
    batches = _joined(read_batches(part, columns))
    first = next(batches)  # a part is only given where it holds a row
    path = folder / f"{part.first:012d}.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, first.schema) as writer:
        writer.write_table(first)
        for batch in batches:
            writer.write_table(batch)


def _joined(batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Yield the batches, small ones together."""
    waiting: list[pa.Table] = []
    for batch in batches:
        waiting.append(batch)
        if sum(table.nbytes for table in waiting) >= BATCH_BYTES:
            yield pa.concat_tables(waiting).combine_chunks()
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()


class ParentTexts:
    """What `write_texts` has written, mapped into memory."""

    def __init__(self, folder: Path) -> None:
        """Open all files."""
        self._batches = [batch for path in sorted(folder.glob("*.arrow")) for batch in _map_batches(path)]
        self._rows = [batch.column("row").to_numpy() for batch in self._batches]

    def read(self, rows: NDArray[np.int64]) -> pa.Table:
        """Return the text columns of the given rows, which ascend and are each there once."""
        found = pa.Table.from_batches(list(self._take(rows)))
        return found.drop_columns("row").combine_chunks()

    def _take(self, wanted: NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
        for batch, held in zip(self._batches, self._rows, strict=True):
            here = wanted[np.searchsorted(wanted, held[0]) : np.searchsorted(wanted, held[-1], side="right")]
            if len(here):
                yield batch.take(pa.array(np.searchsorted(held, here)))


def _map_batches(path: Path) -> Iterator[pa.RecordBatch]:
    reader = pa.ipc.open_file(pa.memory_map(str(path)))
    return (reader.get_batch(number) for number in range(reader.num_record_batches))
