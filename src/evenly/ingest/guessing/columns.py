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

from evenly.ingest.cells import as_text, parse_list, parse_object
from evenly.ingest.labelling.delimiters import find_delimiter
from evenly.ingest.labelling.marks import FLAGS, shares_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ColumnSummary", "Kind", "column_summaries"]

Kind = Literal["empty", "flags", "integers", "shares", "numbers", "list", "objects", "text", "other"]
_LISTS_LOOKED_AT = 200
_INTEGER = re.compile(r"[-+]?\d{1,18}")
# Thai to Khmer, kana, Chinese: scripts that put no space between words; about two characters make one.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True)
class ColumnSummary:
    """One column.

    Attributes
    ----------
    name
        Of the column.
    kind
        ``flags``: 0 and 1, or true and false; ``shares``: numbers between 0 and 1; ``list``: Arrow lists, or text
        cells that are all lists; ``objects``: structures, or text cells that are all objects, of name and share.
    share_filled
        Of the rows, in [0, 1].
    n_distinct
        Different filled values.
    share_distinct
        `n_distinct` of the filled rows, in [0, 1].
    mean_words, mean_characters
        Of filled cells; where a script puts no space between words, two characters count as one.
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
    if pa.types.is_struct(value_type) or pa.types.is_map(value_type):
        objects = [dict(value) for value in column.to_pylist() if value is not None]
        if objects and all(map(_has_shares, objects)):
            return _of_cells(name, list(map(str, objects)), len(column), "objects")
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
        mean_words=statistics.fmean(map(_count_words, cells)) if cells else 0.0,
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
    numbers = list(map(_as_number, cells))
    if None not in numbers:
        return "shares" if all(0 <= number <= 1 for number in numbers if number is not None) else "numbers"
    if all(parse_list(cell) is not None for cell in islice(cells, _LISTS_LOOKED_AT)):
        return "list"
    return "objects" if all(_has_shares(parse_object(cell)) for cell in islice(cells, _LISTS_LOOKED_AT)) else "text"


def _as_number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _has_shares(value: Mapping[str, object] | None) -> bool:
    return value is not None and shares_in(value, 0.0) is not None


def _count_words(cell: str) -> int:
    return len(cell.split()) + (0 if cell.isascii() else len(_UNSPACED.findall(cell)) // 2)
