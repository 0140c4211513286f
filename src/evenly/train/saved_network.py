"""A saved model, opened to be asked: token ids in, probabilities out. Opening one imports TensorFlow."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.errors import DataError, MissingExtraError
from evenly.train.fit import holding_back_stderr

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Scorer", "load_network", "open_scorer"]

_BATCH_ROWS = 256
_STEP_IDS = 8


def load_network(path: Path) -> Any:
    """Open a ``.keras`` file as a Keras model, to be asked, not trained.

    Raises
    ------
    MissingExtraError
        TensorFlow is not installed.
    DataError
        The file is no model, or needs code of yours that is not registered with Keras.
    """
    if importlib.util.find_spec("tensorflow") is None or importlib.util.find_spec("keras") is None:
        raise MissingExtraError.needing("evenly.prediction", "TensorFlow", "train")
    # The process is the caller's: nothing of its seeds, its session or its devices is touched.
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    with holding_back_stderr():
        import keras
        import tensorflow as tf

        tf.zeros(1)  # opens the devices, which is when the last of TensorFlow's messages come
    try:
        return keras.models.load_model(path, compile=False)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{path} cannot be opened: {error} Where it has layers of your own, import their module first "
            f"(keras.saving.register_keras_serializable)."
        ) from error


def open_scorer(path: Path, pad_id: int) -> Scorer:
    """Open a ``.keras`` file for scoring; `pad_id` fills up rows. See `load_network` for the errors."""
    return Scorer(load_network(path), pad_id)


class Scorer:
    """Scores rows of token ids."""

    def __init__(self, model: Any, pad_id: int) -> None:
        """Use a Keras model whose inputs are padded ids and whose output is a probability a label."""
        import tensorflow as tf

        self._pad_id = pad_id
        self._names = [each.name for each in model.inputs]
        signature = {name: tf.TensorSpec((None, None), tf.int32) for name in self._names}
        alone = len(self._names) == 1

        @tf.function(input_signature=[signature])  # type: ignore[untyped-decorator]
        def step(ids: Any) -> Any:
            return model(ids[self._names[0]] if alone else ids, training=False)

        self._step = step
        self.n_labels = int(model.output_shape[-1])

    def __call__(self, ids: Mapping[str, pa.ListArray]) -> NDArray[np.float32]:
        """Return the probabilities, shape (n_rows, n_labels), float32.

        Parameters
        ----------
        ids
            A list array for each input, by its name or, where a model calls its inputs otherwise, in their order.
        """
        arrays = self._by_input(ids)
        longest = np.max([np.diff(array.offsets.to_numpy()) for array in arrays.values()], axis=0)
        scores = np.empty((len(longest), self.n_labels), np.float32)
        order = np.argsort(longest, kind="stable")
        for start in range(0, len(order), _BATCH_ROWS):
            rows = order[start : start + _BATCH_ROWS]
            scores[rows] = self._step({name: self._fill(array, rows) for name, array in arrays.items()}).numpy()
        return scores

    def _by_input(self, ids: Mapping[str, pa.ListArray]) -> dict[str, pa.ListArray]:
        if set(ids) == set(self._names):
            return {name: ids[name] for name in self._names}
        if len(ids) != len(self._names):
            raise DataError(
                f"The model takes {len(self._names)} inputs ({', '.join(self._names)}), and its texts give {len(ids)} "
                f"({', '.join(ids)})."
            )
        return dict(zip(self._names, ids.values(), strict=True))

    def _fill(self, array: pa.ListArray, rows: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return some rows as a matrix, padded to a multiple of 8."""
        offsets = array.offsets.to_numpy()
        lengths = np.diff(offsets)[rows]
        width = max(_STEP_IDS, -(-int(lengths.max(initial=0)) // _STEP_IDS) * _STEP_IDS)
        place = np.arange(width)
        real = place < lengths[:, None]
        filled = np.full((len(rows), width), self._pad_id, np.int32)
        filled[real] = array.values.to_numpy()[(offsets[rows][:, None] + place)[real]]
        return filled
