"""Rows that are in one split and have their like in another: what given splits are checked for.

Comes in: the split of every row, and which rows have the same text, nearly the same text, the same group. Goes out:
the rows of units in several splits, and how many there are by each relation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.formats import SPLITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.formats import RowChecks

__all__ = ["Leaks", "find_leaks"]


@dataclass(frozen=True)
class Leaks:
    """What `find_leaks` finds.

    Attributes
    ----------
    rows
        Ascending, int64: rows whose unit (any chain of the relations) is in several splits.
    same_text, near_text, same_group
        Rows with the same text, with nearly but not quite the same one, of the same group, in another split.
    """

    rows: NDArray[np.int64]
    same_text: int
    near_text: int
    same_group: int

    def by_relation(self) -> dict[str, int]:
        """Return the counts by the name of the relation."""
        return {"same_text": self.same_text, "near_text": self.near_text, "same_group": self.same_group}


def find_leaks(code: NDArray[np.int8], unit: NDArray[np.int64], checks: RowChecks) -> Leaks:
    """Look for rows of one kind in several splits; rows in none (-1) do not count.

    Parameters
    ----------
    code, unit
        Shape (n_rows,): the split and the unit of every row.
    checks
        The relations of which the units are made.
    """
    same, near = _in_several(code, checks.same_text), _in_several(code, checks.near_text)
    return Leaks(
        np.flatnonzero(_in_several(code, unit)),
        int(same.sum()),
        int((near & ~same).sum()),
        int(_in_several(code, checks.same_group).sum()),
    )


def _in_several(code: NDArray[np.int8], kind: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows are in a split while a row of the same kind is in another, shape (n_rows,)."""
    used = code >= 0
    present = np.zeros((len(code), len(SPLITS)), np.bool_)
    present[kind[used], code[used]] = True
    several: NDArray[np.bool_] = used & (present.sum(axis=1)[kind] > 1)
    return several
