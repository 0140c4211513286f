"""From scores to predicted labels: the rule, tuned on validation rows and nothing else.

Multi-label: a threshold a label, the global one where fewer than `MIN_POSITIVES` validation rows hold the label; or
the global one for all, where micro-F1 is the aim. Binary: a threshold of the positive class. Each is tuned for F1
(that of a label steadily: see `evenly.train.evaluation.thresholds`), or for a precision. Multiclass: argmax; a tau of
logit adjustment is an offer, applied where it is asked for.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import sparse

from evenly.train.evaluation.logit_adjustment import TauOffer, adjusted_classes, tune_tau
from evenly.train.evaluation.thresholds import NO_THRESHOLD, predict_from, tune_global, tune_per_label, tune_steadily

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from evenly.formats import Task

__all__ = ["MIN_POSITIVES", "Decision", "DecisionAim", "positive_class", "tune_decision"]

MIN_POSITIVES = 5


@dataclass(frozen=True)
class DecisionAim:
    """What a rule is tuned for.

    Attributes
    ----------
    scope
        label: a threshold a label, for macro-F1; global: one for all labels, for micro-F1. Multi-label only.
    target_precision
        Find as much as can be found at this precision, in place of the best F1.
    adjust
        Multiclass: apply the tau that is offered.
    """

    scope: Literal["label", "global"] = "label"
    target_precision: float | None = None
    adjust: bool = False


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
    tau, train_counts
        Of the logit adjustment that is applied, 0 for none; shape (n_labels,).
    aim
        What it was tuned for.
    reached
        Shape (n_labels,): F1 on validation with the label's own threshold, or its precision where that is the aim;
        NaN without validation rows.
    """

    task: Task
    thresholds: NDArray[np.float64]
    own: NDArray[np.bool_]
    validation_positives: NDArray[np.int64]
    global_threshold: float | None = None
    positive: int | None = None
    offer: TauOffer | None = None
    tau: float = 0.0
    train_counts: NDArray[np.int64] | None = None
    aim: DecisionAim = DecisionAim()
    reached: NDArray[np.float64] | None = None

    def predict(self, scores: NDArray[np.float32]) -> sparse.csr_matrix:
        """Return what is predicted, shape (n_rows, n_labels), int8."""
        if self.task == "multilabel":
            return predict_from(scores, self.thresholds)
        if self.positive is not None:
            holds = scores[:, self.positive] >= self.thresholds[self.positive]
            return _one_hot(np.where(holds, self.positive, 1 - self.positive), 2)
        if self.tau and self.train_counts is not None:
            return _one_hot(adjusted_classes(scores, self.train_counts, self.tau), scores.shape[1])
        return _one_hot(np.argmax(scores, axis=1), scores.shape[1])

    def to_json(self, names: Sequence[str]) -> dict[str, Any]:
        """Return what `thresholds.json` holds."""
        if self.task == "multiclass":
            return {"task": self.task} | self._rule_of_classes()
        shown = range(len(names)) if self.positive is None else [self.positive]
        found = {
            "task": self.task,
            "rule": "score >= threshold",
            "aim": "f1" if self.aim.target_precision is None else "precision",
            "target_precision": self.aim.target_precision,
            "global": self.global_threshold,
        }
        positive = {} if self.positive is None else {"positive": names[self.positive]}
        return found | positive | {"labels": [self._of_label(label, names[label]) for label in shown]}

    def _rule_of_classes(self) -> dict[str, Any]:
        offer = {"logit_adjustment_offer": None if self.offer is None else asdict(self.offer)}
        if not self.tau or self.train_counts is None:
            return {"rule": "argmax", "tau": 0.0} | offer
        rule = "argmax of log score - tau log prior"
        return {"rule": rule, "tau": self.tau, "train_counts": self.train_counts.tolist()} | offer

    def _of_label(self, label: int, name: str) -> dict[str, Any]:
        reached = np.nan if self.reached is None else self.reached[label]
        measure = "validation_f1" if self.aim.target_precision is None else "validation_precision"
        return {
            "id": int(label),
            "name": name,
            "threshold": float(self.thresholds[label]),
            "source": "label" if self.own[label] else "global",
            "validation_positives": int(self.validation_positives[label]),
            measure: float(reached) if self.own[label] and np.isfinite(reached) else None,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], n_labels: int) -> Decision:
        """Return the rule that `to_json` wrote, as far as predicting needs it."""
        nothing = np.zeros(n_labels, np.int64)
        if value["task"] == "multiclass":
            counts = np.asarray(value["train_counts"]) if "train_counts" in value else None
            empty = np.empty(0)
            return cls("multiclass", empty, empty.astype(bool), nothing, tau=value.get("tau", 0.0), train_counts=counts)
        thresholds = np.full(n_labels, NO_THRESHOLD)
        thresholds[[label["id"] for label in value["labels"]]] = [label["threshold"] for label in value["labels"]]
        positive = value["labels"][0]["id"] if value["task"] == "binary" else None
        return cls(value["task"], thresholds, nothing.astype(bool), nothing, value["global"], positive)


def positive_class(train_counts: NDArray[np.int64]) -> int:
    """Return the rarer of two classes in the train split, the second one of equals."""
    return 0 if train_counts[0] < train_counts[1] else 1


def tune_decision(
    scores: NDArray[np.float32],
    labels: sparse.csr_matrix,
    *,
    task: Task,
    train_counts: NDArray[np.int64],
    aim: DecisionAim = DecisionAim(),
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
    aim
        What to tune it for.
    """
    positives = np.bincount(labels.tocoo().col, minlength=labels.shape[1]).astype(np.int64)
    if task == "multiclass":
        offer = tune_tau(scores, labels.indices, train_counts) if len(scores) else None
        tau = offer.tau if offer is not None and aim.adjust else 0.0
        nothing = np.empty(0)
        return Decision(
            task, nothing, nothing.astype(bool), positives, offer=offer, tau=tau, train_counts=train_counts, aim=aim
        )
    if task == "binary":
        return _decide_binary(scores, labels, positives, positive_class(train_counts), aim)
    threshold, _ = tune_global(scores, labels, target_precision=aim.target_precision)
    each, reached = _tune_each(scores, labels, aim)
    own = positives >= MIN_POSITIVES if aim.scope == "label" else np.zeros(len(positives), np.bool_)
    return Decision(task, np.where(own, each, threshold), own, positives, threshold, aim=aim, reached=reached)


def _decide_binary(
    scores: NDArray[np.float32],
    labels: sparse.csr_matrix,
    positives: NDArray[np.int64],
    positive: int,
    aim: DecisionAim,
) -> Decision:
    tuned, value = _tune_each(scores[:, [positive]], labels[:, [positive]], aim)
    own = np.arange(2) == positive if positives[positive] >= MIN_POSITIVES else np.zeros(2, bool)
    thresholds, reached = np.where(own, tuned[0], NO_THRESHOLD), np.where(own, value[0], np.nan)
    return Decision("binary", thresholds, own, positives, NO_THRESHOLD, positive, aim=aim, reached=reached)


def _tune_each(
    scores: NDArray[np.float32], labels: sparse.csr_matrix, aim: DecisionAim
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if aim.target_precision is None:
        return tune_steadily(scores, labels)
    return tune_per_label(scores, labels, target_precision=aim.target_precision)


def _one_hot(classes: NDArray[np.integer], n_classes: int) -> sparse.csr_matrix:
    n_rows = len(classes)
    ones = np.ones(n_rows, np.int8)
    return sparse.csr_matrix((ones, classes.astype(np.int32), np.arange(n_rows + 1)), shape=(n_rows, n_classes))
