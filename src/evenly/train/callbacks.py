"""Early stopping on an exact measure of the whole validation split, and news of how far training has come.

Keras' own AUC is an approximation by 200 thresholds, and counts labels without positives as 0 in its mean, so the
measure is a function that scores every validation row. Importing this module imports Keras.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras

from evenly.progress import Advanced, emit

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BestEpoch"]


class BestEpoch(keras.callbacks.Callback):
    """Keep the weights of the last epoch with the best measure, and stop when it has not risen for `patience` epochs.

    Where the measure is not defined (no validation row holds a label) the training loss takes its place.

    Attributes
    ----------
    history
        A dict an epoch: `epoch`, `loss`, and the measure under the name given.
    best_epoch
        Counted from 1; 0 before the first.
    """

    def __init__(self, name: str, measure: Callable[[], float], *, patience: int, epochs: int) -> None:
        """Call `measure` after every epoch; `epochs` is the most there can be."""
        super().__init__()
        self.name = name
        self.measure = measure
        self.patience = patience
        self.epochs = epochs
        self.history: list[dict[str, float]] = []
        self.best_epoch = 0
        self._best = -math.inf
        self._reached = 0  # the epoch that first had the best measure
        self._weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measure, keep or stop, and tell."""
        loss = float((logs or {})["loss"])
        value = self.measure()
        defined = {self.name: value} if math.isfinite(value) else {}
        self.history.append({"epoch": epoch + 1, "loss": loss, **defined})
        compared = value if defined else -loss
        if compared > self._best:
            self._best, self._reached = compared, epoch + 1
        if compared == self._best:  # of equal rankings the later one has the surer scores
            self.best_epoch, self._weights = epoch + 1, self.model.get_weights()
        if epoch + 1 - self._reached >= self.patience:
            self.model.stop_training = True
        detail = f"val PR-AUC {value:.3f}" if defined else f"loss {loss:.3f}"
        emit(Advanced("model", epoch + 1, self.epochs, "epochs", detail.replace(" 0.", " .")))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras' signature
        """Restore the best weights."""
        if self._weights is not None:
            self.model.set_weights(self._weights)
