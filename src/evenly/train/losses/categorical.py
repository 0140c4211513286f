"""Cross-entropy of one label a row: class weights, label smoothing, focal factor, logit adjustment.

A. K. Menon et al., Long-Tail Learning via Logit Adjustment, ICLR 2021 (arXiv 2007.07314), eq. 10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["WeightedCrossentropy"]

_FAR = -1e9  # a logit that no softmax sees


@keras.saving.register_keras_serializable(package="evenly")
class WeightedCrossentropy(keras.losses.Loss):
    """Cross-entropy over the softmax of logits, for targets that are class numbers.

    ``-w_y (1 - p_y)^g sum over k of t_k log p_k``, t = (1 - e) one-hot(y) + e / K, p = softmax(z + tau log prior);
    K counts the classes that have training rows, the others are left out of the softmax.

    Parameters
    ----------
    counts
        Shape (n_classes,): training rows of each class; 0 masks an empty class.
    class_weight
        Shape (n_classes,): w; None: 1 (or the weights ride as `sample_weight`).
    gamma
        g: 0 is cross-entropy, 2 the focal loss.
    tau
        0: no logit adjustment; 1: the paper's.
    label_smoothing
        e in [0, 1).
    """

    def __init__(
        self,
        counts: Sequence[float],
        *,
        class_weight: Sequence[float] | None = None,
        gamma: float = 0.0,
        tau: float = 0.0,
        label_smoothing: float = 0.0,
        name: str = "weighted_cross_entropy",
        **settings: Any,
    ) -> None:
        """Keep plain values, so that the loss can be saved."""
        super().__init__(name=name, **settings)
        self.counts = [float(count) for count in counts]
        self.class_weight = None if class_weight is None else [float(weight) for weight in class_weight]
        self.gamma, self.tau, self.label_smoothing = float(gamma), float(tau), float(label_smoothing)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of every row, shape (batch,), from classes (batch,) and logits (batch, n_classes)."""
        counts = np.asarray(self.counts)
        n_live, live = max(1, int((counts > 0).sum())), ops.convert_to_tensor(counts > 0)
        prior = np.maximum(counts, 1) / max(counts.sum(), 1)
        adjusted = y_pred + ops.convert_to_tensor(self.tau * np.log(prior), y_pred.dtype)
        log_p = ops.log_softmax(ops.where(live, adjusted, _FAR), axis=-1)
        y = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), len(counts), dtype=y_pred.dtype)
        target = (1 - self.label_smoothing) * y + self.label_smoothing / n_live
        loss = -ops.sum(ops.where(live, target * log_p, 0), axis=-1)
        if self.gamma:
            found = ops.sum(y * ops.exp(log_p), axis=-1)
            loss = loss * ops.exp(self.gamma * ops.log(ops.maximum(1 - found, 1e-7)))
        if self.class_weight is not None:
            loss = loss * ops.sum(y * ops.convert_to_tensor(self.class_weight, y_pred.dtype), axis=-1)
        return loss

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        names = ("counts", "class_weight", "gamma", "tau", "label_smoothing")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
