"""From scores to predicted labels: the rule, tuned on validation rows and nothing else.

Multi-label: a threshold a label, the global one where fewer than `MIN_POSITIVES` validation rows hold the label.
Binary: a threshold of the positive class. Multiclass: argmax, with a tau of logit adjustment as an offer.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from evenly.train.evaluation.logit_adjustment import TauOffer, tune_tau
from evenly.train.evaluation.thresholds import NO_THRESHOLD, predict_from, tune_global, tune_per_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from evenly.formats import Task

__all__ = ["MIN_POSITIVES", "Decision", "positive_class", "tune_decision"]

MIN_POSITIVES = 5


@dataclass(frozen=True)
class Decision:
    """The rule by which scores become predicted labels.

    Attributes
    ----------
    task
        binary, multiclass or multilabel.
    thresholds
        Shape (n_labels,), float64; empty for multiclass.
    own
        Shape (n_labels,), bool: whether a label's threshold is its own, not the global one.
    validation_positives
        Shape (n_labels,), int64.
    global_threshold
        The one with the best validation micro-F1.
    positive
        The positive class of a binary task.
    offer
        What logit adjustment would bring to a multiclass task.
    """

    task: Task
    thresholds: NDArray[np.float64]
    own: NDArray[np.bool_]
    validation_positives: NDArray[np.int64]
    global_threshold: float | None = None
    positive: int | None = None
    offer: TauOffer | None = None

    def predict(self, scores: NDArray[np.float32]) -> sparse.csr_matrix:
        """Return what is predicted, shape (n_rows, n_labels), int8."""
        if self.task == "multilabel":
            return predict_from(scores, self.thresholds)
        if self.positive is None:
            return _one_hot(np.argmax(scores, axis=1), scores.shape[1])
        holds = scores[:, self.positive] >= self.thresholds[self.positive]
        return _one_hot(np.where(holds, self.positive, 1 - self.positive), 2)

    def to_json(self, names: Sequence[str]) -> dict[str, Any]:
        """Return what `thresholds.json` holds."""
        if self.task == "multiclass":
            offer = None if self.offer is None else asdict(self.offer)
            return {"task": self.task, "rule": "argmax", "logit_adjustment_offer": offer}
        shown = range(len(names)) if self.positive is None else [self.positive]
        labels = [
            {
                "id": int(label),
                "name": names[label],
                "threshold": float(self.thresholds[label]),
                "source": "label" if self.own[label] else "global",
                "validation_positives": int(self.validation_positives[label]),
            }
            for label in shown
        ]
        found = {"task": self.task, "rule": "score >= threshold", "global": self.global_threshold}
        positive = {} if self.positive is None else {"positive": names[self.positive]}
        return found | positive | {"labels": labels}


def positive_class(train_counts: NDArray[np.int64]) -> int:
    """Return the rarer of two classes in the train split, the second one of equals."""
    return 0 if train_counts[0] < train_counts[1] else 1


def tune_decision(
    scores: NDArray[np.float32],
    labels: sparse.csr_matrix,
    *,
    task: Task,
    train_counts: NDArray[np.int64],
) -> Decision:
    """Tune the rule of a task.

    Parameters
    ----------
    scores
        Shape (n_rows, n_labels), float32: probabilities of the validation rows.
    labels
        Shape (n_rows, n_labels): their labels.
    task
        binary, multiclass or multilabel.
    train_counts
        Shape (n_labels,): training rows that hold each label.
    """
    positives = np.bincount(labels.tocoo().col, minlength=labels.shape[1]).astype(np.int64)
    if task == "multiclass":
        offer = tune_tau(scores, labels.indices, train_counts) if len(scores) else None
        nothing = np.empty(0)
        return Decision(task, nothing, nothing.astype(bool), positives, offer=offer)
    if task == "binary":
        return _decide_binary(scores, labels, positives, positive_class(train_counts))
    threshold, _ = tune_global(scores, labels)
    each, _ = tune_per_label(scores, labels)
    own = positives >= MIN_POSITIVES
    return Decision(task, np.where(own, each, threshold), own, positives, threshold)


def _decide_binary(
    scores: NDArray[np.float32], labels: sparse.csr_matrix, positives: NDArray[np.int64], positive: int
) -> Decision:
    tuned, _ = tune_per_label(scores[:, [positive]], labels[:, [positive]])
    own = np.arange(2) == positive if positives[positive] >= MIN_POSITIVES else np.zeros(2, bool)
    thresholds = np.where(own, tuned[0], NO_THRESHOLD)
    return Decision("binary", thresholds, own, positives, NO_THRESHOLD, positive)


def _one_hot(classes: NDArray[np.int64], n_classes: int) -> sparse.csr_matrix:
    n_rows = len(classes)
    ones = np.ones(n_rows, np.int8)
    return sparse.csr_matrix((ones, classes.astype(np.int32), np.arange(n_rows + 1)), shape=(n_rows, n_classes))
