"""Whether the first row of a table has names, and what the columns are called.

In: the first records. Out: a yes or no that looks at what tells a name from a value (a name is not a number, does
not come again below it, is short and there once), and unique column names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["fit_header", "has_header", "name_columns"]

_NUMBER = re.compile(r"[-+]?(\d+([.,]\d+)*|\d*\.\d+)([eE][-+]?\d+)?%?")
_LONGEST_NAME = 64
_MOST_WORDS = 6
_ROWS = 1_000


def has_header(records: Sequence[Sequence[str]], wanted: Sequence[str] = ()) -> bool:
    """Return whether the first record has names.

    Parameters
    ----------
    records
        The first rows, equally wide.
    wanted
        Names that the config asks for; where the first record, or the numbered names, have them all, that decides.
    """
    if not records:
        return True
    first = [cell.strip() for cell in records[0]]
    if wanted and set(wanted) <= set(first):
        return True
    if wanted and set(wanted) <= set(name_columns(first, named=False)):
        return False
    if any(_NUMBER.fullmatch(cell) for cell in first) or not all(map(_could_be_name, first)):
        return False
    filled = [cell for cell in first if cell]
    if len(set(filled)) < len(filled):
        return False
    return not _comes_again(first, records[1:_ROWS])


def fit_header(first: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return the first record with as many cells as the rows below it have.

    Missing names are blank: at the end, but where just one is missing and the last column is filled it is the first
    one, as R writes row names.
    """
    n_missing = width - len(first)
    if n_missing == 1 and any(row[-1] for row in rows):
        return ["", *first]
    return [*first, *[""] * n_missing][:width]


def _could_be_name(cell: str) -> bool:
    return len(cell) <= _LONGEST_NAME and len(cell.split()) <= _MOST_WORDS and not cell.endswith((".", "!", "?"))


def _comes_again(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a cell of the first row is also a value further down its column."""
    return any(cell and any(row[index].strip() == cell for row in rows) for index, cell in enumerate(first))


def name_columns(first: Sequence[str], *, named: bool) -> tuple[str, ...]:
    """Return unique names: those of the first record, numbered ones where there are none or they are blank."""
    names: dict[str, None] = {}
    repeated: dict[str, int] = {}  # a hundred thousand columns of one name are numbered in one go
    for index, cell in enumerate(first):
        given = (cell.strip() if named else "") or f"column{index}"
        name = given
        while name in names:
            repeated[given] = repeated.get(given, 0) + 1
            name = f"{given}_{repeated[given]}"
        names[name] = None
    return tuple(names)
