"""Steps of training, many in one call: forward, backward, update, and whether all numbers are numbers.

A batch can be worked through in several parts, whose gradients are added: the memory of a part, the result of the
whole batch (but for rounding and the draws of dropout). Several devices can share it (`evenly.train.replicas`).
Importing this module imports TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from evenly.train.replicas import share_among

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["Stepper"]

_NONE = -1


class Stepper:
    """A model, its loss and its optimizer, and what a run of steps adds up.

    Attributes
    ----------
    model, parts, n_devices
        What is trained, in how many parts a batch is worked through, and on how many devices, each in so many parts.
    """

    def __init__(
        self,
        model: Any,
        loss: Any,
        optimizer: Any,
        *,
        parts: int = 1,
        xla: bool = False,
        strategy: tf.distribute.Strategy | None = None,
    ) -> None:
        """Build the optimizer.

        Parameters
        ----------
        model, loss, optimizer
            `loss.call` gives a loss a row.
        parts, xla
            In how many parts a batch is worked through, and whether XLA compiles the gradients.
        strategy
            Has several devices, in whose scope `model` and `optimizer` were made; None: one.
        """
        self.model, self.parts = model, parts
        self.n_devices = 1 if strategy is None else strategy.num_replicas_in_sync
        self._step = self._take_step if strategy is None else share_among(strategy, self._take_step)
        self._loss, self._optimizer, self._xla = loss, optimizer, xla
        optimizer.build(model.trainable_variables)
        self._loss_sum = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self._n_rows = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._bad = tf.Variable(_NONE, dtype=tf.int64, trainable=False)
        self._compile()

    def _compile(self) -> None:
        self._gradients = tf.function(self._find_gradients, jit_compile=True) if self._xla else self._find_gradients
        self._run = tf.function(self._run_steps)

    def run(self, batches: Iterator[Any], n_steps: int) -> int | None:
        """Take `n_steps` batches, and return the first one, counted from 0, whose loss or gradient is not finite."""
        self._bad.assign(_NONE)
        self._run(batches, tf.constant(n_steps, tf.int64))
        bad = int(self._bad.numpy())
        return None if bad == _NONE else bad

    def halve(self) -> None:
        """Work through batches in twice as many parts from now on."""
        self.parts *= 2
        self._compile()

    @property
    def sums(self) -> tuple[float, int]:
        """The sum of the losses of rows, and their number, since they were set."""
        return float(self._loss_sum.numpy()), int(self._n_rows.numpy())

    @sums.setter
    def sums(self, values: tuple[float, int]) -> None:
        self._loss_sum.assign(values[0])
        self._n_rows.assign(values[1])

    def get_variables(self) -> list[NDArray[Any]]:
        """Return the values of all variables, of the model and of the optimizer."""
        return [variable.numpy() for variable in self._variables()]

    def set_variables(self, values: list[NDArray[Any]]) -> None:
        """Set what `get_variables` gave."""
        for variable, value in zip(self._variables(), values, strict=True):
            variable.assign(value)

    def _variables(self) -> list[Any]:
        return [*self.model.variables, *self._optimizer.variables]

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        return float(tf.convert_to_tensor(self._optimizer.learning_rate).numpy())

    def _run_steps(self, batches: Any, n_steps: Any) -> None:
        for number in tf.range(n_steps):
            inputs, target, *weight = next(batches)
            n_rows = tf.shape(target)[0]
            loss, finite = self._step(inputs, target, weight)
            first = tf.logical_and(self._bad == _NONE, tf.logical_not(finite))
            self._bad.assign(tf.where(first, number, self._bad))
            self._loss_sum.assign_add(tf.cast(loss, tf.float64) * tf.cast(n_rows, tf.float64))
            self._n_rows.assign_add(tf.cast(n_rows, tf.int64))

    def _take_step(self, inputs: Any, target: Any, weight: list[Any], whole: Any = None) -> tuple[Any, Any]:
        """Apply the gradients of rows, and return their loss and whether all is finite; `whole` as below."""
        loss, gradients = self._gradients(inputs, target, weight, whole)
        self._optimizer.apply(gradients, self.model.trainable_variables)
        return loss, tf.math.is_finite(loss) & tf.math.is_finite(tf.linalg.global_norm(gradients))

    def _find_gradients(self, inputs: Any, target: Any, weight: list[Any], whole: Any = None) -> tuple[Any, list[Any]]:
        """Return what rows add to the mean loss of a batch of `whole` rows, and to its gradient; None: they are all."""
        n_rows = tf.shape(target)[0]
        whole = n_rows if whole is None else whole
        if self.parts == 1:
            return self._of_part(inputs, target, weight, whole)
        size = -(-n_rows // self.parts)
        loss = tf.constant(0.0)
        sums = [tf.zeros_like(variable) for variable in self.model.trainable_variables]
        for first in tf.range(0, n_rows, size):
            rows = slice(first, first + size)
            part = tf.nest.map_structure(lambda values: values[rows], (inputs, target, weight))  # noqa: B023 - called at once
            added, gradients = self._of_part(part[0], part[1], part[2], whole)
            loss += added
            sums = [total + gradient for total, gradient in zip(sums, gradients, strict=True)]
        return loss, sums

    def _of_part(self, inputs: Any, target: Any, weight: list[Any], n_rows: Any) -> tuple[Any, list[Any]]:
        """Return what the rows of a part add to the mean loss of `n_rows`, and to its gradient."""
        with tf.GradientTape() as tape:
            rows = self._loss.call(target, tf.cast(self.model(inputs, training=True), tf.float32))
            if weight:
                rows *= weight[0]
            loss = tf.reduce_sum(rows) / tf.cast(n_rows, tf.float32)
            share = tf.cast(tf.shape(target)[0], tf.float32) / tf.cast(n_rows, tf.float32)
            loss += share * sum(self.model.losses)
        found = tape.gradient(loss, self.model.trainable_variables, unconnected_gradients="zero")
        # Of the sparse gradient of an embedding, Keras' Adam squares what each place adds, not the sum of an id.
        return loss, [tf.convert_to_tensor(gradient) for gradient in found]
