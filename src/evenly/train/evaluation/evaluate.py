"""One model, judged: its rule tuned on validation, its measures on validation and test, its predictions written.

The network and both baselines go through here, so that their figures mean the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.formats import LABELS_TYPE, label_lists
from evenly.train.evaluation.decisions import tune_decision
from evenly.train.evaluation.metrics import GROUPS, label_groups, measure_split
from evenly.train.evaluation.ranking import iter_blocks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.formats import Task
    from evenly.train.evaluation.decisions import Decision
    from evenly.train.evaluation.metrics import LabelMeasures

__all__ = ["Evaluation", "Scored", "evaluate", "write_per_label", "write_predictions"]

_PREDICTIONS = pa.schema(
    {
        "row": pa.int64(),
        "split": pa.string(),
        "labels": LABELS_TYPE,
        "scores": pa.list_(pa.float32()),
        "predicted": LABELS_TYPE,
    }
)


@dataclass(frozen=True)
class Scored:
    """The rows of a split with their labels and scores.

    Attributes
    ----------
    rows
        Shape (n_rows,), int64, ascending: their numbers in the table.
    labels
        Shape (n_rows, n_labels), int8.
    scores
        Shape (n_rows, n_labels), float32: probabilities; may be a memory map.
    """

    rows: NDArray[np.int64]
    labels: sparse.csr_matrix
    scores: NDArray[np.float32]


@dataclass(frozen=True)
class Evaluation:
    """What is found about a model, by split: `validation` and `test`."""

    decision: Decision
    metrics: dict[str, dict[str, float]]
    per_label: dict[str, LabelMeasures]
    predicted: dict[str, sparse.csr_matrix]
    groups: NDArray[np.int8]


def evaluate(
    scored: Mapping[str, Scored], *, task: Task, train_counts: NDArray[np.int64], decision: Decision | None = None
) -> Evaluation:
    """Tune the rule on ``scored["validation"]`` and measure every split.

    Parameters
    ----------
    scored
        `validation`, and whatever else is to be measured.
    task
        binary, multiclass or multilabel.
    train_counts
        Shape (n_labels,): training rows that hold each label.
    decision
        A rule that is not to be tuned.
    """
    if decision is None:
        tuning = scored["validation"]
        decision = tune_decision(tuning.scores, tuning.labels, task=task, train_counts=train_counts)
    groups = label_groups(train_counts)
    predicted = {split: decision.predict(part.scores) for split, part in scored.items()}
    measured = {
        split: measure_split(part.labels, part.scores, predicted[split], groups=groups, positive=decision.positive)
        for split, part in scored.items()
    }
    metrics = {split: found for split, (found, _) in measured.items()}
    return Evaluation(decision, metrics, {split: each for split, (_, each) in measured.items()}, predicted, groups)


def write_predictions(path: Path, scored: Mapping[str, Scored], predicted: Mapping[str, sparse.csr_matrix]) -> None:
    """Write `row`, `split`, `labels`, `scores` and `predicted` of every row, a row group at a time."""
    with pq.ParquetWriter(path, _PREDICTIONS, compression="zstd") as writer:
        for split, part in scored.items():
            for block in iter_blocks(len(part.rows), part.scores.shape[1]):
                writer.write_table(_as_table(split, part, predicted[split], block))


def _as_table(split: str, part: Scored, predicted: sparse.csr_matrix, block: slice) -> pa.Table:
    scores = part.scores[block]
    n_rows, n_labels = scores.shape
    offsets = np.arange(n_rows + 1, dtype=np.int32) * n_labels
    columns = [
        pa.array(part.rows[block]),
        pa.array([split] * n_rows, pa.string()),
        label_lists(part.labels[block]),
        pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.ascontiguousarray(scores).ravel())),
        label_lists(predicted[block]),
    ]
    return pa.Table.from_arrays(columns, schema=_PREDICTIONS)


def write_per_label(path: Path, evaluation: Evaluation, names: Sequence[str]) -> None:
    """Write the measures of every label and split: null where one is not defined there."""
    pieces = [_per_label(split, each, evaluation, names) for split, each in evaluation.per_label.items()]
    pq.write_table(pa.concat_tables(pieces), path, compression="zstd")


def _per_label(split: str, each: LabelMeasures, evaluation: Evaluation, names: Sequence[str]) -> pa.Table:
    n_labels = len(names)
    thresholds = evaluation.decision.thresholds
    shown = thresholds if len(thresholds) else np.full(n_labels, np.nan)
    groups = [GROUPS[group] if group >= 0 else None for group in evaluation.groups]
    measures = {name: _nullable(getattr(each, name)) for name in ("precision", "recall", "f1", "pr_auc", "roc_auc")}
    return pa.table(
        {
            "id": pa.array(np.arange(n_labels, dtype=np.int32)),
            "name": pa.array(list(names), pa.string()),
            "split": pa.array([split] * n_labels, pa.string()),
            "positives": pa.array(each.positives),
            "predicted": pa.array(each.predicted),
            "tp": pa.array(each.true_positives),
            "fp": pa.array(each.predicted - each.true_positives),
            "fn": pa.array(each.positives - each.true_positives),
            **measures,
            "threshold": _nullable(shown),
            "group": pa.array(groups, pa.string()),
        }
    )


def _nullable(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~np.isfinite(values))
