"""What each column of a table looks like: what guesses and `evenly inspect` are made from.

In: the first rows of a table. Out: one `ColumnSummary` a column: kind, how full, how many distinct values, how long.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from evenly.ingest.cells import as_text, parse_list
from evenly.ingest.label_shape import FLAGS, find_delimiter

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ColumnSummary", "Kind", "column_summaries"]

Kind = Literal["empty", "flags", "integers", "numbers", "list", "text", "other"]
_LISTS_LOOKED_AT = 200
_INTEGER = re.compile(r"[-+]?\d{1,18}")


@dataclass(frozen=True)
class ColumnSummary:
    """One column.

    Attributes
    ----------
    name
        Of the column.
    kind
        ``flags``: 0 and 1, or true and false; ``list``: Arrow lists, or text cells that are all lists.
    share_filled
        Of the rows, in [0, 1].
    n_distinct
        Different filled values.
    share_distinct
        `n_distinct` of the filled rows, in [0, 1].
    mean_words, mean_characters
        Of filled cells.
    delimiter
        What joins several names in a cell, where something does.
    examples
        Up to three of the commonest values.
    """

    name: str
    kind: Kind
    share_filled: float
    n_distinct: int
    share_distinct: float
    mean_words: float
    mean_characters: float
    delimiter: str | None
    examples: tuple[str, ...]

    def describe(self) -> str:
        """Return one phrase."""
        if self.kind == "empty":
            return f"{self.name}: empty"
        words = f", {self.mean_words:.0f} words" if self.kind == "text" else ""
        example = self.examples[0][:40] if self.examples else ""
        return f"{self.name}: {self.kind}, {self.n_distinct} distinct{words}, such as {example!r}"


def column_summaries(table: pa.Table) -> list[ColumnSummary]:
    """Summarize every column of a table that fits into memory."""
    return [_summarize(name, table[name]) for name in table.column_names]


def _summarize(name: str, column: pa.ChunkedArray) -> ColumnSummary:
    value_type = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_struct(value_type) or pa.types.is_map(value_type) or pa.types.is_binary(value_type):
        return ColumnSummary(name, "other", 1.0, 0, 0.0, 0.0, 0.0, None, (str(value_type),))
    if pa.types.is_nested(value_type):
        cells = [str(value) for value in column.to_pylist() if value is not None]
        return _of_cells(name, cells, len(column), "list")
    texts = as_text(column, name).to_pylist()
    cells = [text.strip() for text in texts if text and text.strip()]
    return _of_cells(name, cells, len(column), _kind_of(cells))


def _of_cells(name: str, cells: Sequence[str], n_rows: int, kind: Kind) -> ColumnSummary:
    counts = Counter(cells)
    return ColumnSummary(
        name=name,
        kind=kind,
        share_filled=len(cells) / max(n_rows, 1),
        n_distinct=len(counts),
        share_distinct=len(counts) / max(len(cells), 1),
        mean_words=statistics.fmean(len(cell.split()) for cell in cells) if cells else 0.0,
        mean_characters=statistics.fmean(map(len, cells)) if cells else 0.0,
        delimiter=find_delimiter(cells) if kind == "text" else None,
        examples=tuple(cell for cell, _ in counts.most_common(3)),
    )


def _kind_of(cells: Sequence[str]) -> Kind:
    if not cells:
        return "empty"
    if all(cell.lower() in FLAGS for cell in cells):
        return "flags"
    if all(_INTEGER.fullmatch(cell) for cell in cells):
        return "integers"
    if all(map(_is_number, cells)):
        return "numbers"
    return "list" if all(parse_list(cell) is not None for cell in islice(cells, _LISTS_LOOKED_AT)) else "text"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
