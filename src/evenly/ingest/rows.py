"""Checks every row of a batch: has it a text, has it a label.

In: a batch of the wanted columns. Out: the rows that are kept, in the shape in which they wait for their label ids
(text without nulls, labels as numbers of the file's vocabulary), and the rows that are refused, each once. The cells
are read apart from the numbering, so that a thread may read those of the next batch meanwhile.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evenly.errors import DataError
from evenly.ingest.cells import as_text, blank_mask
from evenly.ingest.labelling.label_cells import NO_LABEL, Fault, read_label_cells
from evenly.ingest.labelling.label_lists import label_lists
from evenly.ingest.layout import Layout
from evenly.ingest.reading import ROW_BYTES, TOO_LONG
from evenly.ingest.texts import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from evenly.ingest.labelling.label_cells import LabelCells
    from evenly.ingest.labelling.vocabulary import FileVocabulary

__all__ = ["NO_TEXT", "SPLIT_WORDS", "CheckedRows", "Layout", "ReadCells", "divide_rows", "read_cells"]

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
class ReadCells:
    """A batch whose cells have been read, which any number of threads may do; its names have no numbers yet.

    Attributes
    ----------
    n_rows
        Rows of the batch.
    columns
        What goes into the table besides the labels, by the name there.
    too_long, textless
        Rows with too much text, and without one.
    labels
        The names in the label columns.
    changed
        How many text cells the rules of the texts have changed, by rule.
    """

    n_rows: int
    columns: dict[str, pa.Array | pa.ChunkedArray]
    too_long: Fault
    textless: Fault
    labels: LabelCells
    changed: dict[str, int]


@dataclass(frozen=True)
class CheckedRows:
    """A batch, divided.

    Attributes
    ----------
    kept
        Rows to keep.
    refused
        Of every refused row its number in the batch, the column and the reason.
    """

    kept: pa.Table
    refused: list[tuple[int, str | None, str]]


def read_cells(batch: pa.Table, layout: Layout) -> ReadCells:
    """Read the cells of a batch.

    Raises
    ------
    DataError
        The split column holds something else than train, validation and test.
    """
    texts, changed = _read_texts(batch, layout)
    filled = {layout.text_names[name]: column.fill_null("") for name, column in texts.items()}
    return ReadCells(
        n_rows=len(batch),
        columns=filled | _extra_columns(batch, layout),
        too_long=_too_long(texts),
        textless=_textless(texts),
        labels=read_label_cells(batch, layout.labels),
        changed=changed,
    )


def divide_rows(read: ReadCells, layout: Layout, vocabulary: FileVocabulary) -> CheckedRows:
    """Number the names of a batch, and divide it into rows to keep and rows to refuse."""
    numbers = vocabulary.encode(read.labels.names)
    refused = _first_faults(
        [read.too_long, read.textless, *_unlabelled(read.labels, numbers, layout, n_rows=read.n_rows)]
    )
    labels = label_lists(numbers, read.labels.rows, n_rows=read.n_rows)
    n_texts = len(layout.text_names)
    columns = list(read.columns.items())
    kept = pa.table(dict([*columns[:n_texts], ("labels", labels), *columns[n_texts:]]))
    if refused:
        good = np.ones(read.n_rows, np.bool_)
        good[[row for row, _, _ in refused]] = False
        kept = kept.filter(pa.array(good))
    return CheckedRows(kept, refused)


def _read_texts(batch: pa.Table, layout: Layout) -> tuple[dict[str, pa.StringArray], dict[str, int]]:
    """Return the cleaned text columns, and how many cells each rule has changed."""
    texts, totals = {}, Counter[str]()
    for name in layout.text:
        texts[name], changed = clean_text(as_text(batch[name], name), layout.text_rules)
        totals.update(changed)
    return texts, dict(totals)


def _too_long(texts: dict[str, pa.StringArray]) -> Fault:
    """Return the rows of more bytes than any text has that a model could read: one is enough to fill the memory."""
    n_bytes = reduce(pc.add, (pc.binary_length(text).fill_null(0).cast(pa.int64()) for text in texts.values()))
    return Fault(n_bytes.to_numpy(zero_copy_only=False) > ROW_BYTES, next(iter(texts)), TOO_LONG)


def _textless(texts: dict[str, pa.StringArray]) -> Fault:
    blank = reduce(pc.and_, map(blank_mask, texts.values()))
    return Fault(blank.to_numpy(zero_copy_only=False), next(iter(texts)), NO_TEXT)


def _unlabelled(cells: LabelCells, numbers: NDArray[np.int64], layout: Layout, *, n_rows: int) -> Iterator[Fault]:
    """Yield the faults of the labels, in the order in which they count.

    A row whose names are all blank has a missing annotation too; one that never had a name is refused only where
    every row without a label is.
    """
    unlabelled, column = layout.label_rules.unlabelled, layout.labels.columns[0]
    if unlabelled != "keep":
        yield from cells.missing
    yield from cells.broken
    n_named = np.bincount(cells.rows[numbers >= 0], minlength=n_rows)
    if unlabelled == "reject":
        yield Fault(n_named == 0, column, NO_LABEL)
    elif unlabelled == "auto":
        n_given = np.bincount(cells.rows, minlength=n_rows)
        yield Fault((n_given > 0) & (n_named == 0), column, NO_LABEL)


def _first_faults(faults: Iterable[Fault]) -> list[tuple[int, str | None, str]]:
    """Return one refusal a row, in the order of the rows: the first fault that it has."""
    found: dict[int, tuple[int, str | None, str]] = {}
    for fault in faults:
        for row in np.flatnonzero(fault.mask).tolist():
            found.setdefault(row, (row, fault.column, fault.reason))
    return [found[row] for row in sorted(found)]


def _extra_columns(batch: pa.Table, layout: Layout) -> dict[str, pa.Array | pa.ChunkedArray]:
    columns: dict[str, pa.Array | pa.ChunkedArray] = {}
    if layout.group is not None:
        columns["group"] = as_text(batch[layout.group], layout.group)
    if layout.split is not None:
        columns["given_split"] = _split_names(as_text(batch[layout.split], layout.split), layout.split)
    columns |= {table_name: _plain(batch[name]) for name, table_name in layout.kept_names.items()}
    return columns


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decode a dictionary: each batch would have its own, which an Arrow file cannot hold."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


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
