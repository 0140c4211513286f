"""What a person must know about a result before believing it, in plain sentences.

In: the measures of the network and of the baseline. Out: sentences, the comparison first; nothing is left out because
it looks bad.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.train.evaluation.decisions import MIN_POSITIVES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from evenly.train.evaluation.evaluate import Evaluation

__all__ = ["headline", "judge", "shown"]

_FAR = 0.25
_NAMED = 5
_LEVEL = 0.005


def headline(metrics: Mapping[str, float]) -> str:
    """Return the key figures of the test split in one sentence; `metrics` are flat, as in ``metrics.json``."""
    if "test/f1_macro" not in metrics:
        return "The test split holds no label, so nothing can be measured on it."
    parts: list[str] = []
    for name, title in _key_measures(metrics):
        baseline = metrics.get(f"baseline/{name}")
        source = "" if parts else "baseline TF-IDF + logistic regression "
        beside = "" if baseline is None else f" ({source}{shown(baseline)})"
        parts.append(f"{title} {shown(metrics[f'test/{name}'])}{beside}")
    return f"test: {', '.join(parts)}"


def _key_measures(metrics: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return name and title of what to look at first; the positive class where there is one."""
    if "test/f1_positive" in metrics:
        return [("f1_positive", "F1 of the positive class"), ("f1_macro", "macro-F1"), ("pr_auc_positive", "PR-AUC")]
    return [("f1_macro", "macro-F1"), ("f1_micro", "micro-F1"), ("pr_auc_macro", "PR-AUC")]


def judge(
    metrics: Mapping[str, float],
    evaluation: Evaluation,
    names: Sequence[str],
    *,
    train_counts: NDArray[np.int64],
    seen_labels: NDArray[np.int64],
) -> list[str]:
    """Return the sentences.

    Parameters
    ----------
    metrics
        Flat, as in ``metrics.json``.
    evaluation
        Of the network.
    names
        Of the labels.
    train_counts
        Shape (n_labels,): train rows that hold each label.
    seen_labels
        Shape (n_labels,): how often each label is predicted on validation and test together.
    """
    empty = train_counts == 0
    held = evaluation.decision.validation_positives
    sentences = [*_against_baseline(metrics), *_against_train(metrics)]
    never = np.flatnonzero((seen_labels == 0) & ~empty)
    few = np.flatnonzero((held < MIN_POSITIVES) & ~empty)
    if len(never):
        sentences.append(f"{_count(never)} never predicted, on validation or test: {_name(never, names)}.")
    if len(few) and evaluation.decision.task != "multiclass":
        own = "their threshold is the global one" if len(few) > 1 else "its threshold is the global one"
        sentences.append(
            f"{_count(few)} held by fewer than {MIN_POSITIVES} validation rows; {own}: {_name(few, names)}."
        )
    if empty.any():
        where = np.flatnonzero(empty)
        sentences.append(
            f"{_count(where)} in no train row, masked in the loss and never learnt: {_name(where, names)}."
        )
    return sentences


def _against_baseline(metrics: Mapping[str, float]) -> list[str]:
    sentences = []
    for name, title in _key_measures(metrics)[:2]:
        ours, theirs = metrics.get(f"test/{name}"), metrics.get(f"baseline/{name}")
        if ours is None or theirs is None:
            continue
        both = f"test {title}: {shown(ours)} against {shown(theirs)}"
        gap = f"{abs(ours - theirs) * 100:.1f} points"
        if abs(ours - theirs) < _LEVEL:
            sentences.append(f"The network is level with TF-IDF + logistic regression ({both}).")
        elif ours > theirs:
            sentences.append(f"The network beats TF-IDF + logistic regression by {gap} ({both}).")
        else:
            sentences.append(f"The network loses to TF-IDF + logistic regression by {gap} ({both}).")
    return sentences


def _against_train(metrics: Mapping[str, float]) -> list[str]:
    train, validation = metrics.get("train/pr_auc_macro"), metrics.get("validation/pr_auc_macro")
    if train is None or validation is None or train - validation <= _FAR:
        return []
    both = f"PR-AUC {shown(validation)} against {shown(train)}"
    advice = "more rows, a smaller model or more dropout may help"
    return [f"Validation is far below training: {both}. The model has learnt its train rows by heart; {advice}."]


def shown(value: float) -> str:
    """Return a measure in [0, 1] with three digits: .412, 1.000."""
    return f"{value:.3f}".removeprefix("0")


def _count(labels: NDArray[np.int64]) -> str:
    return f"{len(labels):,} labels are" if len(labels) > 1 else "1 label is"


def _name(labels: NDArray[np.int64], names: Sequence[str]) -> str:
    listed = ", ".join(repr(names[label]) for label in labels[:_NAMED])
    return f"{listed} and {len(labels) - _NAMED:,} more" if len(labels) > _NAMED else listed
