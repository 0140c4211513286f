"""Goes on in the middle of an epoch with the very next batch, after `keras.callbacks.BackupAndRestore`.

Keras restores the weights and the optimizer, and begins the epoch that was broken off anew, from its first batch. The
optimizer has counted its steps, though, and (epoch, step) is all that the reader needs. Importing this module imports
Keras.
"""

from __future__ import annotations

from typing import Any

import keras

from evenly.train.feed.batches import Span

__all__ = ["FeedPosition"]


class FeedPosition(keras.callbacks.Callback):
    """Where the reader goes on: given as `start` to `read_shards`, and as a callback to `fit`.

    It stands behind `BackupAndRestore`, which restores the optimizer, and before callbacks that stop the training.
    Every step of the optimizer is one batch, so it must not have been trained on others before.

    Attributes
    ----------
    step
        Batches read so far, over all epochs.

    Examples
    --------
    >>> position = FeedPosition()  # doctest: +SKIP
    >>> dataset = read_shards(shards, split="train", epochs=10, start=position, ...)  # doctest: +SKIP
    >>> backup = keras.callbacks.BackupAndRestore("backup", save_freq=500)  # doctest: +SKIP
    >>> callbacks = [backup, position]  # doctest: +SKIP
    >>> steps = position.steps_per_epoch  # doctest: +SKIP
    >>> model.fit(dataset, epochs=10, steps_per_epoch=steps, callbacks=callbacks, shuffle=False)  # doctest: +SKIP
    """

    def __init__(self) -> None:
        """Begin with the first batch."""
        super().__init__()
        self.step = 0
        self.steps_per_epoch = 0
        self._epochs = 0
        self._first_step = 0  # of what Keras takes for the epoch under way
        self._epoch_is_over = False

    def follow(self, steps_per_epoch: int, span: Span) -> None:
        """Take on the reader's count: called by `read_shards`."""
        self.steps_per_epoch = steps_per_epoch
        self._epochs = span.epochs
        self.step = span.start[0] * steps_per_epoch

    def span(self) -> Span:
        """Return what is left to read."""
        return Span(divmod(self.step, max(self.steps_per_epoch, 1)), self._epochs)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras' signature
        """Go on where the restored optimizer stands."""
        self.step = int(self.model.optimizer.iterations)
        # Keras' own count begins at 0 again after a second interruption; `fit` takes what a callback puts here.
        self.model._initial_epoch = self.span().start[0]  # noqa: SLF001 - as BackupAndRestore does

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        """Remember where Keras begins to count."""
        self._first_step = self.step

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        """Count, and end a resumed epoch where it ends: Keras would draw a whole epoch's batches."""
        self.step = self._first_step + batch + 1
        if self.step % self.steps_per_epoch == 0 and batch + 1 < self.steps_per_epoch:
            self._epoch_is_over = self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        """Let the training go on with the next epoch."""
        if self._epoch_is_over:
            self._epoch_is_over = self.model.stop_training = False
