"""Findings with the texts and labels of their examples, as they go into ``checks.json``.

Only here are texts read back, by row number: those of at most 50 rows a finding, and 300 characters are kept of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.formats import read_facts, read_rows
from evenly.inspect.folding import fold_text
from evenly.inspect.words import jaccard, text_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evenly.inspect.findings import Case, Finding, Rows

__all__ = ["describe_findings"]

_MOST_CHARACTERS = 300
_WITH_ALL_TEXTS = ("near_duplicates", "near_conflicts", "splits_share_near")


def describe_findings(findings: Sequence[Finding], rows: Rows, table: Path) -> list[dict[str, Any]]:
    """Return the entries of ``checks.json``."""
    shown = sorted({row for finding in findings for case in finding.examples for row in case.rows})
    columns = read_facts(table)["text_columns"]
    read = read_rows(table, np.array(shown, np.int64), columns).select(columns).to_pylist()
    texts = {row: [of_row[name] or "" for name in columns] for row, of_row in zip(shown, read, strict=True)}
    return [_describe(finding, rows, texts) for finding in findings]


def _describe(finding: Finding, rows: Rows, texts: dict[int, list[str]]) -> dict[str, Any]:
    examples = [_example(case, rows, texts) for case in finding.examples]
    if finding.name in _WITH_ALL_TEXTS:
        examples = [example | _compare([texts[row] for row in example["rows"]]) for example in examples]
    entry = {name: getattr(finding, name) for name in ("name", "title", "sentence", "rows", "cases", "severity")}
    return {**entry, **finding.more, "examples": examples}


def _example(case: Case, rows: Rows, texts: dict[int, list[str]]) -> dict[str, Any]:
    names, labels = rows.label_names, rows.labels
    held = [labels.indices[labels.indptr[row] : labels.indptr[row + 1]].tolist() for row in case.rows]
    return {
        "n_rows": case.n_rows,
        "rows": case.rows,
        "text": _cut(texts[case.rows[0]]),
        "labels": [[names[label] for label in sorted(of_row)] for of_row in held],
        **case.more,
    }


def _compare(texts: list[list[str]]) -> dict[str, Any]:
    """Return all texts, and how near the first two different ones are."""
    folded = [[fold_text(column) for column in text] for text in texts]
    other = next((i for i, text in enumerate(folded) if text != folded[0]), 0)
    one, two = ({word for column in texts[i] for word in text_words(column)} for i in (0, other))
    return {"texts": [_cut(text) for text in texts], "similarity": round(jaccard(one, two), 4)}


def _cut(columns: list[str]) -> str:
    text = " | ".join(columns)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"
