"""Which columns of a table hold the texts, and what should be done to them.

In: column summaries and the first rows. Out: the text columns with the reason for them. The longest column of words
that mostly differ is the text; titles and further texts go with it by their names.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from evenly.ingest.guessing.guess_names import NEVER_TEXT, TEXT_NAMES, TITLE_NAMES, split_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from evenly.ingest.guessing.columns import ColumnSummary

__all__ = ["TextGuess", "find_entities", "guess_text", "mostly_equal"]

_LEAST_WORDS = 2.5
_LEAST_DISTINCT = 0.3
_LONG_CHARACTERS = 100
_MOSTLY = 0.5
_ROWS_COMPARED = 1_000
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_LEAST_ENTITIES = 0.005


class TextGuess(NamedTuple):
    """Text columns, in the order of the table, and why they are believed to be text."""

    columns: tuple[str, ...]
    reason: str


def guess_text(table: pa.Table, columns: Sequence[ColumnSummary]) -> TextGuess | None:
    """Return the best guess, or None where nothing looks like text.

    Parameters
    ----------
    table
        The first rows.
    columns
        What was seen of every column.
    """
    likely = [column for column in columns if _may_be_text(column)] or _lone_text(columns)
    if not likely:
        return None
    main = max(likely, key=_text_claim)
    chosen = [main]
    for column in sorted(likely, key=lambda column: len(split_words(column.name))):  # title before original_title
        words = split_words(column.name)
        named = words & (TITLE_NAMES | TEXT_NAMES) and not words & NEVER_TEXT
        if named and not any(mostly_equal(table, column.name, other.name) for other in chosen):
            chosen.append(column)
    names = tuple(column.name for column in columns if column in chosen)
    others = f", with {', '.join(column.name for column in chosen[1:])}" if len(chosen) > 1 else ""
    return TextGuess(names, f"{main.name} has {main.mean_words:.0f} words a row, mostly different{others}")


def _may_be_text(column: ColumnSummary) -> bool:
    """Return whether a column has words that mostly differ; short ones count where the name says title or text."""
    if column.kind != "text":
        return False
    named = split_words(column.name) & (TITLE_NAMES | TEXT_NAMES)
    wordy = column.mean_words >= (1 if named else _LEAST_WORDS)
    differing = column.share_distinct >= _LEAST_DISTINCT or column.mean_characters >= _LONG_CHARACTERS
    return wordy and differing


def _lone_text(columns: Sequence[ColumnSummary]) -> list[ColumnSummary]:
    """Return the one column whose short texts mostly differ, such as search queries; none where there are several."""
    differing = [
        column
        for column in columns
        if column.kind == "text"
        and column.share_distinct > _MOSTLY
        and column.delimiter is None
        and not split_words(column.name) & NEVER_TEXT
    ]
    return differing if len(differing) == 1 else []


def _text_claim(column: ColumnSummary) -> float:
    words = split_words(column.name)
    named = 2.0 * bool(words & TEXT_NAMES) + bool(words & TITLE_NAMES) - 3 * bool(words & NEVER_TEXT)
    joined = 2 if column.delimiter else 0
    return math.log(1 + column.mean_characters) + named - joined + column.share_filled


def mostly_equal(table: pa.Table, one: str, other: str) -> bool:
    """Return whether two columns say the same, as a title and an original title do; a column equals itself."""
    first = table.slice(0, _ROWS_COMPARED)
    pairs = list(zip(first[one].to_pylist(), first[other].to_pylist(), strict=True))
    n_equal = sum(1 for first, second in pairs if first == second)
    return n_equal > len(pairs) // 2


def find_entities(table: pa.Table, text: Sequence[str]) -> str:
    """Return why HTML entities should be turned into characters; '' where hardly a cell has one."""
    cells = [cell for name in text for cell in table[name].to_pylist() if cell]
    found = [entity.group() for cell in cells if "&" in cell for entity in [_ENTITY.search(cell)] if entity]
    if len(found) < max(2, _LEAST_ENTITIES * len(cells)):
        return ""
    return f"{len(found)} of {len(cells)} texts hold HTML entities such as {found[0]}"
