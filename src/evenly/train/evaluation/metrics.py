"""How good predictions are: of every label, and of all of them.

In: the labels of some rows (sparse), their scores and what is predicted (sparse). Out: plain floats, whose names say
how they are averaged:

=================  ==============================================================================================
`_macro`           mean over the labels that a row of the split holds (`n_labels_averaged`), never over empty ones,
                   which would only dilute it; of ROC-AUC over those that also lack in a row (`n_labels_roc_auc`)
`_micro`           every cell of rows and labels pooled
`_weighted`        the mean of `_macro`, weighted by the rows that hold the label
`_samples`         mean over rows; 0 for a row without labels and predictions
`_macro_head` ...  mean over the labels of one group, by train rows (`n_labels_head` of them are averaged)
`_positive`        of the positive class of a binary task
`_at_k`            mean over the rows that hold a label (`n_rows_labelled`): the k highest scores of each
=================  ==============================================================================================

All equal scikit-learn's figures over the same labels and rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.train.evaluation.ranking import rank_all_positives, rank_label_positives
from evenly.train.evaluation.row_measures import row_ratios

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.formats import Task
    from evenly.train.evaluation.ranking import RankedPositives
    from evenly.train.evaluation.row_measures import RowRatios

__all__ = [
    "GROUPS",
    "LabelMeasures",
    "SplitMeasures",
    "column_sums",
    "f1_of_counts",
    "label_groups",
    "macro_pr_auc",
    "mean_defined",
    "measure_labels",
    "measure_split",
]

GROUPS = ("head", "medium", "tail")


@dataclass(frozen=True)
class LabelMeasures:
    """Measures of every label, each of shape (n_labels,); NaN where one is not defined.

    `positives` rows hold the label, it is `predicted` for so many, of which `true_positives` hold it. Precision, recall
    and F1 are 0 for a label that is held but never predicted right, NaN for one that no row holds.
    """

    positives: NDArray[np.int64]
    predicted: NDArray[np.int64]
    true_positives: NDArray[np.int64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    pr_auc: NDArray[np.float64]
    roc_auc: NDArray[np.float64]


@dataclass(frozen=True)
class SplitMeasures:
    """What is measured on the rows of a split.

    Attributes
    ----------
    metrics
        Name to value; what is not defined there is left out.
    per_label
        The measures of every label.
    rows
        Those that are sums over rows.
    ranked, pooled
        The positives of every label among its scores, and those of all labels together.
    """

    metrics: dict[str, float]
    per_label: LabelMeasures
    rows: RowRatios
    ranked: RankedPositives
    pooled: RankedPositives


def label_groups(train_counts: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return 0 (head), 1 (medium) or 2 (tail) for every label, -1 for one without training rows.

    The labels in the order of their training counts (ties: by id) are cut into thirds.

    Parameters
    ----------
    train_counts
        Shape (n_labels,): training rows that hold the label, without copies.
    """
    order = np.argsort(-train_counts, kind="stable")
    groups = np.full(len(train_counts), -1, np.int8)
    for group, members in enumerate(np.array_split(order[train_counts[order] > 0], len(GROUPS))):
        groups[members] = group
    return groups


def measure_labels(labels: sparse.csr_matrix, predicted: sparse.csr_matrix, ranked: RankedPositives) -> LabelMeasures:
    """Measure every label.

    Parameters
    ----------
    labels, predicted
        Shape (n_rows, n_labels), int8: 1 where a row holds the label, where it is predicted.
    ranked
        From `rank_label_positives` of the scores.
    """
    true, given, hits = column_sums(labels), column_sums(predicted), column_sums(labels.multiply(predicted))
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(true > 0, np.nan_to_num(hits / given), np.nan)
        recall = hits / true
    f1 = f1_of_counts(true, given, hits)
    return LabelMeasures(true, given, hits, precision, recall, f1, ranked.average_precision(), ranked.roc_auc())


