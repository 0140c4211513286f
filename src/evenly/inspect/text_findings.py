"""Findings on texts: those that are there twice, nearly twice, with other labels, and those of an odd length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.inspect.findings import MOST_CASES, Case, Finding, Rows, count, gather_cases, torn_cases

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "find_commonest",
    "find_conflicts",
    "find_duplicates",
    "find_long",
    "find_near",
    "find_near_conflicts",
    "find_short",
]

_LONG_WORDS, _LONG_RATIO = 1_000, 10
_MOST_REPEATED, _MOST_OF_ONE = 0.5, 0.05


def _with_copy(rows: Rows) -> NDArray[np.bool_]:
    """Return the rows whose text is there more than once."""
    same = rows.texts.same
    copied = np.zeros(len(same), np.bool_)
    copied[same[same != np.arange(len(same))]] = True
    return copied[same]


def _everywhere(rows: Rows) -> NDArray[np.bool_]:
    return np.ones(len(rows.labelset), np.bool_)


def find_duplicates(rows: Rows) -> Finding:
    """Return the texts that are there more than once."""
    n_rows = len(rows.labelset)
    repeats = int((rows.texts.same != np.arange(n_rows)).sum())
    copied = _with_copy(rows)
    cases, examples = gather_cases(rows.texts.same, copied, rows.labelset)
    agreeing = int((copied & ~torn_cases(rows.texts.same, rows.labelset, copied)).sum())
    said = (
        f"{count(repeats, 'row')} of {n_rows:,} repeat the text of an earlier row: {n_rows - repeats:,} different "
        f"texts. They stay in one split; what matters for learning and for figures is the number of different texts."
    )
    return Finding(
        name="duplicate_texts",
        title="Texts that are there twice",
        sentence=said if repeats else "No text is there twice.",
        rows=repeats,
        cases=cases,
        severity="warning" if repeats > _MOST_REPEATED * n_rows else "note" if repeats else "ok",
        examples=examples,
        more={"n_distinct": n_rows - repeats, "n_agreeing": agreeing},
    )


def find_commonest(rows: Rows) -> Finding:
    """Return the text of most rows."""
    cases = gather_cases(rows.texts.same, _with_copy(rows), rows.labelset)[1][:1]
    n = cases[0].n_rows if cases else 0
    share = n / max(1, len(rows.labelset))
    said = (
        f"The commonest text stands in {count(n, 'row')} ({share:.1%} of all). Look whether it is a text at all, "
        f"or a placeholder that should be left out."
    )
    return Finding(
        name="commonest_text",
        title="The commonest text",
        sentence=said if n else "No text is there twice.",
        rows=n,
        cases=len(cases),
        severity="warning" if share > _MOST_OF_ONE else "note" if n else "ok",
        examples=cases,
        more={"share": share},
    )


def find_conflicts(rows: Rows, on_conflict: str, used: NDArray[np.bool_]) -> Finding:
    """Return the texts that have two or more labelsets."""
    torn = torn_cases(rows.texts.same, rows.labelset, _everywhere(rows))
    cases, examples = gather_cases(rows.texts.same, torn, rows.labelset)
    n, unused = int(torn.sum()), int((~used).sum())
    done = {
        "keep": "All of them are used; checks.on_conflict: first or drop leaves rows out.",
        "first": f"Those that differ from the first row of their text are left out ({count(unused, 'row')}).",
        "drop": f"None of them is used ({count(unused, 'row')}).",
    }
    said = (
        f"{count(cases, 'text')} ({count(n, 'row')}) with different labels in different rows: no model can get both "
        f"right, and a label was forgotten or two people disagree. {done[on_conflict]}"
    )
    return Finding(
        name="conflicting_labels",
        title="The same text with other labels",
        sentence=said if n else "Rows with the same text have the same labels.",
        rows=n,
        cases=cases,
        severity="warning" if n else "ok",
        examples=examples,
        more={"on_conflict": on_conflict, "n_unused": unused},
    )


def _in_near_cluster(rows: Rows) -> NDArray[np.bool_]:
    """Return the rows of clusters of two or more texts."""
    return torn_cases(rows.texts.near, rows.texts.same, _everywhere(rows))


def find_near(rows: Rows, threshold: float | None) -> Finding:
    """Return the clusters of texts that are nearly the same."""
    near = _in_near_cluster(rows)
    cases, examples = gather_cases(rows.texts.near, near, rows.texts.same)
    n = int(near.sum())
    said = (
        f"{count(n, 'row')} in {count(cases, 'cluster')} of texts that share most of their words (Jaccard "
        f"{threshold:g} or more). They stay in one split."
        if n
        else f"No two different texts share that many of their words (Jaccard {threshold:g} or more)."
        if threshold is not None
        else "Not looked for. checks.near_duplicates: 0.8 finds texts that share most of their words and keeps them "
        "in one split."
    )
    return Finding(
        name="near_duplicates",
        title="Texts that are nearly the same",
        sentence=said,
        rows=n,
        cases=cases,
        severity="note" if n else "ok",
        examples=examples,
        more={"threshold": threshold},
    )


def find_near_conflicts(rows: Rows, threshold: float | None) -> Finding:
    """Return the clusters of near texts whose rows do not all have the same labels."""
    torn = torn_cases(rows.texts.near, rows.labelset, _in_near_cluster(rows))
    cases, examples = gather_cases(rows.texts.near, torn, rows.labelset)
    n = int(torn.sum())
    said = (
        f"{count(n, 'row')} in {count(cases, 'cluster')} of nearly the same texts with different labels. Read some: "
        f"either the few words that differ decide, or the labels are not sure."
    )
    none = "Not looked for." if threshold is None else "Nearly the same texts have the same labels."
    return Finding(
        name="near_conflicts",
        title="Nearly the same text with other labels",
        sentence=said if n else none,
        rows=n,
        cases=cases,
        severity="note" if n else "ok",
        examples=examples,
    )


def find_short(rows: Rows) -> Finding:
    """Return the texts of one word or none."""
    short = rows.texts.words <= 1
    cases, examples = gather_cases(rows.texts.same, short, rows.labelset)
    n, empty = int(short.sum()), int((rows.texts.words == 0).sum())
    said = f"{count(n, 'row')} of one word or none ({empty:,} empty). There is little to learn from them."
    return Finding(
        name="short_texts",
        title="Texts of one word",
        sentence=said if n else "Every text has two words or more.",
        rows=n,
        cases=cases,
        severity="note" if n else "ok",
        examples=examples,
        more={"n_empty": empty},
    )


def find_long(rows: Rows) -> Finding:
    """Return the texts that are far longer than the others."""
    words = rows.texts.words
    median = float(np.median(words)) if len(words) else 0.0
    limit = max(_LONG_WORDS, int(_LONG_RATIO * median))
    long = np.flatnonzero(words > limit)
    longest = long[np.argsort(-words[long], kind="stable")][:MOST_CASES]
    said = (
        f"{count(len(long), 'row')} of more than {limit:,} words (median {median:,.0f}). Most of such a text is cut "
        f"off before training; an unclosed quote in the source can make one of many rows."
    )
    return Finding(
        name="long_texts",
        title="Very long texts",
        sentence=said if len(long) else f"No text has more than {limit:,} words.",
        rows=len(long),
        cases=len(long),
        severity="note" if len(long) else "ok",
        examples=[Case(1, [int(row)], {"words": [int(words[row])]}) for row in longest],
        more={"limit": limit, "median": median},
    )
