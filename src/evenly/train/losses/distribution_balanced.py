"""The distribution-balanced loss: weights that undo what rare labels' companions add, and tolerance for negatives.

T. Wu et al., Distribution-Balanced Loss for Multi-Label Classification in Long-Tailed Datasets, ECCV 2020
(arXiv 2007.09654), eq. 3 to 8; Y. Huang et al., EMNLP 2021, eq. 4 to 7, for the focal factor. With both it is DB,
without `rebalance` NTR-FL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from evenly.train.losses.cells import mean_live, surprise

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DistributionBalancedLoss"]

_LEAST = 1e-12


@keras.saving.register_keras_serializable(package="evenly")
class DistributionBalancedLoss(keras.losses.Loss):
    """Rebalanced, negative-tolerant binary cross-entropy of several labels, on logits.

    ``mean over l of w_l [y_l (1 - q)^g log(1 + e^-u) + (1 - y_l) q'^g log(1 + e^(lam u)) / lam]``, u = z - v,
    q = sigmoid(u), q' = sigmoid(lam u), ``v_l = kappa log(N/c_l - 1)`` (c_l at most N - 1),
    ``w_l = a + sigmoid(b ((1/c_l) / r - mu))``, r the sum of 1/c over the labels that the row holds. Where it holds
    none r is 0 and w is a + 1, as in the authors' code.

    Parameters
    ----------
    counts
        Shape (n_labels,): training rows that hold each label, c; 0 masks an empty label.
    n_rows
        N.
    gamma
        g: 0 is without the focal factor.
    rebalance
        Whether the weights w are used; without them they are 1.
    """

    def __init__(
        self,
        counts: Sequence[float],
        n_rows: int,
        *,
        gamma: float = 2.0,
        rebalance: bool = True,
        alpha: float = 0.1,
        beta: float = 10.0,
        mu: float = 0.9,
        kappa: float = 0.05,
        lam: float = 2.0,
        name: str = "distribution_balanced",
        **settings: Any,
    ) -> None:
        """Keep plain values, so that the loss can be saved."""
        super().__init__(name=name, **settings)
        self.counts, self.n_rows = [float(count) for count in counts], int(n_rows)
        self.gamma, self.rebalance = float(gamma), bool(rebalance)
        self.alpha, self.beta, self.mu = float(alpha), float(beta), float(mu)
        self.kappa, self.lam = float(kappa), float(lam)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of every row, shape (batch,), from targets and logits of shape (batch, n_labels)."""
        counts = np.asarray(self.counts)
        bias = self.kappa * np.log(max(self.n_rows, 2) / np.clip(counts, 1, max(self.n_rows - 1, 1)) - 1)
        target = ops.cast(y_true, y_pred.dtype)
        shifted = y_pred - ops.convert_to_tensor(bias, y_pred.dtype)
        there = target * surprise(shifted, power=self.gamma)
        cells = there + (1 - target) * surprise(-self.lam * shifted, power=self.gamma) / self.lam
        if self.rebalance:
            cells = cells * self._weigh(target, counts)
        return mean_live(cells, ops.convert_to_tensor(counts > 0))

    def _weigh(self, target: Any, counts: np.ndarray) -> Any:
        inverse = ops.convert_to_tensor(np.where(counts > 0, 1 / np.maximum(counts, 1), 0), target.dtype)
        held = ops.sum(target * inverse, axis=-1, keepdims=True)
        share = inverse / ops.maximum(held, _LEAST)
        return self.alpha + ops.sigmoid(self.beta * (share - self.mu))

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        names = ("counts", "n_rows", "gamma", "rebalance", "alpha", "beta", "mu", "kappa", "lam")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
