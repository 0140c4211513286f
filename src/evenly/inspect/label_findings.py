"""Findings on labels: names that are the same but for case or white space, texts that are their label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.imbalance import label_counts, row_numbers
from evenly.inspect.duplicates import first_rows
from evenly.inspect.findings import MOST_CASES, MOST_ROWS, Case, Finding, Rows, count, gather_cases
from evenly.inspect.row_texts import hash_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["find_label_spellings", "find_label_texts"]


def find_label_texts(rows: Rows) -> Finding:
    """Return the rows whose text is the name of a label they hold."""
    found = rows.texts.is_label
    cases, examples = gather_cases(rows.texts.same, found, rows.labelset)
    n = int(found.sum())
    said = (
        f"{count(n, 'row')} whose text is the name of their own label. The label has leaked into the text, or the "
        f"columns are mixed up: such rows teach nothing and make every figure too good."
    )
    return Finding(
        name="text_is_label",
        title="Texts that are their own label",
        sentence=said if n else "No text is the name of its own label.",
        rows=n,
        cases=cases,
        severity="warning" if n else "ok",
        examples=examples,
    )


def find_label_spellings(rows: Rows) -> Finding:
    """Return the labels that are written in two or more ways."""
    first = first_rows(hash_names(rows.label_names))
    several = np.flatnonzero(np.bincount(first, minlength=len(first)) > 1)
    groups = [np.flatnonzero(first == lowest) for lowest in several]
    counts = label_counts(rows.labels)
    groups.sort(key=lambda group: (-int(counts[group].sum()), int(group[0])))
    affected = _holders(rows, np.concatenate(groups)) if groups else np.empty(0, np.int64)
    n_names = sum(len(group) for group in groups)
    said = (
        f"{n_names:,} label names are {count(len(groups), 'name')} but for case or white space, in "
        f"{count(len(affected), 'row')}. To a model they are different labels: merge them in the source."
    )
    return Finding(
        name="label_spellings",
        title="Labels in several spellings",
        sentence=said if groups else "No two labels differ only in case or white space.",
        rows=len(affected),
        cases=len(groups),
        severity="warning" if groups else "ok",
        examples=[_case(rows, group, counts) for group in groups[:MOST_CASES]],
    )


def _holders(rows: Rows, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows that hold one of the labels, ascending."""
    return np.unique(row_numbers(rows.labels)[np.isin(rows.labels.indices, labels)])


def _case(rows: Rows, group: NDArray[np.int64], counts: NDArray[np.int64]) -> Case:
    holders = _holders(rows, group)
    spellings: list[dict[str, Any]] = [
        {"label": rows.label_names[label], "rows": int(counts[label])} for label in group.tolist()
    ]
    return Case(len(holders), holders[:MOST_ROWS].tolist(), {"spellings": spellings})
