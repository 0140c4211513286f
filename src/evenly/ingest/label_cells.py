"""Label cells of a batch as names.

In: the label columns of a batch and their shape. Out: flat names, the row that each belongs to, and which rows
cannot be kept and why. An empty list, or a row of zeros, is a row without a label and is kept; a null or blank cell
is a missing annotation and is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evenly.ingest.cells import as_text, blank_mask, parse_list
from evenly.ingest.label_shape import FLAGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.ingest.label_shape import LabelShape

__all__ = ["NOT_A_FLAG", "NOT_A_LIST", "NO_LABEL", "Fault", "LabelCells", "read_label_cells"]

NO_LABEL = "no label"
NOT_A_LIST = "the label is no list"
NOT_A_FLAG = "neither 0 nor 1"


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
        Dictionary-encoded, not trimmed, possibly null, blank or repeated within a row.
    rows
        Shape (len(names),), int64, ascending: the row of each.
    faults
        In the order in which they count. Rows whose names are all blank are not among them.
    """

    names: pa.DictionaryArray
    rows: NDArray[np.int64]
    faults: tuple[Fault, ...]


def read_label_cells(table: pa.Table, shape: LabelShape) -> LabelCells:
    """Return the names of a batch."""
    if shape.format == "onehot":
        return _read_flags(table, shape)
    column = shape.columns[0]
    if pa.types.is_nested(table.schema.field(column).type):
        return _read_arrow_lists(table[column].combine_chunks(), column)
    cells = as_text(table[column], column)
    blank = blank_mask(cells).to_numpy(zero_copy_only=False)
    if shape.format == "list":
        return _read_json_lists(cells, blank, column)
    if shape.format == "delimited":
        return _of_lists(pc.split_pattern(cells, shape.delimiter), Fault(blank, column, NO_LABEL))
    rows = np.flatnonzero(~blank)
    return LabelCells(cells.take(pa.array(rows)).dictionary_encode(), rows, (Fault(blank, column, NO_LABEL),))


def _read_arrow_lists(lists: pa.Array, column: str) -> LabelCells:
    if pa.types.is_fixed_size_list(lists.type):
        lists = lists.cast(pa.list_(lists.type.value_type))
    return _of_lists(lists, Fault(lists.is_null().to_numpy(zero_copy_only=False), column, NO_LABEL))


def _of_lists(lists: pa.ListArray, missing: Fault) -> LabelCells:
    values = as_text(pa.chunked_array([pc.list_flatten(lists)]), missing.column)
    return LabelCells(values.dictionary_encode(), pc.list_parent_indices(lists).to_numpy(), (missing,))


def _read_json_lists(cells: pa.StringArray, blank: NDArray[np.bool_], column: str) -> LabelCells:
    """Parse every distinct cell once."""
    encoded = cells.dictionary_encode()
    parsed = [parse_list(cell.strip()) for cell in encoded.dictionary.to_pylist()]
    which = encoded.indices.fill_null(len(parsed))
    lists = pa.array([*parsed, None], pa.list_(pa.string())).take(which)
    broken = ~blank & lists.is_null().to_numpy(zero_copy_only=False)
    found = _of_lists(lists, Fault(blank, column, NO_LABEL))
    return LabelCells(found.names, found.rows, (*found.faults, Fault(broken, column, NOT_A_LIST)))


def _read_flags(table: pa.Table, shape: LabelShape) -> LabelCells:
    """Return a name for every 1."""
    values = pa.array(FLAGS.values(), pa.int8())
    known = pa.array(FLAGS.keys(), pa.string())
    flags = np.zeros((len(table), len(shape.columns)), np.bool_)
    missing, broken = [], []
    for index, column in enumerate(shape.columns):
        text = as_text(table[column], column)
        blank = blank_mask(text)
        flag = values.take(pc.index_in(pc.utf8_lower(pc.utf8_trim_whitespace(text)), known))
        flags[:, index] = flag.fill_null(0).to_numpy(zero_copy_only=False) == 1
        strange = pc.and_(flag.is_null(), pc.invert(blank))
        missing += [Fault(blank.to_numpy(zero_copy_only=False), column, NO_LABEL)] if blank.true_count else []
        broken += [Fault(strange.to_numpy(zero_copy_only=False), column, NOT_A_FLAG)] if strange.true_count else []
    rows, labels = np.nonzero(flags)
    names = pa.DictionaryArray.from_arrays(pa.array(labels.astype(np.int32)), pa.array(shape.columns, pa.string()))
    return LabelCells(names, rows, (*missing, *broken))
