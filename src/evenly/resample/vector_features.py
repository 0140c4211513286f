"""A column of vectors in a table, such as embeddings -> features on disk, to look for neighbours in."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evenly import formats
from evenly.errors import ColumnNotFoundError, DataError
from evenly.resample.feature_files import write_dense
from evenly.resample.table_rows import TablePart, parts_with, read_batches

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.workspace import Workspace

__all__ = ["write_vector_features"]

STEP = "vectors"


def write_vector_features(work: Workspace, *, table: Path, rows: NDArray[np.int64], column: str) -> Path:
    """Write a column of a table as a dense matrix, float32, and return the folder for `open_features`.

    Parameters
    ----------
    work
        Maps the partitions; everything goes to its `scratch`.
    table
        The table artifact.
    rows
        Shape (n_rows,): the rows of the table that the features are numbered by, ascending; at least one.
    column
        Lists of numbers, all of one length; or text that holds such lists as JSON.

    Raises
    ------
    ColumnNotFoundError
        The table has no such column.
    DataError
        A row has no list, one of another length, or one with a value that is no number.
    """
    names = pq.read_schema(formats.list_parts(table)[0]).names
    if column not in names:
        raise ColumnNotFoundError(column, names, "The table (resample.features)")
    found = work.map(partial(_read_part, column=column), parts_with(table, rows), name=STEP, keep=False)
    widths = [width for part in found for width in part]
    first = widths[0]["width"]
    wrong = next((block for block in widths if block["width"] != first), None)
    if wrong is not None:
        raise _uneven(column, wrong["row"], wrong["width"], first)
    blocks = (np.load(work.scratch / STEP / f"{block['row']:012d}.npy") for block in widths)
    return write_dense(work.scratch / "features", blocks, len(rows), first)


def _read_part(part: TablePart, folder: Path, *, column: str) -> list[dict[str, int]]:
    """Write the vectors of a part of the table, some thousand at a time; return the first row and width of each."""
    blocks = []
    for batch in read_batches(part, [column]):
        numbers = batch["row"].to_numpy()
        vectors = _vectors(batch[column].combine_chunks(), column, numbers)
        np.save(folder / f"{numbers[0]:012d}.npy", vectors)
        blocks.append({"row": int(numbers[0]), "width": vectors.shape[1]})
    return blocks


def _vectors(cells: pa.Array, column: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return lists as a matrix, shape (n_cells, n_features)."""
    lists = _parse(cells, column, rows) if _is_text(cells.type) else cells
    if not _is_list_of_numbers(lists.type):
        raise DataError(
            f"resample.features names the column {column!r}, which holds {cells.type}; expected a list of numbers for "
            f"each row, such as an embedding."
        )
    if lists.null_count:
        row = rows[np.flatnonzero(lists.is_null())[0]]
        raise DataError(f"Row {row} has nothing in the column {column!r} (resample.features); expected a list.")
    width = len(lists[0])
    lengths = pc.list_value_length(lists).to_numpy()
    if (lengths != width).any():
        at = int(np.flatnonzero(lengths != width)[0])
        raise _uneven(column, int(rows[at]), int(lengths[at]), width)
    values = lists.flatten().cast(pa.float32(), safe=False).to_numpy(zero_copy_only=False)
    vectors: NDArray[np.float32] = values.reshape(len(lists), width)
    finite = np.isfinite(vectors).all(axis=1)
    if not width or not finite.all():
        row = rows[0 if not width else int(finite.argmin())]
        what = "a value that is no number" if width else "an empty list"
        raise DataError(f"Row {row} has {what} in the column {column!r} (resample.features); fill or drop such rows.")
    return vectors


def _parse(cells: pa.Array, column: str, rows: NDArray[np.int64]) -> pa.Array:
    """Return text that holds JSON lists as lists."""
    found: list[list[float] | None] = []
    for row, cell in zip(rows.tolist(), cells.to_pylist(), strict=True):
        try:
            values: Any = None if cell is None else json.loads(cell)
            found.append(None if values is None else [float("nan") if each is None else float(each) for each in values])
        except (ValueError, TypeError) as error:
            raise DataError(
                f"Row {row} has {cell[:40]!r} in the column {column!r} (resample.features); expected a list of "
                f"numbers, such as [0.1, 0.2]."
            ) from error
    return pa.array(found, pa.list_(pa.float64()))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_list_of_numbers(kind: pa.DataType) -> bool:
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return is_list and bool(pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type))


def _uneven(column: str, row: int, width: int, expected: int) -> DataError:
    return DataError(
        f"Row {row} has a list of {width:,} numbers in the column {column!r} (resample.features), the rows before it "
        f"{expected:,}; expected as many in every row."
    )
