"""Figures in; the columns and rows of the table of labels out, for the page and for the script that sorts it.

The first rows stand in the page itself; all of them lie beside it as JSON, and the script shows a page of them at a
time, so that ten thousand labels open, sort and filter at once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from markupsafe import Markup

from evenly.report.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ROWS_A_PAGE", "Column", "as_json", "inspection_columns", "report_columns"]

ROWS_A_PAGE = 100

Kind = Literal["name", "text", "number", "ratio", "score", "span", "bar", "share"]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes
    ----------
    title
        Its head.
    key
        Of the value in a label of the figures; of a `span` the keys of its ends.
    kind
        How it is shown: text; a number in one of several ways; `bar`, a score with a bar; `share`, a share with one.
    sorted
        Whether the rows come in its order, highest first.
    """

    title: str
    key: str | tuple[str, str]
    kind: Kind
    sorted: bool = False

    def value(self, label: Mapping[str, Any]) -> Any:
        """Return the value of one label: text, a number, a pair of them, or None."""
        if isinstance(self.key, str):
            return label[self.key]
        ends = [label[key] for key in self.key]
        return None if None in ends else ends


def report_columns(figures: Mapping[str, Any]) -> list[Column]:
    """Return the columns of the report of a run: groups, resampling and thresholds only where there are any."""
    labels = figures["labels"]
    several = figures["task"] != "binary"
    thresholds = any(label["threshold"] is not None for label in labels)
    resampled = figures["resampling"]["method"] != "none"
    return [
        Column("Label", "name", "name"),
        *([Column("Group", "group", "text")] if several else []),
        Column("Train rows", "before", "number", sorted=True),
        *([Column("After", "after", "number")] if resampled else []),
        Column("Test rows", "positives", "number"),
        Column("Found", "tp", "number"),
        Column("Missed", "fn", "number"),
        Column("False alarms", "fp", "number"),
        Column("Precision", "precision", "score"),
        Column("Recall", "recall", "score"),
        Column("F1", "f1", "bar"),
        Column("95 % interval", ("f1_low", "f1_high"), "span"),
        Column("PR-AUC", "pr_auc", "score"),
        *([Column("Threshold", "threshold", "score")] if thresholds else []),
        Column("IRLbl", "irlbl_before", "ratio"),
    ]


def inspection_columns(figures: Mapping[str, Any]) -> list[Column]:
    """Return the columns of the inspection of a table."""
    scumble = [Column("SCUMBLE", "scumble_lbl", "score")] if figures["task"] == "multilabel" else []
    return [
        Column("Label", "name", "name"),
        Column("Rows", "rows", "number", sorted=True),
        Column("Share", "share", "share"),
        Column("IRLbl", "irlbl", "ratio"),
        *scumble,
    ]


def as_json(columns: Sequence[Column], labels: Sequence[Mapping[str, Any]]) -> Markup:
    """Return `page`, `kinds` and `rows` as JSON that can stand in a page: no character of it ends the script."""
    rows = [[_shown(column.value(label)) for column in columns] for label in labels]
    data = {"page": ROWS_A_PAGE, "kinds": [column.kind for column in columns], "rows": rows}
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - escaped just now


def _shown(value: Any) -> Any:
    return visible(value) if isinstance(value, str) else value
