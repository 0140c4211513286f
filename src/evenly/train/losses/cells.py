"""What losses over several labels share: -log of a probability from its logit, and a mean over the live labels."""

from __future__ import annotations

from typing import Any

from keras import ops

__all__ = ["mean_live", "smooth", "surprise"]


def surprise(logit: Any, *, power: float = 0.0) -> Any:
    """Return ``-(1 - p)**power * log p`` with p = sigmoid(logit), finite for every logit."""
    found = ops.softplus(-logit)
    # (1 - p)**g as exp(-g softplus(z)): no power of 0, whose gradient is not a number
    return found * ops.exp(-power * ops.softplus(logit)) if power else found


def mean_live(cells: Any, live: Any) -> Any:
    """Return the mean of the cells (batch, n_labels) over the labels that are live, shape (batch,); 0 of none."""
    mask = ops.cast(live, cells.dtype)
    return ops.sum(ops.where(live, cells, 0), axis=-1) / ops.maximum(ops.sum(mask), 1)


def smooth(target: Any, label_smoothing: float) -> Any:
    """Return targets of 0 and 1 moved towards 1/2: ``y (1 - e) + e / 2``, as Keras has it."""
    return target * (1 - label_smoothing) + label_smoothing / 2 if label_smoothing else target
