"""Binary cross-entropy over labels: weighted, focal, class-balanced.

T.-Y. Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, eq. 5 (gamma); Y. Cui et al., Class-Balanced Loss
Based on Effective Number of Samples, CVPR 2019, on sigmoids as Y. Huang et al., Balancing Methods for Multi-label Text
Classification, EMNLP 2021, eq. 3: a weight of the label on both of its terms (`label_weight`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from evenly.train.losses.cells import mean_live, smooth, surprise

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["WeightedBinaryCrossentropy"]


@keras.saving.register_keras_serializable(package="evenly")
class WeightedBinaryCrossentropy(keras.losses.Loss):
    """Binary cross-entropy of several labels, on logits, averaged over the labels that have training rows.

    For a row: ``mean over l with w_l > 0 of -v_l [w_l y_l (1 - p_l)^g log p_l + (1 - y_l) p_l^g log(1 - p_l)]``,
    p = sigmoid(z). Row weights (a `sample_weight` of shape (batch,)) multiply it, as with any Keras loss.

    Parameters
    ----------
    pos_weight
        Shape (n_labels,): the weight of a positive, w; 0 masks an empty label.
    gamma
        g: 0 is cross-entropy, 2 the focal loss.
    label_weight
        Shape (n_labels,): the weight of a label, v; None: 1.
    label_smoothing
        e in [0, 1): targets are ``y (1 - e) + e / 2``.
    """

    def __init__(
        self,
        pos_weight: Sequence[float],
        *,
        gamma: float = 0.0,
        label_weight: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
        name: str = "weighted_bce",
        **settings: Any,
    ) -> None:
        """Keep the weights as plain floats, so that the loss can be saved."""
        super().__init__(name=name, **settings)
        self.pos_weight = [float(weight) for weight in pos_weight]
        self.gamma = float(gamma)
        self.label_weight = None if label_weight is None else [float(weight) for weight in label_weight]
        self.label_smoothing = float(label_smoothing)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of every row, shape (batch,), from targets and logits of shape (batch, n_labels)."""
        weight = ops.convert_to_tensor(self.pos_weight, y_pred.dtype)
        target = smooth(ops.cast(y_true, y_pred.dtype), self.label_smoothing)
        there = weight * target * surprise(y_pred, power=self.gamma)
        cells = there + (1 - target) * surprise(-y_pred, power=self.gamma)
        if self.label_weight is not None:
            cells = cells * ops.convert_to_tensor(self.label_weight, y_pred.dtype)
        return mean_live(cells, weight > 0)

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {
            **super().get_config(),
            "pos_weight": self.pos_weight,
            "gamma": self.gamma,
            "label_weight": self.label_weight,
            "label_smoothing": self.label_smoothing,
        }
