"""The model's curves of precision over recall in; those that are drawn out: all labels pooled, and a few of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from evenly.report.sources import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["read_pr_curves"]

_MOST_LABELS = 5
_ENOUGH = 10
"""Test rows that a label needs before its curve is drawn: of fewer it is a few steps of chance."""


def read_pr_curves(
    model: Path, labels: Sequence[Mapping[str, Any]], *, positive: str | None = None
) -> list[dict[str, Any]]:
    """Return `name` (null: all labels pooled), `source` (model, baseline) and `points` of the curves to be drawn.

    Up to five labels are drawn, from the one with the best F1 to that with the worst; of a binary task only the
    class that is looked for.

    Parameters
    ----------
    model
        The artifact.
    labels
        Of the figures, with `id`, `name`, `positives`, `f1`.
    positive
        The name of the class that a binary task looks for.
    """
    table = pq.read_table(model / "pr_curves.parquet")
    drawn = _choose(labels) if positive is None else [label for label in labels if label["name"] == positive]
    chosen = {label["id"]: label["name"] for label in drawn}
    found: dict[tuple[Any, str], list[list[float]]] = {}
    for row in table.to_pylist():
        if row["id"] is None or row["id"] in chosen:
            points = found.setdefault((row["id"], row["source"]), [])
            points.append([plain(row[name]) for name in ("recall", "precision", "threshold")])
    return [
        {"name": None if number is None else chosen[number], "source": source, "points": sorted(found[number, source])}
        for number in ([None, *chosen] if positive is None else chosen)
        for source in ("model", "baseline")
        if (number, source) in found
    ]


def _choose(labels: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    known = [label for label in labels if (label["positives"] or 0) >= _ENOUGH and label["f1"] is not None]
    ordered = sorted(known, key=lambda label: (-label["f1"], label["id"]))
    if len(ordered) <= _MOST_LABELS:
        return ordered
    step = (len(ordered) - 1) / (_MOST_LABELS - 1)
    return [ordered[round(at * step)] for at in range(_MOST_LABELS)]
