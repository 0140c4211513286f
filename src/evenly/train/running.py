"""A training run from wherever it stands to its end: epochs, checkpoints, and what can go wrong.

A checkpoint is written at the start, after every epoch and every few minutes, in the scratch of the stage, which
outlives a kill. Where the device runs out of memory the run goes back to the last one and works through each batch in
twice as many parts. A loss that is not a number stops it, and names the batch. Importing this module imports
TensorFlow.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from evenly.errors import DataError
from evenly.progress import Advanced, emit
from evenly.train.best_epoch import close_epoch, describe
from evenly.train.checkpoint import Standing, checkpoint_path, load_checkpoint, save_checkpoint
from evenly.train.curves import Curves
from evenly.train.feed.dataset import to_dataset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from evenly.train.feed.batches import Batches
    from evenly.train.job import TrainJob
    from evenly.train.stepping import Stepper

__all__ = ["Run", "tell_positive"]

_CALL_S = 1.0  # about how long a call of many steps takes: how soon a minute is noticed
_MOST_STEPS = 512
_SHOWN_EVERY_S = 2.0
_ROWS_NAMED = 10


def tell_positive(batches: tf.data.Dataset, positive: int | None) -> tf.data.Dataset:
    """Return the batches with targets of shape (batch, 1), 1 for the class `positive`; as they are where it is None."""
    if positive is None:
        return batches
    return batches.map(lambda ids, label, *rest: (ids, tf.cast(label == positive, tf.float32)[:, None], *rest))


class Run:
    """One run.

    Attributes
    ----------
    standing
        How far it has come.
    notes
        Sentences for the person who reads the run.
    """

    def __init__(
        self, job: TrainJob, stepper: Stepper, batches: Batches, measure: Callable[[], Mapping[str, float]]
    ) -> None:
        """Stand where the last checkpoint was written, or at the beginning."""
        self._job, self._stepper, self._batches, self._measure = job, stepper, batches, measure
        self._path = checkpoint_path(job.scratch)
        self._best: list[NDArray[Any]] = []
        self._saved_at = self._shown_at = time.monotonic()
        self._stride = 1
        self.standing = Standing(parts=stepper.parts)
        self.notes: list[str] = []
        restored = self._restore()
        self._curves = Curves(job.logs, fresh=not restored)
        if not restored:
            self._save()

    def train(self) -> None:
        """Train to the end, and leave the model with the best weights.

        Raises
        ------
        DataError
            A loss or a gradient is not a number, or one row is more than the device's memory holds.
        """
        try:
            while not self.standing.finished:
                try:
                    self._train_epochs()
                except tf.errors.ResourceExhaustedError as error:
                    self._take_smaller_parts(error)
        finally:
            self._curves.close()
        self._set_weights(self._best)

    def _train_epochs(self) -> None:
        standing, n_steps = self.standing, self._batches.steps_per_epoch
        batches = self._iterate()
        while not standing.finished:
            while standing.step < n_steps:
                self._advance(batches, min(self._stride, n_steps - standing.step))
            kept = close_epoch(standing, self._measure(), patience=self._job.patience, epochs=self._job.epochs)
            if kept:
                self._best = [weight.numpy() for weight in self._stepper.model.weights]
            self._stepper.sums = (0.0, 0)
            self._curves.add_epoch(standing.history[-1])
            self._save()
            self._tell(describe(standing.history[-1]))

    def _iterate(self) -> Any:
        standing = self.standing
        dataset = to_dataset(self._batches, epochs=self._job.epochs, start=(standing.epoch, standing.step))
        return iter(tell_positive(dataset, self._job.positive))

    def _advance(self, batches: Any, n_steps: int) -> None:
        """Take some steps in one call, look whether all is well, and save where it is time."""
        standing, started = self.standing, time.monotonic()
        bad = self._stepper.run(batches, n_steps)
        if bad is not None:
            raise DataError(self._describe_bad(standing.epoch, standing.step + bad))
        standing.step += n_steps
        before = (standing.loss_sum, standing.n_rows)
        standing.loss_sum, standing.n_rows = self._stepper.sums
        self._curves.add_steps(
            standing.epoch * self._batches.steps_per_epoch + standing.step,
            loss=(standing.loss_sum - before[0]) / max(1, standing.n_rows - before[1]),
            learning_rate=self._stepper.learning_rate,
        )
        now = time.monotonic()
        if now - started < _CALL_S and n_steps == self._stride:
            self._stride = min(2 * self._stride, _MOST_STEPS)
        if now - self._saved_at > self._job.checkpoint_s:
            self._save()
        if now - self._shown_at > _SHOWN_EVERY_S:
            share = standing.step / self._batches.steps_per_epoch
            loss = standing.loss_sum / max(1, standing.n_rows)
            self._tell(f"epoch {standing.epoch + 1}: {share:.0%}, loss {loss:.3f}")

    def _tell(self, detail: str) -> None:
        self._shown_at = time.monotonic()
        emit(Advanced("model", self.standing.epoch, self._job.epochs, "epochs", detail))

    def _save(self) -> None:
        self._curves.flush()
        save_checkpoint(self._path, self.standing, self._stepper.get_variables(), self._best)
        self._saved_at = time.monotonic()

    def _restore(self) -> bool:
        saved = load_checkpoint(self._path)
        if saved is None:
            return False
        while self._stepper.parts < saved.standing.parts:
            self._stepper.halve()
        saved.standing.parts = self._stepper.parts
        self.standing, self._best = saved.standing, saved.best
        self._stepper.set_variables(saved.variables)
        self._stepper.sums = (saved.standing.loss_sum, saved.standing.n_rows)
        return True

    def _set_weights(self, values: list[NDArray[Any]]) -> None:
        for weight, value in zip(self._stepper.model.weights, values, strict=True):
            weight.assign(value)

    def _take_smaller_parts(self, error: tf.errors.ResourceExhaustedError) -> None:
        n_rows = -(-self._job.batch_size // (self._stepper.parts * self._stepper.n_devices))
        if n_rows == 1:
            raise DataError(
                "The device's memory does not hold the training on a single row. Make the model smaller "
                "(train.embedding_size, train.hidden_size) or cut texts shorter (tokenize.max_length)."
            ) from error
        self._stepper.halve()
        self.notes.append(
            f"The device's memory did not hold {n_rows} rows at once: each batch of {self._job.batch_size} was worked "
            f"through in {self._stepper.parts} parts and its gradients were added, which gives the result of the whole."
        )
        self._restore()
        self.standing.parts = self._stepper.parts

    def _describe_bad(self, epoch: int, step: int) -> str:
        rows = self._batches.rows_of(epoch, step).tolist()
        more = f" and {len(rows) - _ROWS_NAMED} more" if len(rows) > _ROWS_NAMED else ""
        return (
            f"The loss or its gradient is not a number in epoch {epoch + 1}, batch {step + 1} of "
            f"{self._batches.steps_per_epoch}: rows {', '.join(map(str, rows[:_ROWS_NAMED]))}{more}. Give a lower "
            f"train.learning_rate ({self._job.learning_rate:g} now), or some warm-up (train.warmup_steps)."
        )
