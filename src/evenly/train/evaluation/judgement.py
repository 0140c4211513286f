"""A trained network, judged beside the baselines: every file of the model artifact that says how good it is.

``metrics.json``, ``intervals.json``, ``resamples.parquet``, ``thresholds.json``, ``per_label.parquet``,
``pr_curves.parquet``, ``calibration.json``, ``errors.parquet``, ``predictions.parquet`` and ``verdict.json``; what
they hold stands in `evenly.train.evaluation.writing`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from evenly.formats import read_facts, write_json
from evenly.train.evaluation.decisions import DecisionAim
from evenly.train.evaluation.evaluate import evaluate
from evenly.train.evaluation.verdict import compare_with_baseline, headline
from evenly.train.evaluation.warnings import Circumstances, find_warnings
from evenly.train.evaluation.writing import (
    compare_resamples,
    read_resamples,
    write_calibration,
    write_curves,
    write_errors,
    write_intervals,
    write_per_label,
    write_predictions,
    write_resamples,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.formats import Task
    from evenly.train.evaluation.evaluate import Evaluation, Scored
    from evenly.workspace import Workspace

__all__ = ["Subject", "judge_model", "read_circumstances"]


@dataclass(frozen=True)
class Subject:
    """What a network is judged on.

    Attributes
    ----------
    task
        binary, multiclass or multilabel.
    names
        Of the labels.
    train_counts
        Shape (n_labels,), int64: train rows that hold each label, of `n_train`.
    n_train
        Train rows.
    units
        Shape (n_rows_of_the_table,), int64: rows of the same number stand and fall together.
    """

    task: Task
    names: Sequence[str]
    train_counts: NDArray[np.int64]
    n_train: int
    units: NDArray[np.int64]


def judge_model(
    work: Workspace,
    scored: Mapping[str, Scored],
    subject: Subject,
    *,
    train: Mapping[str, float],
    baseline: Path | None = None,
    circumstances: Circumstances = Circumstances(),  # noqa: B008 - frozen
    aim: DecisionAim = DecisionAim(),  # noqa: B008 - frozen
) -> dict[str, float]:
    """Tune the rule on validation, measure, compare, warn; write it all, note it, and return the flat metrics.

    Parameters
    ----------
    work
        Where to write.
    scored
        `validation` and `test`.
    subject
        What the network is judged on.
    train
        Measures of the train rows that were scored: `n_rows`, `pr_auc_macro`.
    baseline
        The artifact of the baselines, of the same split.
    circumstances
        From `read_circumstances`.
    aim
        What the rule is tuned for.
    """
    found = evaluate(
        scored,
        task=subject.task,
        train_counts=subject.train_counts,
        n_train=subject.n_train,
        units=subject.units,
        aim=aim,
    )
    metrics = _flat(found, train, baseline)
    write_json(work.out / "metrics.json", metrics)
    write_json(work.out / "thresholds.json", found.decision.to_json(subject.names))
    write_resamples(work.out / "resamples.parquet", found.resamples)
    beside = None if baseline is None else _beside(found, baseline)
    intervals = write_intervals(work.out / "intervals.json", found, beside)
    write_per_label(work.out / "per_label.parquet", found, subject.names)
    theirs = None if baseline is None else baseline / "pr_curves.parquet"
    write_curves(work.out / "pr_curves.parquet", found, source="model", beside=theirs)
    write_calibration(work.out / "calibration.json", scored, found, subject.task)
    write_errors(work.out / "errors.parquet", scored, found)
    write_predictions(work.out / "predictions.parquet", scored, found.predicted)
    sentences = compare_with_baseline(metrics, intervals.get("difference")) + find_warnings(
        metrics,
        found,
        subject.names,
        train_counts=subject.train_counts,
        circumstances=circumstances,
        baseline_f1=None if baseline is None else _baseline_f1(baseline, len(subject.names)),
    )
    write_json(work.out / "verdict.json", sentences)
    for sentence in (headline(metrics), *sentences):
        work.note(sentence)
    return metrics


def read_circumstances(split: Path, shards: Path) -> Circumstances:
    """Read what the artifacts of the split and the shards say about leaks and truncation."""
    cut = read_facts(shards)
    return Circumstances(
        n_leaked_rows=read_facts(split).get("n_leaked_rows", 0),
        truncated_rows=cut.get("truncated_rows", 0.0),
        lost_tokens=cut.get("lost_tokens", 0.0),
    )


def _flat(found: Evaluation, train: Mapping[str, float], baseline: Path | None) -> dict[str, float]:
    """Return every measure under ``<where>/<name>``."""
    parts: dict[str, Mapping[str, float]] = {
        "test": found.metrics["test"],
        "validation": found.metrics["validation"],
        "train": train,
    }
    if baseline is not None:
        both = json.loads((baseline / "metrics.json").read_text(encoding="utf-8"))
        parts |= {"baseline": both["tfidf_lr"]["test"], "baseline_prior": both["prior"]["test"]}
    return {f"{where}/{name}": value for where, part in parts.items() for name, value in part.items()}


def _beside(found: Evaluation, baseline: Path) -> dict[str, Any]:
    """Return the intervals of the baseline, and of the difference in the same resamples."""
    theirs = json.loads((baseline / "metrics.json").read_text(encoding="utf-8"))["tfidf_lr"]["test"]
    intervals = json.loads((baseline / "intervals.json").read_text(encoding="utf-8"))["test"]
    ours = {} if found.resamples is None else found.resamples.values
    return {
        "baseline": intervals,
        "difference": compare_resamples(
            ours, read_resamples(baseline / "resamples.parquet"), found.metrics["test"], theirs
        ),
    }


def _baseline_f1(baseline: Path, n_labels: int) -> NDArray[np.float64]:
    table = pq.read_table(baseline / "per_label.parquet", filters=[("split", "=", "test")])
    found = np.full(n_labels, np.nan)
    found[table["id"].to_numpy()] = table["f1"].to_numpy(zero_copy_only=False)
    return found
