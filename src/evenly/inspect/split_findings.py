"""Findings on the splits that a table names itself: what is in two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.inspect.findings import Case, Finding, Rows, count, gather_cases, torn_cases

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["find_shared_between_splits"]

_WHAT = (
    ("splits_share_texts", "Texts in two of the given splits", "the same text", "text"),
    ("splits_share_near", "Nearly the same texts in two of the given splits", "nearly the same text", "cluster"),
    ("splits_share_groups", "Groups in two of the given splits", "rows of the same group", "group"),
)


def find_shared_between_splits(rows: Rows) -> list[Finding]:
    """Return the texts, near texts and groups that are in two or more of the given splits, a finding for each."""
    n_rows = len(rows.labelset)
    if rows.given is None:
        return [_finding(rows, what, np.arange(n_rows), np.zeros(n_rows, np.bool_)) for what in _WHAT]
    code, named = rows.given.code, rows.given.code >= 0
    same = torn_cases(rows.texts.same, code, named)
    near = torn_cases(rows.texts.near, code, named) & ~same
    group = torn_cases(rows.texts.group, code, named)
    found = ((rows.texts.same, same), (rows.texts.near, near), (rows.texts.group, group))
    return [_finding(rows, what, *affected) for what, affected in zip(_WHAT, found, strict=True)]


def _finding(
    rows: Rows, what: tuple[str, str, str, str], of_case: NDArray[np.int64], affected: NDArray[np.bool_]
) -> Finding:
    name, title, shared, noun = what
    n, given = int(affected.sum()), rows.given
    cases, examples = gather_cases(of_case, affected, None if given is None else given.code)
    said = (
        f"{count(n, 'row')} ({count(cases, noun)}): the table's own splits share {shared}. A model is tested on what "
        f"it was taught, and figures are too good. Leave source.split out and let evenly split, or remove the rows."
    )
    none = "The table names no splits of its own." if given is None else f"No two given splits share {shared}."
    return Finding(
        name=name,
        title=title,
        sentence=said if n else none,
        rows=n,
        cases=cases,
        severity="warning" if n else "ok",
        examples=[_with_splits(rows, case) for case in examples],
        more={"given": given is not None},
    )


def _with_splits(rows: Rows, case: Case) -> Case:
    if rows.given is None:
        return case
    return Case(case.n_rows, case.rows, {"splits": [rows.given.names[rows.given.code[row]] for row in case.rows]})
