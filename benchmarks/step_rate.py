"""How much of a training step is spent waiting for input: evenly's feed beside networks that are trained from it.

Batches are those of `benchmarks.feed` with static shapes: 256 rows of 256 int32 ids, 1000-label multi-hot float32,
a sample weight. The first line is the feed alone, as fast as it can; the others are steps of Adam on a network of
evenly's default sizes, one after the other: each asks for its batch, waits until it is there (`waiting`, the share of
the time in %), takes it to the device and ends with the loss on the host. The first GPU is used where TensorFlow sees
one, and a line says which device it was. On a CPU the feed and the step share the cores, and far fewer steps are timed.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.corpus import LABELS
from benchmarks.feed import MAX_LENGTH, evenly_jit_256, prepare_shards
from benchmarks.harness import Timed

ROWS, BATCH_ROWS = 20_000, 256
CONTENDERS = ("feed", "bilstm", "transformer")
WARM_UP = 3  # steps that are not timed: the first one compiles
STEPS, STEPS_ON_A_CPU = 200, 10


def prepare(folder: Path, rows: int, corpus: Path | None) -> None:
    """Write the shards and the weights."""
    prepare_shards(folder, rows, corpus)


def feed(folder: Path) -> Timed:
    """`read_shards` alone."""
    return evenly_jit_256(folder)


def bilstm(folder: Path) -> Timed:
    """Steps of evenly's bilstm."""
    return _train(folder, "bilstm")


def transformer(folder: Path) -> Timed:
    """Steps of evenly's small transformer."""
    return _train(folder, "transformer")


def _train(folder: Path, name: str) -> Timed:
    device, n_steps = _find_device()
    batches, network = _open_feed(folder), _build(folder, name)
    for _ in range(WARM_UP):
        _step(network, batches)
    times = np.array([_step(network, batches) for _ in range(n_steps)])
    waited, seconds = times.sum(axis=0).tolist()
    share = 100 * waited / seconds
    rate = n_steps * BATCH_ROWS / seconds
    print(f"{name} on {device}: {rate:,.0f} rows/s, {share:.2f} % of the step waiting for input", file=sys.stderr)
    return Timed(n_steps * BATCH_ROWS, seconds, {"waiting %": share, "ms a step": 1e3 * seconds / n_steps})


def _find_device() -> tuple[str, int]:
    """Return the device that Keras takes, and how many steps to time there."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "the CPU (TensorFlow sees no GPU)", STEPS_ON_A_CPU
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", gpus[0].name), STEPS


def _open_feed(folder: Path) -> Any:
    from evenly.train import read_shards

    found = json.loads((folder / "shards.json").read_text())
    sizes = {"batch_size": BATCH_ROWS, "n_labels": LABELS, "pad_id": found["pad_id"], "pad_to": MAX_LENGTH}
    weights = folder / "weights"
    dataset = read_shards(
        Path(found["path"]), None, weights, split="train", shuffle=True, epochs=100, drop_remainder=True, **sizes
    )
    return iter(dataset)


def _build(folder: Path, name: str) -> Any:
    import keras

    from evenly.train.models.network import build_network
    from evenly.train.models.spec import Head, Spec

    found = json.loads((folder / "shards.json").read_text())
    head = Head("multilabel", np.full(LABELS, -4.0), np.ones(LABELS, bool))
    network = build_network(name, Spec(head, found["n_ids"], found["pad_id"])).logits
    network.compile(keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(from_logits=True))
    return network


def _step(network: Any, batches: Any) -> tuple[float, float]:
    """Take one step; return the seconds until its batch was there, and those of all of it."""
    started = time.perf_counter()
    ids, target, weight = next(batches)
    waited = time.perf_counter() - started
    network.train_on_batch(ids, target, sample_weight=weight)  # returns the loss: the device is done
    return waited, time.perf_counter() - started
