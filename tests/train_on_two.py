"""A process with two devices, the processor divided: ``python train_on_two.py JOB`` prints what it found as JSON.

The devices stand for GPUs. A process has one strategy for its life, as a training has.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import pickle
import sys
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from evenly.errors import ConfigError
from evenly.train import fit, loop, replicas, running
from evenly.train.models.network import Head, Spec, build_network
from evenly.train.stepping import Stepper

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
replicas._list_gpus = lambda: ["CPU:0", "CPU:1"]
loop.find_strategy = functools.cache(replicas.find_strategy)


ROWS = 17  # in batches of 4: the last one is a row alone, for one of the two


class StoppedError(Exception):
    """Stands for a kill."""


class SquaredError:
    def call(self, target, logits):
        return tf.reduce_sum(tf.square(target - logits), axis=-1)


def main(job):
    return {
        "refused": refuse_three(),
        "dense": step_on_both(draw_rows(), make_dense),
        "cnn": step_on_both((np.arange(ROWS * 5, dtype=np.int32).reshape(ROWS, 5) % 20, *draw_rows()[1:]), make_cnn, 2),
        "goes_on": go_on(),
        "run": train_disturbed(job),
    }


def refuse_three():
    try:
        replicas.find_strategy(3)
    except ConfigError as error:
        return str(error)


def draw_rows():
    """Return features, targets and weights."""
    rng = np.random.default_rng(0)
    drawn = (rng.normal(size=(ROWS, 3)), rng.integers(0, 2, (ROWS, 2)), rng.uniform(0, 4, ROWS))
    return tuple(values.astype(np.float32) for values in drawn)


def make_dense(dropout=0.0):
    layers = keras.layers
    return keras.Sequential([keras.Input((3,)), layers.Dropout(dropout), layers.Dense(2, kernel_regularizer="l2")])


def make_cnn():
    head = Head("multilabel", np.zeros(2), np.ones(2, bool))
    return build_network("cnn", Spec(head, n_ids=20, pad_id=0, embedding_size=4, hidden_size=6, dropout=0.0)).logits


def make_stepper(make, strategy, parts=1):
    keras.utils.set_random_seed(1)
    with (strategy or tf.distribute.get_strategy()).scope():
        return Stepper(make(), SquaredError(), keras.optimizers.Adam(0.1), parts=parts, strategy=strategy)


def in_batches(rows):
    return iter(tf.data.Dataset.from_tensor_slices(rows).batch(4))


def step_on_both(rows, make, parts=1):
    """Return the largest gap between the variables of one device and of two, the sums, and which batch is bad."""
    both = [make_stepper(make, strategy, parts) for strategy in (None, loop.find_strategy(None))]
    for stepper in both:
        stepper.run(in_batches(rows), 5)
    found = {"gap": largest_gap(*(each.get_variables() for each in both)), "sums": [each.sums for each in both]}
    rows[-1][11] = np.nan  # the weight of the last row of the third batch
    return found | {"bad": [stepper.run(in_batches(rows), 5) for stepper in both]}


def largest_gap(one, two):
    return max(float(np.abs(a.astype(float) - b.astype(float)).max()) for a, b in zip(one, two, strict=True))


def go_on():
    """Return whether two devices go on from saved variables, those of dropout among them, to the same numbers."""
    stepper = make_stepper(lambda: make_dense(0.5), loop.find_strategy(None))
    stepper.run(in_batches(draw_rows()), 2)
    saved, ends = stepper.get_variables(), []
    for _ in range(2):
        stepper.set_variables(saved)
        stepper.run(in_batches(draw_rows()), 3)
        ends.append(stepper.get_variables())
    return largest_gap(*ends) == 0 < largest_gap(saved, ends[0])


def train_disturbed(job):
    """Train; the run is stopped within the second epoch, and out of memory once after that."""
    save, run, parts = running.save_checkpoint, Stepper.run, []

    def save_and_stop(path, standing, *rest):
        save(path, standing, *rest)
        if (standing.epoch, standing.step) == (1, 2):
            raise StoppedError

    def run_out_of_memory(self, batches, n_steps):
        parts.append(self.parts)
        if len(parts) == 1:
            raise tf.errors.ResourceExhaustedError(None, None, "planted")
        return run(self, batches, n_steps)

    running.save_checkpoint, running._MOST_STEPS = save_and_stop, 2
    with suppress(StoppedError):
        fit._fit(dataclasses.replace(job, checkpoint_s=0.0))
    running.save_checkpoint, running._MOST_STEPS, Stepper.run = save, 512, run_out_of_memory
    result = fit._fit(job)
    return {"parts": sorted(set(parts)), "notes": result.notes, "history": result.history}


if __name__ == "__main__":
    found = main(pickle.loads(Path(sys.argv[1]).read_bytes()))  # noqa: S301 - the test's own
    sys.stdout.write(json.dumps(found))
