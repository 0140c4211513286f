"""Label cells of a batch as names.

In: the label columns of a batch and their shape. Out: flat names, the row that each belongs to, and which rows
cannot be kept and why. An empty list, or a row of zeros, is a row without a label; a null or blank cell is a missing
annotation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evenly.ingest.cells import as_text, blank_mask, names_in, parse_list, parse_object
from evenly.ingest.labelling.marks import Marks, read_flags, read_shares, shares_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from evenly.ingest.labelling.label_shape import LabelShape

__all__ = [
    "NOT_A_FLAG",
    "NOT_A_LIST",
    "NOT_A_SHARE",
    "NOT_SHARES",
    "NO_LABEL",
    "Fault",
    "LabelCells",
    "read_label_cells",
]

NO_LABEL = "no label"
NOT_A_LIST = "the label is no list"
NOT_A_FLAG = "neither 0 nor 1"
NOT_A_SHARE = "no share between 0 and 1"
NOT_SHARES = "no object of names and shares between 0 and 1"


@dataclass(frozen=True)
class Fault:
    """Rows of a batch that cannot be kept, shape (n_rows,), bool, with column and reason."""

    mask: NDArray[np.bool_]
    column: str
    reason: str


@dataclass(frozen=True)
class LabelCells:
    """The names of a batch.

    Attributes
    ----------
    names
        Dictionary-encoded, every word in use; not trimmed, possibly null, blank or repeated within a row.
    rows
        Shape (len(names),), int64, ascending: the row of each.
    missing
        Rows with a null or blank cell. Rows whose names are all blank are not among them.
    broken
        Rows with a cell that is not of the format.
    """

    names: pa.DictionaryArray
    rows: NDArray[np.int64]
    missing: tuple[Fault, ...]
    broken: tuple[Fault, ...] = ()


def read_label_cells(table: pa.Table, shape: LabelShape) -> LabelCells:
    """Return the names of a batch."""
    if shape.names:
        return _read_marks(table, shape)
    column = shape.columns[0]
    if pa.types.is_nested(table.schema.field(column).type):
        return _read_nested(table[column].combine_chunks(), shape)
    cells = as_text(table[column], column)
    blank = blank_mask(cells).to_numpy(zero_copy_only=False)
    if shape.format == "list":
        return _parse_cells(cells, blank, shape, parse_list)
    if shape.format == "fractions":
        return _parse_cells(cells, blank, shape, lambda cell: _held(parse_object(cell), shape.threshold))
    if shape.format == "delimited":
        return _of_lists(pc.split_pattern(cells, shape.delimiter), Fault(blank, column, NO_LABEL))
    rows = np.flatnonzero(~blank)
    return LabelCells(cells.take(pa.array(rows)).dictionary_encode(), rows, (Fault(blank, column, NO_LABEL),))


def _read_nested(cells: pa.Array, shape: LabelShape) -> LabelCells:
    """Return the names in Arrow lists, in lists of structures with a name, or in structures and maps of shares."""
    missing = cells.is_null().to_numpy(zero_copy_only=False)
    column = shape.columns[0]
    if shape.format == "list" and not pa.types.is_nested(cells.type.value_type):
        if pa.types.is_fixed_size_list(cells.type):
            cells = cells.cast(pa.list_(cells.type.value_type))
        return _of_lists(cells, Fault(missing, column, NO_LABEL))
    values = cells.to_pylist()
    if shape.format == "list":
        return _of_found([None if value is None else names_in(value) for value in values], missing, shape)
    return _of_found([_held(value, shape.threshold) for value in values], missing, shape)


def _parse_cells(
    cells: pa.StringArray,
    blank: NDArray[np.bool_],
    shape: LabelShape,
    parse: Callable[[str], Sequence[str | None] | None],
) -> LabelCells:
    """Parse every distinct cell once."""
    encoded = cells.dictionary_encode()
    parsed = [parse(cell.strip()) for cell in encoded.dictionary.to_pylist()]
    which = encoded.indices.fill_null(len(parsed)).to_pylist()
    return _of_found([[*parsed, None][index] for index in which], blank, shape)


def _held(shares: Any, threshold: float) -> list[str] | None:
    """Return the names that an object (a map of Arrow is a list of pairs) holds; None where it is none."""
    held = None if shares is None else shares_in(dict(shares), threshold)
    try:
        "".join(held or ()).encode()
    except UnicodeEncodeError:  # as in `names_in`
        return None
    return held


def _of_found(
    found: Sequence[Sequence[str | None] | None], missing: NDArray[np.bool_], shape: LabelShape
) -> LabelCells:
    """Return the names that were found in cells; a cell that is filled and yields None is broken."""
    column = shape.columns[0]
    lists = pa.array(found, pa.list_(pa.string()))
    broken = ~missing & lists.is_null().to_numpy(zero_copy_only=False)
    reason = NOT_A_LIST if shape.format == "list" else NOT_SHARES
    cells = _of_lists(lists, Fault(missing, column, NO_LABEL))
    return LabelCells(cells.names, cells.rows, cells.missing, (Fault(broken, column, reason),))


def _of_lists(lists: pa.ListArray, missing: Fault) -> LabelCells:
    values = as_text(pa.chunked_array([pc.list_flatten(lists)]), missing.column)
    return LabelCells(values.dictionary_encode(), pc.list_parent_indices(lists).to_numpy(), (missing,))


def _read_marks(table: pa.Table, shape: LabelShape) -> LabelCells:
    """Return a name for every cell of a label's own column that holds it."""
    held = np.zeros((len(table), len(shape.columns)), np.bool_)
    missing, broken = [], []
    for index, column in enumerate(shape.columns):
        marks = _read_column(table[column], column, shape)
        held[:, index] = marks.held
        missing += [Fault(marks.blank, column, NO_LABEL)] if marks.blank.any() else []
        reason = NOT_A_FLAG if shape.format == "onehot" else NOT_A_SHARE
        broken += [Fault(marks.strange, column, reason)] if marks.strange.any() else []
    rows, labels = np.nonzero(held)
    names = pa.DictionaryArray.from_arrays(pa.array(labels.astype(np.int32)), pa.array(shape.columns, pa.string()))
    return LabelCells(names, rows, tuple(missing), tuple(broken))


def _read_column(column: pa.ChunkedArray, name: str, shape: LabelShape) -> Marks:
    return read_flags(column, name) if shape.format == "onehot" else read_shares(column, name, shape.threshold)
