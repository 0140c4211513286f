"""Batches as a `tf.data.Dataset`: what Keras trains on.

Comes in: the `Batches` of a split. Goes out: a dataset of ``(inputs, targets[, sample_weight])``, its cardinality
set. Each call into Python, and each function that tf.data maps over a batch, costs 200 to 300 us. So one call fills a
run of batches of one shape, in memory that TensorFlow takes over without a copy, and `from_tensor_slices` cuts it
into batches, which calls nothing and copies nothing.

Over several epochs it is one dataset: ``fit(dataset, steps_per_epoch=steps, epochs=epochs)`` draws on, so that each
epoch has an order of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from evenly.errors import ConfigError, MissingExtraError
from evenly.train.feed.batches import Span, open_batches
from evenly.train.feed.buffers import Buffers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.train.feed.batches import Batches
    from evenly.train.feed.options import FeedArguments
    from evenly.train.feed.position import FeedPosition

__all__ = ["read_shards", "to_dataset"]

_RUNS_AHEAD = 2


def read_shards(
    shards: Path | Sequence[Path],
    plan: Path | None = None,
    weights: Path | None = None,
    *,
    epoch: int | None = None,
    epochs: int = 1,
    start: tuple[int, int] | FeedPosition | None = None,
    prefetch: int = _RUNS_AHEAD,
    **options: Unpack[FeedArguments],
) -> Any:
    """Return the batches of shards as a `tf.data.Dataset`.

    Parameters
    ----------
    shards, plan, weights, **options
        As for `evenly.train.feed.batches.open_batches`.
    epoch
        Read this epoch alone, counted from 0.
    epochs
        How many epochs there are in all, one after the other, each in an order of its own.
    start
        (epoch, step) of the first batch, counted from 0: what a run that stopped before it goes on with; nothing
        before it is read. Or a `FeedPosition`, which finds that out from the model.
    prefetch
        Runs of batches (1,024 rows each, less where rows take much) that are filled ahead, by as many threads.

    Returns
    -------
    tf.data.Dataset
        inputs int32 (batch, width), or a dict of them, targets, and float32 (batch,) weights where `weights` is given.
    """
    batches = open_batches(shards, plan, weights, **options)
    if start is None or isinstance(start, tuple):
        span = Span.of(epoch, epochs, start)
        return to_dataset(batches, epochs=span.epochs, start=span.start, prefetch=prefetch)
    start.follow(batches.steps_per_epoch, Span.of(epoch, epochs, None))
    return _stream(batches, start.span, prefetch)  # how many batches are left is not known before training begins


def to_dataset(
    batches: Batches, *, epochs: int = 1, start: tuple[int, int] = (0, 0), prefetch: int = _RUNS_AHEAD
) -> Any:
    """Return opened batches as a `tf.data.Dataset`; see `read_shards`."""
    tf = _import_tensorflow()
    span = Span(start, epochs)
    batches.runs(span)  # refuses what is no batch of these epochs
    cardinality = tf.data.experimental.assert_cardinality(batches.n_steps(span))
    return _stream(batches, lambda: span, prefetch).apply(cardinality)


def _stream(batches: Batches, find: Callable[[], Span], prefetch: int) -> Any:
    """Return the batches of the span that `find` names when an iteration begins."""
    if prefetch < 1:
        raise ConfigError(f"prefetch is {prefetch}, expected at least 1: so many runs of batches are filled ahead.")
    tf = _import_tensorflow()
    runs = tf.data.Dataset.from_tensors(0).flat_map(lambda _: _number_runs(tf, batches, find))
    fill = _filler(tf, batches, lambda: find().epochs)
    filled = runs.map(fill, num_parallel_calls=prefetch, deterministic=True)
    cut = filled.flat_map(lambda *parts: tf.data.Dataset.from_tensor_slices(batches.nest(parts)))
    options = tf.data.Options()
    options.experimental_optimization.inject_prefetch = False  # it would hold batches by the hundred
    options.autotune.enabled = False
    policies = tf.data.experimental.AutoShardPolicy
    # Where the reader has divided the rows among the workers, TensorFlow must not divide them again.
    options.experimental_distribute.auto_shard_policy = policies.OFF if batches.options.shard[0] > 1 else policies.DATA
    return cut.with_options(options)


def _number_runs(tf: Any, batches: Batches, find: Callable[[], Span]) -> Any:
    """Return a dataset of the runs of the span, each with the batches to skip at its front."""

    def begin() -> NDArray[np.int64]:
        runs, skip = batches.runs(find())
        return np.array([runs.start, runs.stop, skip], np.int64)

    bounds = tf.numpy_function(begin, [], tf.int64)
    bounds.set_shape([3])
    zero = tf.constant(0, tf.int64)
    return tf.data.Dataset.range(bounds[0], bounds[1]).map(
        lambda run: (run, tf.where(run == bounds[0], bounds[2], zero))
    )


def _filler(tf: Any, batches: Batches, epochs: Callable[[], int]) -> Callable[[Any, Any], Any]:
    """Return a function of TensorFlow that fills a run, and knows of the shapes what can be known."""
    buffers = Buffers()
    specs = [(tf.as_dtype(dtype), shape) for dtype, shape in batches.specs]

    def fill(run: Any, skip: Any) -> list[NDArray[Any]]:
        return batches.fill(int(run), int(skip), epochs=epochs(), empty=buffers.empty)

    def fill_in_graph(run: Any, skip: Any) -> tuple[Any, ...]:
        parts = tf.numpy_function(fill, [run, skip], [dtype for dtype, _ in specs], stateful=False)
        for part, (_, shape) in zip(parts, specs, strict=True):
            part.set_shape((None, *shape))
        return tuple(parts)

    return fill_in_graph


def _import_tensorflow() -> Any:
    try:
        import tensorflow as tf
    except ImportError as error:
        raise MissingExtraError.needing("evenly.train", "TensorFlow", "train") from error
    return tf
