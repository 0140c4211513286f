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

__all__ = ["read_texts", "write_texts"]


def write_texts(work: Workspace, table: Path, rows: NDArray[np.int64], columns: Sequence[str]) -> Path:
    """Write the text columns of some rows (ascending) to `scratch`, and return the folder for `read_texts`."""
    work.map(partial(_write_part, columns=list(columns)), parts_with(table, rows), name="parents", keep=False)
    return work.scratch / "parents"


def _write_part(part: TablePart, folder: Path, *, columns: list[str]) -> None:
    batches = read_batches(part, columns)
    first = next(batches)  # a part is only given where it holds a row
    path = folder / f"{part.first:012d}.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, first.schema) as writer:
        writer.write_table(first)
        for batch in batches:
            writer.write_table(batch)


def read_texts(folder: Path, rows: NDArray[np.int64]) -> pa.Table:
    """Return the text columns of the given rows, in the order of `rows`, repeats and all."""
    wanted = np.unique(rows)
    found = pa.Table.from_batches(list(_take(folder, wanted)))
    return found.drop_columns("row").combine_chunks().take(pa.array(np.searchsorted(wanted, rows)))


def _take(folder: Path, wanted: NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
    """Yield the wanted rows (ascending) of every batch."""
    for path in sorted(folder.glob("*.arrow")):
        with pa.memory_map(str(path)) as source:
            reader = pa.ipc.open_file(source)
            for number in range(reader.num_record_batches):
                batch = reader.get_batch(number)
                held = batch.column("row").to_numpy()
                here = wanted[np.searchsorted(wanted, held[0]) : np.searchsorted(wanted, held[-1], side="right")]
                yield batch.take(pa.array(np.searchsorted(held, here)))
