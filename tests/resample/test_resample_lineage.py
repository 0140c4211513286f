"""No row of another split, nor a twin of one, may be a parent."""

from __future__ import annotations

import numpy as np
import pytest

from evenly.errors import EvenlyError
from evenly.formats import SplitRows
from evenly.resample.lineage import Lineage, LineageError, trace_parents

# rows 0 to 3 train, 4 validation, 5 test; rows 3 and 5 are one unit
SPLIT = SplitRows(np.array([0, 0, 0, 0, 1, 2], np.int8), np.array([0, 1, 1, 3, 4, 3]))


@pytest.mark.parametrize(
    ("parents", "expected"),
    [
        ([], Lineage(0, 0, 0)),
        ([0, 1, 0, 2], Lineage(3, 0, 0)),
        ([0, 3], Lineage(2, 0, 1)),
        ([0, 4, 5], Lineage(3, 2, 0)),
    ],
)
def test_parents_are_traced(parents: list[int], expected: Lineage) -> None:
    assert trace_parents(np.array(parents, np.int64), SPLIT) == expected


@pytest.mark.parametrize("leak", [Lineage(2, 1, 0), Lineage(2, 0, 1)])
def test_leaks_are_refused(leak: Lineage) -> None:
    with pytest.raises(LineageError, match="1 of 2 parents"):
        leak.refuse_leaks(split_was_given=False)
    assert issubclass(LineageError, EvenlyError)
    assert issubclass(LineageError, RuntimeError)


def test_twins_in_a_given_split_are_the_users_to_mend() -> None:
    Lineage(2, 0, 1).refuse_leaks(split_was_given=True)
    with pytest.raises(LineageError):
        Lineage(2, 1, 0).refuse_leaks(split_was_given=True)
