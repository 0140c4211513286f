"""The model's surest errors and the table in; those errors with their texts out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from evenly.formats import read_facts, read_rows
from evenly.report.sources import plain
from evenly.report.visible import clip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["read_errors"]

_MOST_IN_ALL = 8
_MOST_LABELS, _MOST_A_LABEL = 20, 2
_N_CHARACTERS = 300


def read_errors(table: Path, model: Path, labels: Sequence[Mapping[str, Any]], task: str) -> dict[str, Any]:
    """Return `false_alarms`, `misses`, each the surest of all labels, and `by_label`.

    An error has `label`, `score` (what the model gave that label), `row`, `texts` by column, and `held`, the names of
    the labels that the row really has. Where a row has one label, every miss is a false alarm of another label, so
    that `misses` stays empty.

    Parameters
    ----------
    table, model
        The artifacts.
    labels
        Of the figures, with `id`, `name`, `fp`, `fn`.
    task
        binary, multiclass or multilabel.
    """
    errors = pq.read_table(model / "errors.parquet").to_pylist()
    if task != "multilabel":
        errors = [error for error in errors if error["kind"] == "false alarm"]
    alarms = _surest([each for each in errors if each["kind"] == "false alarm"], highest=True)
    misses = _surest([each for each in errors if each["kind"] == "miss"], highest=False)
    most = sorted(labels, key=lambda label: (-((label["fp"] or 0) + (label["fn"] or 0)), label["id"]))[:_MOST_LABELS]
    per_label = {label["id"]: [each for each in errors if each["id"] == label["id"]] for label in most}
    kept = {number: _first(each) for number, each in per_label.items() if each}
    shown = [*alarms, *misses, *(error for each in kept.values() for error in each)]
    names = {label["id"]: label["name"] for label in labels}
    described = _describe(table, shown, names)

    def tell(chosen: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [
            {"kind": each["kind"], "label": names[each["id"]], "score": plain(each["score"]), **described[each["row"]]}
            for each in chosen
        ]

    return {
        "false_alarms": tell(alarms),
        "misses": tell(misses),
        "by_label": [{"label": names[number], "errors": tell(each)} for number, each in kept.items()],
    }


def _surest(errors: Sequence[Mapping[str, Any]], *, highest: bool) -> list[Mapping[str, Any]]:
    """Return the errors that the model was surest of, one a row of the table."""
    sign = -1 if highest else 1
    ordered = sorted(errors, key=lambda each: (sign * each["score"], each["row"], each["id"]))
    by_row: dict[int, Mapping[str, Any]] = {}
    for each in ordered:
        by_row.setdefault(each["row"], each)
    return list(by_row.values())[:_MOST_IN_ALL]


def _first(errors: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    kinds = ("false alarm", "miss")
    return [each for kind in kinds for each in [error for error in errors if error["kind"] == kind][:_MOST_A_LABEL]]


def _describe(table: Path, errors: Sequence[Mapping[str, Any]], names: Mapping[int, str]) -> dict[int, dict[str, Any]]:
    columns: list[str] = read_facts(table)["text_columns"]
    rows = np.unique(np.array([error["row"] for error in errors], np.int64))
    return {
        row["row"]: {
            "row": row["row"],
            "texts": {column: clip(row[column] or "", _N_CHARACTERS) for column in columns},
            "held": [names[label] for label in row["labels"]],
        }
        for row in read_rows(table, rows, [*columns, "labels"]).to_pylist()
    }
