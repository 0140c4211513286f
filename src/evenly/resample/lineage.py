"""The proof that nothing but train rows goes into the train split.

Checked on every build: no parent of an added row lies in another split, nor shares its unit (its text, its group)
with a row of another split.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.errors import EvenlyError
from evenly.formats import SPLITS, SplitRows

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Lineage", "LineageError", "trace_parents"]


class LineageError(EvenlyError, RuntimeError):
    """A row of another split, or a twin of one, is the parent of an added row: a defect of evenly."""


@dataclass(frozen=True)
class Lineage:
    """What the added rows of a plan come from.

    Attributes
    ----------
    parents
        Distinct rows that are copied, or are seed or reference of a synthetic row.
    outside_train
        Parents in another split.
    twins_outside
        Parents in train whose unit also holds a row of another split.
    """

    parents: int
    outside_train: int
    twins_outside: int

    def refuse_leaks(self, *, split_was_given: bool) -> None:
        """Raise where a parent leaks; a split that the user gave may hold twins, which is for the user to mend.

        Raises
        ------
        LineageError
            A parent lies outside of the train split, or has a twin there in a split that evenly made.
        """
        leaks = self.outside_train + (0 if split_was_given else self.twins_outside)
        if leaks:
            raise LineageError(
                f"{leaks} of {self.parents} parents of added rows lie outside of the train split or have a twin "
                f"there. This is a defect of evenly: please report it with the config."
            )


def trace_parents(parents: NDArray[np.int64], split: SplitRows) -> Lineage:
    """Return where the given rows (repeats allowed) and their units stand."""
    parents, _ = np.unique(parents, return_counts=True)  # with counts NumPy sorts, without it hashes: far slower
    in_train = split.code == SPLITS.index("train")
    inside = parents[in_train[parents]]
    outside = split.code > SPLITS.index("train")  # a row in no split cannot leak
    leaking_units, _ = np.unique(split.unit[outside], return_counts=True)
    twins = np.isin(split.unit[inside], leaking_units)
    return Lineage(len(parents), len(parents) - len(inside), int(twins.sum()))
