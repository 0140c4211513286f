"""Losses on logits, with the weights of the labels inside.

Keras' own `class_weight` reads a multi-hot target by argmax, and a `sample_weight` of shape (batch, n_labels) fails or
weighs the wrong axis, so weights per label belong into the loss. Importing this module imports Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["WeightedBinaryCrossentropy", "make_loss"]


@keras.saving.register_keras_serializable(package="evenly")
class WeightedBinaryCrossentropy(keras.losses.Loss):
    """Binary cross-entropy of several labels, on logits, averaged over the labels that have training rows.

    For a row: ``mean over l with w_l > 0 of -[w_l y_l log p_l + (1 - y_l) log(1 - p_l)]``, p = sigmoid(z). Row weights
    (a `sample_weight` of shape (batch,)) multiply it, as with any Keras loss.

    Parameters
    ----------
    pos_weight
        Shape (n_labels,): the weight of a positive, w; 0 masks an empty label.
    """

    def __init__(self, pos_weight: Sequence[float], name: str = "weighted_bce", **settings: Any) -> None:
        """Keep the weights as plain floats, so that the loss can be saved."""
        super().__init__(name=name, **settings)
        self.pos_weight = [float(weight) for weight in pos_weight]

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of every row, shape (batch,), from targets and logits of shape (batch, n_labels)."""
        weight = ops.convert_to_tensor(self.pos_weight, y_pred.dtype)
        live = ops.cast(weight > 0, y_pred.dtype)
        target = ops.cast(y_true, y_pred.dtype)
        # -[w y log p + (1 - y) log(1 - p)] with log p = -softplus(-z), log(1 - p) = -z - softplus(-z)
        cells = (1 - target) * y_pred + (1 + (weight - 1) * target) * ops.softplus(-y_pred)
        return ops.sum(cells * live, axis=-1) / ops.maximum(ops.sum(live), 1)

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "pos_weight": self.pos_weight}


def make_loss(task: str, pos_weight: Sequence[float]) -> keras.losses.Loss:
    """Return the loss of a task on logits; where a row has one label, its class weight rides as a sample weight.

    Parameters
    ----------
    task
        binary: targets and logits of shape (batch, 1); multiclass: targets (batch,), logits (batch, n_classes);
        multilabel: both (batch, n_labels).
    pos_weight
        Shape (n_labels,): used for multilabel alone.
    """
    if task == "multilabel":
        return WeightedBinaryCrossentropy(pos_weight)
    if task == "binary":
        return keras.losses.BinaryCrossentropy(from_logits=True)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
