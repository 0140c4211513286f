"""Batches as a `tf.data.Dataset`: what Keras trains on.

Comes in: the `Batches` of a split. Goes out: a dataset of ``(inputs, targets[, sample_weight])``, its cardinality
set. Each call into Python, and each function that tf.data maps over a batch, costs 200 to 300 us. So one call fills a
run of batches of one shape, and TensorFlow cuts it with `from_tensor_slices`, which calls nothing.

Over several epochs it is one dataset: ``fit(dataset, steps_per_epoch=batches.steps_per_epoch, epochs=epochs)`` draws
on, so that each epoch has an order of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from evenly.errors import MissingExtraError
from evenly.train.feed.batches import open_batches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from evenly.train.feed.batches import Batches, BatchOptions

__all__ = ["read_shards", "to_dataset"]

_RUNS_AHEAD = 2  # filled by as many threads while the device works on what they filled before


def read_shards(
    shards: Path | Sequence[Path],
    plan: Path | None = None,
    weights: Path | None = None,
    *,
    epochs: int = 1,
    start: tuple[int, int] = (0, 0),
    **options: Unpack[BatchOptions],
) -> Any:
    """Return the batches of shards as a `tf.data.Dataset`.

    Parameters
    ----------
    shards, plan, weights, **options
        As for `evenly.train.feed.batches.open_batches`.
    epochs
        How many epochs there are in all, one after the other, each in an order of its own.
    start
        (epoch, step) of the first batch, counted from 0: what a run that stopped before it goes on with.

    Returns
    -------
    tf.data.Dataset
        inputs int32 (batch, width), targets, and float32 (batch,) weights where `weights` is given.
    """
    return to_dataset(open_batches(shards, plan, weights, **options), epochs=epochs, start=start)


def to_dataset(batches: Batches, *, epochs: int = 1, start: tuple[int, int] = (0, 0)) -> Any:
    """Return opened batches as a `tf.data.Dataset`; see `read_shards`."""
    tf = _import_tensorflow()
    runs, skip = batches.runs(epochs=epochs, start=start)

    def fill(run: Any) -> list[Any]:
        return list(batches.fill(int(run), skip if run == runs.start else 0))

    filled = tf.data.Dataset.range(runs.start, runs.stop).map(
        lambda run: _fill_run(tf, batches, fill, run), num_parallel_calls=_RUNS_AHEAD, deterministic=True
    )
    n_steps = (epochs - start[0]) * batches.steps_per_epoch - start[1]
    cut = filled.flat_map(lambda *parts: tf.data.Dataset.from_tensor_slices(parts))
    return cut.apply(tf.data.experimental.assert_cardinality(n_steps))


def _fill_run(tf: Any, batches: Batches, fill: Callable[[Any], list[Any]], run: Any) -> Any:
    """Fill one run in Python and tell TensorFlow what is known of the shapes."""
    types = [tf.int32, tf.float32 if batches.labels == "multi_hot" else tf.int32]
    shapes: list[tuple[int | None, ...]] = [(None,), () if batches.target_width is None else (batches.target_width,)]
    if batches.weights is not None:
        types, shapes = [*types, tf.float32], [*shapes, ()]
    schedule = batches.schedule
    rows = None if schedule.rows_per_epoch % schedule.batch_size else schedule.batch_size
    parts = tf.numpy_function(fill, [run], types, stateful=False)
    return tuple(tf.ensure_shape(part, (None, rows, *shape)) for part, shape in zip(parts, shapes, strict=True))


def _import_tensorflow() -> Any:
    try:
        import tensorflow as tf
    except ImportError as error:
        raise MissingExtraError.needing("evenly.train", "TensorFlow", "train") from error
    return tf
