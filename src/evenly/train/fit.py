"""Training, as one call into a process of its own: what TensorFlow needs before it is imported stands here."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from evenly.errors import MissingExtraError
from evenly.isolation import run_isolated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evenly.train.job import TrainJob, TrainResult

__all__ = ["fit_isolated", "holding_back_stderr", "prepare_tensorflow", "require_tensorflow"]


def fit_isolated(job: TrainJob) -> TrainResult:
    """Train in a spawned process, so that all of its memory is free when it ends, the GPU's too.

    Raises
    ------
    MissingExtraError
        TensorFlow or Keras is not installed.
    """
    require_tensorflow()
    return run_isolated(_fit, job)


def require_tensorflow() -> None:
    """Raise where TensorFlow or Keras is not installed.

    Raises
    ------
    MissingExtraError
        One of them is not.
    """
    if importlib.util.find_spec("tensorflow") is None or importlib.util.find_spec("keras") is None:
        raise MissingExtraError.needing("evenly.train", "TensorFlow", "train")


def _fit(job: TrainJob) -> TrainResult:
    prepare_tensorflow(job.seed)
    from evenly.train.loop import train_network

    return train_network(job)


def prepare_tensorflow(seed: int) -> None:
    """Import TensorFlow as Keras' backend, quietly, seeded, with deterministic kernels and no greed for the GPU."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with holding_back_stderr():
        import keras
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, enable=True)
        keras.utils.clear_session()  # layers are numbered from 1 again, whatever was made before
        keras.utils.set_random_seed(seed)
        tf.config.experimental.enable_op_determinism()
        tf.zeros(1)  # opens the devices, which is when the last of the messages come


@contextmanager
def holding_back_stderr() -> Iterator[None]:
    """Keep off the terminal what TensorFlow's C++ writes before its log level holds; show it after an error."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
