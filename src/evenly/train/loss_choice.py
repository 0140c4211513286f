"""Which loss, and why: by task and imbalance, or by name.

In: the name in the config, the task, the counts of the labels that are read in an epoch. Out: the settings of a loss,
plain values. Defaults by measurement (`auto`): cross-entropy with the weights of the run. On seven tables no other
loss gained more than it lost after thresholds had been tuned; focal and logit adjustment were the worst for one label
a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.errors import ConfigError, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.formats import Task

__all__ = ["LOSSES", "LossSettings", "choose_loss"]

_GAMMA = 2.0
_BETA = 0.999
_SEVERAL = ("distribution_balanced", "negative_tolerant")
LOSSES = ("cross_entropy", "focal", "class_balanced", "asymmetric", "logit_adjusted", *_SEVERAL)
"""Names, but for auto."""


@dataclass(frozen=True)
class LossSettings:
    """A loss, in plain values.

    Attributes
    ----------
    name
        One of `LOSSES`.
    why
        A sentence for the person who reads the run.
    gamma, label_smoothing
        Of the focal factor, and how far targets are moved.
    weighted
        Whether the weights of the run (class weights, weights of positives) are used; the others weigh by themselves.
    label_weight
        Shape (n_labels,), or None: of class_balanced, (1 - b) / (1 - b^c), mean 1 over the live labels.
    counts, n_rows
        Shape (n_labels,): how often each label is read in an epoch, of how many rows.
    """

    name: str
    why: str
    gamma: float
    label_smoothing: float
    weighted: bool
    label_weight: NDArray[np.float64] | None
    counts: NDArray[np.int64]
    n_rows: int


def choose_loss(
    name: str,
    task: Task,
    counts: NDArray[np.int64],
    n_rows: int,
    *,
    weights: NDArray[np.float64],
    gamma: float | None = None,
    label_smoothing: float = 0.0,
) -> LossSettings:
    """Return the settings of a loss.

    Parameters
    ----------
    name
        auto or one of `LOSSES`.
    task
        binary, multiclass or multilabel.
    counts, n_rows
        Shape (n_labels,): how often each label is read in an epoch, of how many rows.
    weights
        Shape (n_labels,): weights of positives (multilabel) or of classes of this run, to be told about.
    gamma
        Of the focal factor; None: 2 for the losses that have one, 0 for the others.
    label_smoothing
        As of the losses.

    Raises
    ------
    ConfigError
        There is no such loss, or it is not for this task.
    """
    if name == "auto":
        chosen, why = "cross_entropy", _explain(task, counts, weights)
    elif name in LOSSES:
        chosen, why = name, f"loss: {name}, as the config says."
    else:
        raise ConfigError(f"train.loss is {name!r}{nearest(name, LOSSES)} Expected auto or {', '.join(LOSSES)}.")
    _check_task(chosen, task)
    if label_smoothing and chosen in _SEVERAL:
        raise ConfigError(
            f"train.label_smoothing is {label_smoothing}, and {chosen} takes no soft targets: leave it 0."
        )
    if gamma is None:
        gamma = _GAMMA if chosen in {"focal", *_SEVERAL} else 0.0
    weighted = chosen in {"cross_entropy", "focal"}
    balance = _effective(counts) if chosen == "class_balanced" else None
    return LossSettings(chosen, why, gamma, label_smoothing, weighted, balance, counts, n_rows)


def _explain(task: Task, counts: NDArray[np.int64], weights: NDArray[np.float64]) -> str:
    held = counts[counts > 0]
    ratio = held.max() / held.min() if len(held) else 1.0
    used = weights[counts > 0]
    flat = len(used) == 0 or np.allclose(used, used[0])
    kinds = {
        "multilabel": ("binary cross-entropy of each label", "positives weighted"),
        "multiclass": ("cross-entropy", "rows weighted by class"),
        "binary": ("cross-entropy", "rows weighted by class"),
    }
    loss, weighting = kinds[task]
    how = "unweighted" if flat else f"{weighting}, {used.min():.2g} to {used.max():.2g}"
    return f"loss: {loss}, {how} (the commonest label is read {ratio:,.0f} times as often as the rarest)."


def _check_task(name: str, task: Task) -> None:
    if name in _SEVERAL and task != "multilabel":
        raise ConfigError(
            f"train.loss is {name!r}, which is for several labels a row; the task is {task}. Use cross_entropy, focal "
            f"or class_balanced."
        )
    if name == "asymmetric" and task == "multiclass":
        raise ConfigError(
            "train.loss is 'asymmetric', which asks each label by itself; here every row has one class of several. "
            "Use cross_entropy, focal, class_balanced or logit_adjusted."
        )
    if name == "logit_adjusted" and task != "multiclass":
        raise ConfigError(
            f"train.loss is 'logit_adjusted', which is for one class of several; the task is {task}, where tuned "
            f"thresholds do the same. Use cross_entropy."
        )


def _effective(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (1 - b) / (1 - b^c) with mean 1 over the live labels; 0 for empty ones."""
    live = counts > 0
    raw = np.where(live, (1 - _BETA) / -np.expm1(np.maximum(counts, 1) * np.log(_BETA)), 0.0)
    return raw / raw[live].mean() if live.any() else raw
