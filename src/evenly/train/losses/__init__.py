"""Losses on logits, with the weights of the labels inside, as registered Keras losses.

Keras' own `class_weight` reads a multi-hot target by argmax, and a `sample_weight` of shape (batch, n_labels) fails or
weighs the wrong axis, so weights per label belong into the loss. Importing this package imports Keras;
`evenly.train.loss_choice` names the losses without it.
"""

from __future__ import annotations

from evenly.train.losses.asymmetric import AsymmetricLoss
from evenly.train.losses.binary import WeightedBinaryCrossentropy
from evenly.train.losses.build import make_loss
from evenly.train.losses.categorical import WeightedCrossentropy
from evenly.train.losses.distribution_balanced import DistributionBalancedLoss

__all__ = [
    "AsymmetricLoss",
    "DistributionBalancedLoss",
    "WeightedBinaryCrossentropy",
    "WeightedCrossentropy",
    "make_loss",
]
