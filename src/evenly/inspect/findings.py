"""What a finding is: how many rows and cases, what it means, and a few cases to look at.

Comes in: for every row the case it belongs to, and which rows are affected. Goes out: `Finding`, with row numbers
where people will read texts (see `evenly.inspect.examples`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.inspect.row_texts import RowTexts

__all__ = ["Case", "Finding", "GivenSplits", "Rows", "Severity", "count", "gather_cases", "torn_cases"]

Severity = Literal["ok", "note", "warning"]
MOST_CASES, MOST_ROWS = 10, 5


@dataclass(frozen=True)
class GivenSplits:
    """The splits that a table names itself.

    Attributes
    ----------
    code
        Shape (n_rows,), int64: index into `names`; -1: none is named.
    names
        In the order of their first rows.
    """

    code: NDArray[np.int64]
    names: list[str]


@dataclass(frozen=True)
class Rows:
    """All that findings are drawn from.

    Attributes
    ----------
    texts
        What is known of the text of every row.
    labels, label_names
        Shape (n_rows, n_labels), and the names in the order of the columns.
    labelset
        Shape (n_rows,), uint64: equal for rows with the same labels.
    given
        None where the table names no splits.
    """

    texts: RowTexts
    labels: sparse.csr_matrix
    label_names: list[str]
    labelset: NDArray[np.uint64]
    given: GivenSplits | None


@dataclass(frozen=True)
class Case:
    """Rows that belong together: how many, the first of them, and what else an example says."""

    n_rows: int
    rows: list[int]
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One entry of ``checks.json`` (format in `evenly.inspect`), with row numbers in place of examples."""

    name: str
    title: str
    sentence: str
    rows: int
    cases: int
    severity: Severity
    examples: list[Case]
    more: dict[str, Any] = field(default_factory=dict)


def torn_cases(of_case: NDArray[np.int64], value: NDArray[Any], among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the rows whose case has two or more different values, shape (n_rows,), bool.

    Parameters
    ----------
    of_case
        Shape (n_rows,): the lowest row of the case of every row.
    value
        Shape (n_rows,).
    among
        Shape (n_rows,): the rows to look at.
    """
    rows = np.flatnonzero(among)
    first = value.copy()
    first[of_case[rows][::-1]] = value[rows][::-1]  # of several, the last write stays: the lowest row's
    torn = np.zeros(len(of_case), np.bool_)
    torn[of_case[rows][value[rows] != first[of_case[rows]]]] = True
    return torn[of_case] & among


def gather_cases(
    of_case: NDArray[np.int64], affected: NDArray[np.bool_], value: NDArray[Any] | None = None
) -> tuple[int, list[Case]]:
    """Return how many cases the affected rows are of, and the largest ones, ties by their lowest row.

    Parameters
    ----------
    of_case
        Shape (n_rows,): the lowest row of the case of every row.
    affected
        Shape (n_rows,), bool.
    value
        Shape (n_rows,): rows with different values are shown first, where a case has more rows than can be shown.
    """
    rows = np.flatnonzero(affected)
    rows = rows[np.argsort(of_case[rows], kind="stable")]
    cases, starts, sizes = np.unique(of_case[rows], return_index=True, return_counts=True)
    largest = np.argsort(-sizes, kind="stable")[:MOST_CASES]
    found = [rows[start : start + size] for start, size in zip(starts[largest], sizes[largest], strict=True)]
    return len(cases), [Case(len(members), _choose(members, value)) for members in found]


def _choose(rows: NDArray[np.int64], value: NDArray[Any] | None) -> list[int]:
    """Return the rows to show, ascending, the first of each value before any second."""
    chosen = np.arange(len(rows))
    if value is not None:
        _, first = np.unique(value[rows], return_index=True)
        chosen = np.concatenate([np.sort(first), np.setdiff1d(chosen, first)])
    shown: list[int] = rows[np.sort(chosen[:MOST_ROWS])].tolist()
    return shown


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, such as ``1,024 rows``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
