"""Which columns of a table hold the labels.

In: column summaries. Out: a `LabelGuess`. A column called label, class, genre and the like is believed first; then
three or more columns of 0 and 1, or of shares of annotators, side by side; then weaker names; then the shape alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from evenly.ingest.guessing.guess_names import LABEL_NAMES, NEVER_LABELS, split_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evenly.ingest.guessing.columns import ColumnSummary

__all__ = ["LabelGuess", "guess_labels"]

_MOST_DISTINCT = 0.5
_LEAST_FILLED = 0.5
_MOST_WORDS = 12
_LEAST_FLAGS = 3
_MOST_NUMBERS = 50
_HELD = "a row holds a label from labels.threshold on"
_EXACT, _SIDE_BY_SIDE, _NAMED, _SHAPE = 4, 3, 2, 1


@dataclass(frozen=True)
class LabelGuess:
    """Label columns, how they are written, and why they are believed to be labels."""

    columns: tuple[str, ...]
    format: str
    delimiter: str | None
    reason: str


def guess_labels(columns: Sequence[ColumnSummary], *, n_rows: int) -> LabelGuess | None:
    """Return the best guess, or None where nothing looks like labels.

    Parameters
    ----------
    columns
        Those that are not text.
    n_rows
        Rows that were looked at.
    """
    claims = [
        (_strength(column), -index, _of_column(column))
        for index, column in enumerate(columns)
        if _may_be_labels(column, n_rows)
    ]
    side_by_side = _of_neighbours(columns)
    if side_by_side is not None:
        claims.append(((_SIDE_BY_SIDE, 0.0), 0, side_by_side))
    return max(claims, key=lambda claim: claim[:2])[2] if claims else None


def _may_be_labels(column: ColumnSummary, n_rows: int) -> bool:
    if column.kind in {"empty", "other"} or column.share_filled < _LEAST_FILLED:
        return False
    named = _name_rank(column.name) is not None
    if column.kind in {"list", "objects"} or (column.kind == "shares" and named):
        return True
    if column.delimiter is not None:
        return column.mean_words <= _MOST_WORDS or named
    recurring = column.share_distinct <= _MOST_DISTINCT and column.mean_words <= _MOST_WORDS
    several = column.n_distinct > 1 or (named and n_rows > 1)
    few_numbers = column.kind in {"flags", "integers"} and column.n_distinct <= _MOST_NUMBERS
    return recurring and several and (named or column.kind == "text" or few_numbers)


def _name_rank(name: str) -> tuple[int, int, bool] | None:
    """Return tier, place in the tier and whether the whole name is one of `LABEL_NAMES`; None where none is in it."""
    words = split_words(name)
    if words & NEVER_LABELS and name.lower() not in LABEL_NAMES[0]:
        return None
    for tier, names in enumerate(LABEL_NAMES):
        for place, known in enumerate(names):
            if known in words:
                return tier, place, name.lower() == known
    return None


def _strength(column: ColumnSummary) -> tuple[int, float]:
    """Return how strongly a column claims to be the labels: first the kind of claim, then its degree."""
    rank = _name_rank(column.name)
    if rank is None:
        spoken_against = bool(split_words(column.name) & NEVER_LABELS) + (column.kind != "text")
        return _SHAPE, -spoken_against - column.share_distinct
    tier, place, exact = rank
    degree = -tier - place / 100 - (0 if exact else 0.5)
    return (_EXACT if exact and tier < 2 else _NAMED), degree  # noqa: PLR2004 - the two surest tiers


def _of_column(column: ColumnSummary) -> LabelGuess:
    if column.kind == "list":
        return LabelGuess((column.name,), "list", None, f"{column.name} holds lists")
    if column.kind in {"objects", "shares"}:
        what = "objects of name and share" if column.kind == "objects" else "shares between 0 and 1"
        return LabelGuess((column.name,), "fractions", None, f"{column.name} holds {what}; {_HELD}")
    if column.delimiter is not None:
        reason = f"{column.name} holds names joined by {column.delimiter!r} that come again in other rows"
        return LabelGuess((column.name,), "delimited", column.delimiter, reason)
    shown = ", ".join(column.examples)
    reason = f"{column.name} holds {column.n_distinct} values that come again: {shown[:60]}"
    return LabelGuess((column.name,), "single", None, reason)


def _of_neighbours(columns: Sequence[ColumnSummary]) -> LabelGuess | None:
    """Return the longest run of neighbouring columns of 0 and 1, or of shares, or None where it is short."""
    run = max(_longest_run(columns, {"flags"}), _longest_run(columns, {"flags", "shares"}), key=len)
    names = tuple(column.name for column in run)
    if len(run) < _LEAST_FLAGS:
        return None
    if all(column.kind == "flags" for column in run):
        return LabelGuess(names, "onehot", None, f"{len(run)} columns of 0 and 1 side by side")
    return LabelGuess(names, "fractions", None, f"{len(run)} columns of shares between 0 and 1 side by side; {_HELD}")


def _longest_run(columns: Sequence[ColumnSummary], kinds: set[str]) -> list[ColumnSummary]:
    """Return the longest run of neighbouring, filled columns of these kinds; a share of a confidence is none."""
    runs = groupby(columns, key=lambda column: column.kind in kinds and column.share_filled == 1 and _free(column))
    return max((list(run) for is_one, run in runs if is_one), key=len, default=[])


def _free(column: ColumnSummary) -> bool:
    return column.kind == "flags" or not split_words(column.name) & NEVER_LABELS
