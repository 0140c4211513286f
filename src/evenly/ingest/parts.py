"""Step two: checked rows -> ``part-00000.parquet`` and so on.

In: where the rows of a part lie in the Arrow files of step one, and the label id of every number of each file.
Out: one parquet file a part with dense row numbers and sorted label ids, the same bytes whoever writes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evenly.errors import DataError
from evenly.formats import LABELS_TYPE
from evenly.ingest.kept_types import cast_kept
from evenly.ingest.labelling.label_lists import label_lists
from evenly.ingest.write_batches import BATCH_ROWS, align_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["PartItem", "Slice", "count_held", "part_name", "plan_parts", "to_ids", "write_part", "write_rows"]

# Parsing is cheap, compressing is not. 50,000 rows of 890 bytes on one core: none 0.03 s and 42 MB, lz4 0.16 s and
# 32 MB, snappy 0.25 s and 30 MB, zstd 0.22 s and 20 MB.
_CODEC = "none"


@dataclass(frozen=True)
class Slice:
    """Rows of one Arrow file: batches [first_batch, stop_batch), without the first `skip` rows, `length` of them.

    `ids` is a ``.npy`` file, int32: the label id of every number in that file.
    """

    rows: Path
    ids: Path
    first_batch: int
    stop_batch: int
    skip: int
    length: int


@dataclass(frozen=True)
class PartItem:
    """One part: its number, the number of its first row, where its rows lie, and what becomes of them.

    `refuse_emptied`: rows that lose all their labels are left out, and the slices do not count them. `kept_types`:
    of the columns that are carried along.
    """

    number: int
    first_row: int
    slices: tuple[Slice, ...]
    refuse_emptied: bool
    kept_types: Mapping[str, pa.DataType]


def plan_parts(
    files: Sequence[tuple[Path, Path, Sequence[int]]],
    *,
    partition_rows: int,
    refuse_emptied: bool,
    kept_types: Mapping[str, pa.DataType],
) -> list[PartItem]:
    """Divide the kept rows of all files into parts of `partition_rows`, whatever the files.

    Parameters
    ----------
    files
        For each file: its Arrow rows, its label ids, and the rows of each batch that are kept.
    partition_rows
        Rows a part; the last one has what is left.
    refuse_emptied, kept_types
        As in `PartItem`.
    """
    ends = [np.cumsum(batch_rows, dtype=np.int64) for _, _, batch_rows in files]
    n_rows = sum(sum(batch_rows) for _, _, batch_rows in files)
    items = []
    for number, first_row in enumerate(range(0, n_rows, partition_rows)):
        stop_row = min(first_row + partition_rows, n_rows)
        slices = tuple(_cut(files, ends, first_row, stop_row))
        items.append(PartItem(number, first_row, slices, refuse_emptied, kept_types))
    return items


def _cut(
    files: Sequence[tuple[Path, Path, Sequence[int]]], ends: Sequence[NDArray[np.int64]], first_row: int, stop_row: int
) -> Iterator[Slice]:
    """Yield the slices of the files that hold rows [first_row, stop_row) of the table."""
    base = 0
    for (rows, ids, batch_rows), ends_here in zip(files, ends, strict=True):
        n_rows = int(ends_here[-1]) if len(ends_here) else 0
        start, stop = max(first_row - base, 0), min(stop_row - base, n_rows)
        if start < stop:
            first_batch = int(np.searchsorted(ends_here, start, side="right"))
            stop_batch = int(np.searchsorted(ends_here, stop)) + 1
            before = int(ends_here[first_batch]) - batch_rows[first_batch]
            yield Slice(rows, ids, first_batch, stop_batch, start - before, stop - start)
        base += n_rows


def write_part(item: PartItem, folder: Path) -> dict[str, int]:
    """Write one part into `folder`; return what `count_held` does."""
    try:
        slices = [cast_kept(_read_slice(part, item), item.kept_types) for part in item.slices]
        table = pa.concat_tables(slices, promote_options="permissive")
    except pa.ArrowException as error:
        raise DataError(f"The source files hold different types in the same column: {error}") from error
    write_rows(table, number=item.number, first_row=item.first_row, folder=folder)
    return count_held(table)


def part_name(number: int) -> str:
    """Return the file name of a part."""
    return f"part-{number:05d}.parquet"


def count_held(table: pa.Table) -> dict[str, int]:
    """Return how many rows there are, how many with one label and with none."""
    n_held = pc.list_value_length(table["labels"]).to_numpy()
    return {"rows": len(table), "n_single": int((n_held == 1).sum()), "n_empty": int((n_held == 0).sum())}


def write_rows(table: pa.Table, *, number: int, first_row: int, folder: Path) -> None:
    """Write rows with their label ids as a part: the same bytes however the table is divided into chunks."""
    row = pa.array(np.arange(first_row, first_row + len(table), dtype=np.int64))
    repeated = [name for name in ("group", "given_split") if name in table.column_names]
    pq.write_table(
        align_chunks(table.add_column(0, "row", row)),
        folder / part_name(number),
        write_batch_size=BATCH_ROWS,
        compression=_CODEC,
        use_dictionary=repeated,  # texts hardly ever repeat, and trying costs half of the writing
        write_statistics=["row"],
        store_schema=True,
    )


def _read_slice(part: Slice, item: PartItem) -> pa.Table:
    """Map the rows of a slice into memory, their labels as sorted ids."""
    with pa.memory_map(str(part.rows)) as source:
        reader = pa.ipc.open_file(source)
        batches = [reader.get_batch(index) for index in range(part.first_batch, part.stop_batch)]
        table = pa.Table.from_batches(batches, reader.schema)
    ids = np.load(part.ids)
    if item.refuse_emptied:
        labels = table["labels"].combine_chunks()
        emptied = (_to_ids(labels, ids).value_lengths().to_numpy() == 0) & (labels.value_lengths().to_numpy() > 0)
        table = table.filter(pa.array(~emptied))
    return to_ids(table.slice(part.skip, part.length), ids)


def to_ids(table: pa.Table, ids: NDArray[np.int32]) -> pa.Table:
    """Return rows with ids in place of their label numbers; `ids` has that of every number, or -1."""
    labels = _to_ids(table["labels"].combine_chunks(), ids)
    return table.set_column(table.schema.get_field_index("labels"), pa.field("labels", LABELS_TYPE), labels)


def _to_ids(labels: pa.ListArray, ids: NDArray[np.int32]) -> pa.ListArray:
    """Replace a file's label numbers by ids, sorted within each row; those without an id are taken off."""
    rows = np.repeat(np.arange(len(labels)), labels.value_lengths().to_numpy())
    return label_lists(ids[labels.flatten().to_numpy()], rows, n_rows=len(labels))
