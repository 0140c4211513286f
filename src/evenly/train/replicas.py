"""Several GPUs that train one network: each has a copy of it and works through its share of every batch.

Comes in: how many devices may be used, and a step of one. Goes out: `tf.distribute.MirroredStrategy` and that step
over all of them. The batch stays the one that was configured: each replica takes its rows from it, divides by the rows
of the whole, and the sums of the losses and of the gradients are those of one device, but for rounding and the draws
of dropout. Importing this module imports TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from evenly.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["find_strategy", "share_among"]


def find_strategy(n_devices: int | None) -> tf.distribute.MirroredStrategy | None:
    """Return what trains on `n_devices` GPUs (None: on all that there are), or None where there is one device.

    Raises
    ------
    ConfigError
        There are fewer.
    """
    gpus = _list_gpus()
    wanted = len(gpus) if n_devices is None else n_devices
    if wanted > max(1, len(gpus)):
        raise ConfigError(
            f"train.devices is {wanted}, and TensorFlow sees {len(gpus)} GPUs. Give a smaller number, or none: "
            f"then all that there are share each batch. `evenly doctor` lists them."
        )
    return tf.distribute.MirroredStrategy(gpus[:wanted]) if wanted > 1 else None


def _list_gpus() -> list[str]:
    return [device.name for device in tf.config.list_logical_devices("GPU")]


def share_among(
    strategy: tf.distribute.Strategy, step: Callable[..., tuple[Any, Any]]
) -> Callable[..., tuple[Any, Any]]:
    """Return a step of all replicas.

    Parameters
    ----------
    strategy
        Has the replicas.
    step
        ``step(inputs, target, weight, whole)`` of one replica: what its rows add to the mean loss of `whole` rows, and
        whether its numbers are numbers; it applies the gradients, which Keras adds up over the replicas.

    Returns
    -------
    Callable
        ``(inputs, target, weight)`` of the whole batch to its mean loss and whether all numbers are numbers.
    """
    n_replicas = strategy.num_replicas_in_sync

    def step_of_replica(batch: Any, n_rows: Any) -> tuple[Any, Any]:
        number = tf.distribute.get_replica_context().replica_id_in_sync_group
        first, last = number * n_rows // n_replicas, (number + 1) * n_rows // n_replicas
        # No replica is ever without rows, which some layers do not bear: it takes one, of a batch without end.
        rows = slice(first, tf.maximum(last, first + 1))
        inputs, target, weight = tf.nest.map_structure(lambda values: values[rows], batch)
        whole = tf.where(last > first, tf.cast(n_rows, tf.float32), float("inf"))
        return step(inputs, target, weight, whole)

    def step_of_all(inputs: Any, target: Any, weight: list[Any]) -> tuple[Any, Any]:
        found = strategy.run(step_of_replica, args=((inputs, target, weight), tf.shape(target)[0]))
        loss, finite = (strategy.experimental_local_results(each) for each in found)
        return tf.add_n(loss), tf.reduce_all(tf.stack(finite))

    return step_of_all
