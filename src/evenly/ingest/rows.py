"""Checks every row of a batch: has it a text, has it a label.

In: a batch of the wanted columns. Out: the rows that are kept, in the shape in which they wait for their label ids
(text without nulls, labels as numbers of the file's vocabulary), and the rows that are refused, each once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evenly.errors import DataError
from evenly.formats import LABELS_TYPE, RESERVED_COLUMNS
from evenly.ingest.cells import as_text, blank_mask
from evenly.ingest.label_cells import NO_LABEL, Fault, read_label_cells

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from evenly.ingest.label_shape import LabelShape
    from evenly.ingest.vocabulary import FileVocabulary

__all__ = ["NO_TEXT", "SPLIT_WORDS", "CheckedRows", "Layout", "check_rows"]

NO_TEXT = "no text"
SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}


@dataclass(frozen=True)
class Layout:
    """Which columns of the source become which columns of the table."""

    text: tuple[str, ...]
    labels: LabelShape
    group: str | None = None
    split: str | None = None
    keep: tuple[str, ...] = ()

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every column that must be read, once."""
        extra = [name for name in (self.group, self.split) if name is not None]
        return tuple(dict.fromkeys([*self.text, *self.labels.columns, *extra, *self.keep]))

    @property
    def text_names(self) -> dict[str, str]:
        """Source name to table name of the text columns."""
        return _free_names(self.text, "_text", [])

    @property
    def kept_names(self) -> dict[str, str]:
        """Source name to table name of the columns that are carried along and are not text already."""
        carried = [name for name in dict.fromkeys(self.keep) if name not in self.text]
        return _free_names(carried, "_kept", self.text_names.values())


@dataclass(frozen=True)
class CheckedRows:
    """Rows to keep, and for every refused row its number in the batch, the column and the reason."""

    kept: pa.Table
    refused: list[tuple[int, str | None, str]]


def check_rows(batch: pa.Table, layout: Layout, vocabulary: FileVocabulary) -> CheckedRows:
    """Divide a batch into rows to keep and rows to refuse.

    Raises
    ------
    DataError
        The split column holds something else than train, validation and test.
    """
    texts = {name: as_text(batch[name], name) for name in layout.text}
    cells = read_label_cells(batch, layout.labels)
    numbers = vocabulary.encode(cells.names)
    n_given = np.bincount(cells.rows, minlength=len(batch))
    n_named = np.bincount(cells.rows[numbers >= 0], minlength=len(batch))
    unnamed = Fault((n_given > 0) & (n_named == 0), layout.labels.columns[0], NO_LABEL)
    refused = _first_faults([_textless(texts), *cells.faults, unnamed])
    good = np.ones(len(batch), np.bool_)
    good[[row for row, _, _ in refused]] = False
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        layout.text_names[name]: column.fill_null("") for name, column in texts.items()
    }
    columns["labels"] = _label_lists(numbers, cells.rows, n_rows=len(batch))
    columns |= _extra_columns(batch, layout)
    kept = pa.table(columns)
    return CheckedRows(kept if not refused else kept.filter(pa.array(good)), refused)


def _textless(texts: dict[str, pa.StringArray]) -> Fault:
    blank = reduce(pc.and_, map(blank_mask, texts.values()))
    return Fault(blank.to_numpy(zero_copy_only=False), next(iter(texts)), NO_TEXT)


def _first_faults(faults: Iterable[Fault]) -> list[tuple[int, str | None, str]]:
    """Return one refusal a row, in the order of the rows: the first fault that it has."""
    found: dict[int, tuple[int, str | None, str]] = {}
    for fault in faults:
        for row in np.flatnonzero(fault.mask).tolist():
            found.setdefault(row, (row, fault.column, fault.reason))
    return [found[row] for row in sorted(found)]


def _label_lists(numbers: NDArray[np.int64], rows: NDArray[np.int64], *, n_rows: int) -> pa.ListArray:
    """Return distinct label numbers a row, ascending, as list<int32>."""
    named = numbers >= 0
    width = int(numbers.max(initial=0)) + 1
    keys = rows[named] * width + numbers[named]
    keys.sort()
    keys = keys[np.diff(keys, prepend=-1) > 0]
    offsets = np.searchsorted(keys, np.arange(n_rows + 1) * width)
    values = (keys % width).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(values)).cast(LABELS_TYPE)


def _extra_columns(batch: pa.Table, layout: Layout) -> dict[str, pa.Array | pa.ChunkedArray]:
    columns: dict[str, pa.Array | pa.ChunkedArray] = {}
    if layout.group is not None:
        columns["group"] = as_text(batch[layout.group], layout.group)
    if layout.split is not None:
        columns["given_split"] = _split_names(as_text(batch[layout.split], layout.split), layout.split)
    columns |= {table_name: batch[name] for name, table_name in layout.kept_names.items()}
    return columns


def _split_names(cells: pa.StringArray, column: str) -> pa.StringArray:
    encoded = cells.fill_null("").dictionary_encode()
    names = [SPLIT_WORDS.get(cell.strip().lower()) for cell in encoded.dictionary.to_pylist()]
    for cell, name in zip(encoded.dictionary.to_pylist(), names, strict=True):
        if name is None:
            raise DataError(
                f"The split column {column!r} holds {cell!r}; expected {', '.join(SPLIT_WORDS)}. "
                f"Leave source.split out to let evenly split the rows."
            )
    return pa.array(names, pa.string()).take(encoded.indices)


def _free_names(names: Iterable[str], suffix: str, taken: Iterable[str]) -> dict[str, str]:
    """Return a table name for each: its own, or with the suffix where evenly or another column has it."""
    given = list(names)
    used = {*RESERVED_COLUMNS, *taken}
    found: dict[str, str] = {}
    for name in given:
        free = name
        while free in used or (free != name and free in given):
            free += suffix
        found[name] = free
        used.add(free)
    return found
