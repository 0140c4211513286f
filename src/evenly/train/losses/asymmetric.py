"""The asymmetric loss: easy negatives count for next to nothing.

T. Ridnik et al., Asymmetric Loss For Multi-Label Classification, ICCV 2021, eq. 4 to 7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from evenly.train.losses.cells import mean_live, smooth, surprise

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AsymmetricLoss"]

_LEAST = 1e-12


@keras.saving.register_keras_serializable(package="evenly")
class AsymmetricLoss(keras.losses.Loss):
    """``mean of -[y (1 - p)^g+ log p + (1 - y) q^g- log(1 - q)]``, q = max(p - margin, 0), on logits.

    Parameters
    ----------
    live
        Shape (n_labels,), bool: labels that have training rows; the mean is over these.
    gamma_positive, gamma_negative, margin
        g+, g-, and the probability up to which a negative costs nothing.
    label_smoothing
        e in [0, 1): targets are ``y (1 - e) + e / 2``.
    """

    def __init__(
        self,
        live: Sequence[bool],
        *,
        gamma_positive: float = 1.0,
        gamma_negative: float = 4.0,
        margin: float = 0.05,
        label_smoothing: float = 0.0,
        name: str = "asymmetric",
        **settings: Any,
    ) -> None:
        """Keep plain values, so that the loss can be saved."""
        super().__init__(name=name, **settings)
        self.live = [bool(each) for each in live]
        self.gamma_positive, self.gamma_negative = float(gamma_positive), float(gamma_negative)
        self.margin, self.label_smoothing = float(margin), float(label_smoothing)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of every row, shape (batch,), from targets and logits of shape (batch, n_labels)."""
        target = smooth(ops.cast(y_true, y_pred.dtype), self.label_smoothing)
        there = target * surprise(y_pred, power=self.gamma_positive)
        cells = there + (1 - target) * self._surprise_at_negative(y_pred)
        return mean_live(cells, ops.convert_to_tensor(self.live))

    def _surprise_at_negative(self, logit: Any) -> Any:
        """Return ``-q^g- log(1 - q)``."""
        if not self.margin:
            return surprise(-logit, power=self.gamma_negative)
        shifted = ops.sigmoid(logit) - self.margin
        free = shifted <= 0
        q = ops.where(free, 0.5, shifted)  # any value off the edge, so that the gradient of the other branch is finite
        cost = -ops.exp(self.gamma_negative * ops.log(ops.maximum(q, _LEAST))) * ops.log1p(-q)
        return ops.where(free, 0, cost)

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {
            **super().get_config(),
            "live": self.live,
            "gamma_positive": self.gamma_positive,
            "gamma_negative": self.gamma_negative,
            "margin": self.margin,
            "label_smoothing": self.label_smoothing,
        }
