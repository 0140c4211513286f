"""How good predictions are: of every label, and of all of them.

In: the labels of some rows (sparse), their scores and what is predicted (sparse). Out: plain floats. Macro averages
run over the labels that a row of the split holds (`n_labels_averaged`), never over empty ones, which would only
dilute them; micro averages pool every cell. All equal scikit-learn's figures over the same labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.train.evaluation.ranking import rank_all_positives, rank_label_positives

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

__all__ = ["GROUPS", "LabelMeasures", "label_groups", "macro_pr_auc", "measure_labels", "measure_split"]

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


def measure_labels(
    labels: sparse.csr_matrix, scores: NDArray[np.float32], predicted: sparse.csr_matrix
) -> LabelMeasures:
    """Measure every label.

    Parameters
    ----------
    labels, predicted
        Shape (n_rows, n_labels), int8: 1 where a row holds the label, where it is predicted.
    scores
        Shape (n_rows, n_labels), float32.
    """
    true, given, hits = _column_sums(labels), _column_sums(predicted), _column_sums(labels.multiply(predicted))
    ranked = rank_label_positives(scores, labels)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(true > 0, np.nan_to_num(hits / given), np.nan)
        recall = hits / true
        f1 = np.where(true > 0, 2 * hits / (true + given), np.nan)
    return LabelMeasures(true, given, hits, precision, recall, f1, ranked.average_precision(), ranked.roc_auc())


def macro_pr_auc(scores: NDArray[np.float32], labels: sparse.csr_matrix) -> float:
    """Return the mean average precision over the labels that some row holds; NaN where there are none."""
    return _mean(rank_label_positives(scores, labels).average_precision())


def measure_split(
    labels: sparse.csr_matrix,
    scores: NDArray[np.float32],
    predicted: sparse.csr_matrix,
    *,
    groups: NDArray[np.int8],
    positive: int | None = None,
) -> tuple[dict[str, float], LabelMeasures]:
    """Measure the rows of one split; a measure that is not defined there (no row, no positive) is left out.

    Parameters
    ----------
    labels, scores, predicted
        As in `measure_labels`.
    groups
        From `label_groups`.
    positive
        The positive class of a binary task; its own measures are added.
    """
    each = measure_labels(labels, scores, predicted)
    found: dict[str, float] = {"n_rows": labels.shape[0], "n_labels_averaged": int((each.positives > 0).sum())}
    found |= _averages(each)
    found |= _over_rows(labels, predicted)
    pooled = rank_all_positives(scores, labels)
    found |= {"pr_auc_micro": pooled.average_precision()[0], "roc_auc_micro": pooled.roc_auc()[0]}
    for number, group in enumerate(GROUPS):
        found[f"f1_macro_{group}"] = _mean(each.f1[groups == number])
    if positive is not None:
        for name in ("precision", "recall", "f1", "pr_auc", "roc_auc"):
            found[f"{name}_positive"] = getattr(each, name)[positive]
    return {name: _plain(value) for name, value in found.items() if np.isfinite(value)}, each


def _averages(each: LabelMeasures) -> dict[str, float]:
    true, given, hits = each.positives.sum(), each.predicted.sum(), each.true_positives.sum()
    if true == 0:
        return {}
    macro = {f"{name}_macro": _mean(getattr(each, name)) for name in ("precision", "recall", "f1", "pr_auc", "roc_auc")}
    return macro | {
        "precision_micro": hits / max(1, given),
        "recall_micro": hits / true,
        "f1_micro": 2 * hits / (true + given),
        "f1_weighted": float(np.nansum(each.f1 * each.positives) / true),
        "n_labels_roc_auc": int(np.isfinite(each.roc_auc).sum()),
    }


def _over_rows(labels: sparse.csr_matrix, predicted: sparse.csr_matrix) -> dict[str, float]:
    """Return what is averaged over rows; a row without labels and predictions counts 0 in `f1_samples`."""
    n_rows, n_labels = labels.shape
    if n_rows == 0:
        return {}
    true, given = np.diff(labels.indptr), np.diff(predicted.indptr)
    hits = np.asarray(labels.multiply(predicted).sum(axis=1)).ravel()
    wrong = true + given - 2 * hits
    exact = float((wrong == 0).mean())
    measures = {
        "f1_samples": float((2 * hits / np.maximum(true + given, 1)).mean()),
        "exact_match": exact,
        "hamming_loss": float(wrong.sum() / (n_rows * n_labels)),
    }
    return measures | ({"accuracy": exact} if (true == 1).all() and (given == 1).all() else {})


def _column_sums(matrix: sparse.csr_matrix) -> NDArray[np.int64]:
    return np.bincount(matrix.tocoo().col, minlength=matrix.shape[1]).astype(np.int64)


def _mean(values: NDArray[np.float64]) -> float:
    """Return the mean of what is defined."""
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def _plain(value: float) -> float:
    return int(value) if isinstance(value, int | np.integer) else float(value)
