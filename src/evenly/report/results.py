"""The model's files in; its figures beside those of the baselines, label by label and over the epochs, out."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from evenly.report.sources import plain, read_columns, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["GROUPS", "group_figures", "label_scores", "read_curves", "read_metrics", "read_thresholds", "totals"]

GROUPS = ("head", "medium", "tail")
_MEASURES = ("precision", "recall", "f1", "pr_auc", "roc_auc")
_SCORES = ("positives", "predicted", "tp", "fp", "fn", "tn", *_MEASURES, "f1_low", "f1_high", "threshold", "group")
_NOT_CURVES = {"epoch", "epochs", "seconds", "time", "learning_rate", "lr", "steps", "step"}


def read_metrics(model: Path) -> dict[str, dict[str, Any]]:
    """Return ``metrics.json`` by where the figure is from: ``test``, ``validation``, ``baseline``, ..."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for key, value in plain(read_json(model / "metrics.json")).items():
        where, _, name = key.rpartition("/")
        found[where][name] = value
    return dict(found)


def label_scores(model: Path, split: str = "test") -> dict[int, dict[str, Any]]:
    """Return the measures of every label on one split, by label id."""
    rows = read_columns(model / "per_label.parquet")
    return {row["id"]: {name: row[name] for name in _SCORES} for row in rows if row["split"] == split}


def read_thresholds(model: Path) -> dict[str, Any]:
    """Return the rule of the model; in place of its list of labels `n_own` and `n_global`, by whose threshold it is."""
    rule: dict[str, Any] = plain(read_json(model / "thresholds.json"))
    sources = [label["source"] for label in rule.pop("labels", ())]
    rule.pop("train_counts", None)
    absent = dict.fromkeys(("logit_adjustment_offer", "target_precision", "global", "positive"))
    return {"tau": 0.0} | absent | rule | {"n_own": sources.count("label"), "n_global": sources.count("global")}


def totals(labels: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return the label tags of all test rows together, and how many labels were found or given at all."""
    scored = [label for label in labels if label["positives"]]
    return {
        "positives": sum(label["positives"] for label in scored),
        "predicted": sum(label["predicted"] or 0 for label in labels),
        "tp": sum(label["tp"] for label in scored),
        "labels_tested": len(scored),
        "labels_found": sum(label["tp"] > 0 for label in scored),
        "labels_never_predicted": sum(label["predicted"] == 0 for label in scored),
    }


def group_figures(labels: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return means over the labels of head, medium and tail that the test split holds; empty groups are left out."""
    figures = []
    for group in GROUPS:
        members = [label for label in labels if label["group"] == group]
        tested = [label for label in members if label["positives"]]
        if members:
            figures.append(
                {"group": group, "labels": len(members), "labels_tested": len(tested)} | _means(members, tested)
            )
    return figures


def _means(members: Sequence[Mapping[str, Any]], tested: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    counts = [label["before"] for label in members]
    spans = {"fewest_train_rows": min(counts), "most_train_rows": max(counts)}
    return spans | {f"{name}_macro": _mean([label[name] for label in tested]) for name in _MEASURES}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    mean: float | None = plain(sum(known) / len(known)) if known else None
    return mean


def read_curves(model: Path) -> dict[str, dict[str, list[float | None]]]:
    """Return ``history.json`` as metric to ``train`` and ``validation`` curves, loss first.

    The history is a list of a dict an epoch, or a dict of lists, in Keras' words: ``val_`` before the name of a
    metric says that it is of the validation split.
    """
    curves: dict[str, dict[str, list[float | None]]] = defaultdict(dict)
    for key, values in _by_metric(read_json(model / "history.json")).items():
        validation = key.startswith(("val_", "validation/"))
        name = key.removeprefix("val_").removeprefix("validation/").removeprefix("train/")
        if name not in _NOT_CURVES and any(value is not None for value in values):
            curves[name]["validation" if validation else "train"] = plain(values)
    return {name: curves[name] for name in sorted(curves, key=lambda name: (name != "loss", name))}


def _by_metric(history: Any) -> dict[str, list[float | None]]:
    epochs = history if isinstance(history, list) else None
    if epochs is not None:
        names = dict.fromkeys(name for epoch in epochs for name in epoch)
        history = {name: [epoch.get(name) for epoch in epochs] for name in names}
    return {name: [_number(value) for value in values] for name, values in history.items() if isinstance(values, list)}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
