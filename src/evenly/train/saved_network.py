"""A saved model, opened to be asked: token ids in, probabilities out. Opening one imports TensorFlow."""

from __future__ import annotations

import importlib
import importlib.util
import os
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.errors import DataError, MissingExtraError, SourceNotFoundError
from evenly.train.encoders.backbone import require_keras_hub
from evenly.train.fit import holding_back_stderr
from evenly.train.network_file import read_network_config

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Scorer", "load_network", "open_scorer"]

_BATCH_ROWS = 256
_STEP_IDS = 8
_MOST_SAID = 300  # characters of Keras' own message, which can hold the whole config


def load_network(path: Path) -> Any:
    """Open a ``.keras`` file as a Keras model, to be asked, not trained. No code in the file is ever run.

    Raises
    ------
    MissingExtraError
        TensorFlow is not installed, or KerasHub, of which the model has layers.
    SourceNotFoundError
        There is no such file.
    DataError
        The file is no model, damaged, declares far more than it holds, has code in it, or needs code of yours that is
        not registered with Keras.
    """
    if not path.is_file():
        raise SourceNotFoundError(f"{path} is not there. Expected the model.keras of a model's folder.")
    config = read_network_config(path)
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
        _import_layers(config)
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever a hostile or damaged file makes of Keras, zipfile and h5py
        raise DataError(f"{path} cannot be opened: {_explain(error)}") from error


def _explain(error: Exception) -> str:
    said = str(error)
    if "Lambda" in said and "safe_mode" in said:
        return (
            "it has a Lambda layer, Python code within the file, which evenly does not run. Use keras.ops or a "
            "registered layer instead, and train anew."
        )
    first = shorten(said, _MOST_SAID) or type(error).__name__
    return (
        f"{type(error).__name__}: {first} The file is damaged, or it has layers of your own: import their module first "
        f"(keras.saving.register_keras_serializable)."
    )


def _import_layers(config: bytes) -> None:
    """Make KerasHub's layers known to Keras where a model has some."""
    if b'"keras_hub' in config:
        require_keras_hub()
        importlib.import_module("keras_hub")


def open_scorer(path: Path, pad_id: int) -> Scorer:
    """Open a ``.keras`` file for scoring; `pad_id` fills up rows. See `load_network` for the errors."""
    return Scorer(load_network(path), pad_id)


def _check_form(model: Any) -> None:
    """Raise where a Keras model does not take ids and give a probability a label."""
    shape = getattr(model, "output_shape", None)
    sizes = shape[1:] if isinstance(shape, tuple) else ()
    if not getattr(model, "inputs", None) or len(sizes) != 1 or not isinstance(sizes[0], int):
        raise DataError(
            f"The network gives {shape} a text, expected (None, number of labels): it is no model of evenly."
        )


class Scorer:
    """Scores rows of token ids."""

    def __init__(self, model: Any, pad_id: int) -> None:
        """Use a Keras model whose inputs are padded ids and whose output is a probability a label."""
        import tensorflow as tf

        _check_form(model)
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
            scores[rows] = self._ask({name: self._fill(array, rows) for name, array in arrays.items()})
        return scores

    def _ask(self, ids: dict[str, NDArray[np.int32]]) -> NDArray[np.float32]:
        try:
            return np.asarray(self._step(ids).numpy(), np.float32)
        except Exception as error:  # whatever a network of a stranger makes of TensorFlow
            raise DataError(
                f"The network fails on its texts: {type(error).__name__}: {shorten(str(error), _MOST_SAID)} Its file "
                f"is damaged, is not of the same model as the tokenizer, or needs more memory than there is."
            ) from error

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