def f1_of_counts(true: NDArray[np.number], given: NDArray[np.number], hits: NDArray[np.number]) -> NDArray[np.float64]:
    """Return 2 TP / (held + predicted), of any shape; NaN where nothing is held."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: NDArray[np.float64] = np.where(true > 0, 2 * hits / (true + given), np.nan)
    return found


def macro_pr_auc(scores: NDArray[np.float32], labels: sparse.csr_matrix) -> float:
    """Return the mean average precision over the labels that some row holds; NaN where there are none."""
    return mean_defined(rank_label_positives(scores, labels).average_precision())


def measure_split(
    labels: sparse.csr_matrix,
    scores: NDArray[np.float32],
    predicted: sparse.csr_matrix,
    *,
    task: Task,
    groups: NDArray[np.int8],
    weight_of: NDArray[np.float64],
    positive: int | None = None,
) -> SplitMeasures:
    """Measure the rows of one split.

    Parameters
    ----------
    labels, predicted
        Shape (n_rows, n_labels), int8.
    scores
        Shape (n_rows, n_labels), float32; may be a memory map.
    task
        binary, multiclass or multilabel.
    groups
        From `label_groups`.
    weight_of
        Shape (n_labels,): 1 / `propensities`.
    positive
        The positive class of a binary task; its own measures are added.
    """
    ranked, pooled = rank_label_positives(scores, labels), rank_all_positives(scores, labels)
    each = measure_labels(labels, predicted, ranked)
    rows = row_ratios(labels, scores, predicted, task=task, weight_of=weight_of)
    found: dict[str, float] = {
        "n_rows": labels.shape[0],
        "n_rows_labelled": int((np.diff(labels.indptr) > 0).sum()),
        "n_labels_averaged": int((each.positives > 0).sum()),
    }
    if each.positives.any():
        found |= _averages(each) | _of_groups(each, groups)
        found |= {"pr_auc_micro": pooled.average_precision()[0], "roc_auc_micro": pooled.roc_auc()[0]}
        if not each.predicted.any():
            found["precision_micro"] = 0.0  # as of a label that is never predicted
    found = dict(zip(rows.names, rows.values(), strict=True)) | found
    if positive is not None:
        for name in ("precision", "recall", "f1", "pr_auc", "roc_auc"):
            found[f"{name}_positive"] = getattr(each, name)[positive]
    return SplitMeasures(_defined(found), each, rows, ranked, pooled)


_OF_A_LABEL = ("precision", "recall", "f1", "pr_auc", "roc_auc")


def _averages(each: LabelMeasures) -> dict[str, float]:
    weights = each.positives / each.positives.sum()
    return {
        **{f"{name}_macro": mean_defined(getattr(each, name)) for name in _OF_A_LABEL},
        **{f"{name}_weighted": float(np.nansum(getattr(each, name) * weights)) for name in _OF_A_LABEL[:3]},
        "n_labels_roc_auc": int(np.isfinite(each.roc_auc).sum()),
    }


def _of_groups(each: LabelMeasures, groups: NDArray[np.int8]) -> dict[str, float]:
    found: dict[str, float] = {}
    for number, group in enumerate(GROUPS):
        members = groups == number
        found |= {f"{name}_macro_{group}": mean_defined(getattr(each, name)[members]) for name in ("f1", "pr_auc")}
        found[f"n_labels_{group}"] = int((each.positives[members] > 0).sum())
    return found


def column_sums(matrix: sparse.csr_matrix) -> NDArray[np.int64]:
    """Return how many rows hold each label, shape (n_labels,)."""
    return np.bincount(matrix.tocoo().col, minlength=matrix.shape[1]).astype(np.int64)


def mean_defined(values: NDArray[np.float64]) -> float:
    """Return the mean of what is defined, NaN where nothing is."""
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def _defined(found: Mapping[str, float]) -> dict[str, float]:
    return {
        name: int(value) if isinstance(value, int | np.integer) else float(value)
        for name, value in found.items()
        if np.isfinite(value)
    }
