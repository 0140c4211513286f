"""The Keras loss that settings stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.train.losses.asymmetric import AsymmetricLoss
from evenly.train.losses.binary import WeightedBinaryCrossentropy
from evenly.train.losses.categorical import WeightedCrossentropy
from evenly.train.losses.distribution_balanced import DistributionBalancedLoss

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

    from evenly.formats import Task
    from evenly.train.loss_choice import LossSettings

__all__ = ["make_loss"]


def make_loss(
    task: Task, settings: LossSettings, *, pos_weight: NDArray[np.float64], positive: int | None = None
) -> keras.losses.Loss:
    """Return the loss of a task on logits; where a row has one label, its class weight rides as a sample weight.

    Parameters
    ----------
    task
        binary: targets and logits of shape (batch, 1); multiclass: targets (batch,), logits (batch, n_classes);
        multilabel: both (batch, n_labels).
    settings
        See `evenly.train.loss_choice.choose_loss`.
    pos_weight
        Shape (n_labels,): used for multilabel alone; 0 masks a label.
    positive
        Of binary: the class that the target 1 stands for.
    """
    if task == "multiclass":
        return WeightedCrossentropy(
            settings.counts.tolist(),
            class_weight=None if settings.label_weight is None else settings.label_weight.tolist(),
            gamma=settings.gamma,
            tau=1.0 if settings.name == "logit_adjusted" else 0.0,
            label_smoothing=settings.label_smoothing,
        )
    if positive is None:
        return _over_labels(settings, pos_weight)
    if settings.label_weight is not None:  # both classes have their weight; the one output has that of its positives
        weight = settings.label_weight
        return _over_labels(settings, np.array([weight[positive] / max(weight[1 - positive], 1e-12)]), [positive])
    return _over_labels(settings, np.ones(1), [positive])


def _over_labels(
    settings: LossSettings, pos_weight: NDArray[np.float64], columns: list[int] | None = None
) -> keras.losses.Loss:
    live = pos_weight > 0
    if settings.name == "asymmetric":
        return AsymmetricLoss(live.tolist(), label_smoothing=settings.label_smoothing)
    counts = settings.counts if columns is None else np.maximum(settings.counts[columns], 1)
    if settings.name in {"distribution_balanced", "negative_tolerant"}:
        return DistributionBalancedLoss(
            np.where(live, counts, 0).tolist(),
            settings.n_rows,
            gamma=settings.gamma,
            rebalance=settings.name == "distribution_balanced",
        )
    label_weight = settings.label_weight if columns is None else None
    return WeightedBinaryCrossentropy(
        (pos_weight if settings.weighted or columns is not None else live.astype(float)).tolist(),
        gamma=settings.gamma,
        label_weight=None if label_weight is None else label_weight.tolist(),
        label_smoothing=settings.label_smoothing,
    )
