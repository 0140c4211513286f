"""The network of a model for other run times: a TensorFlow SavedModel, or ONNX where the converter is installed.

Comes in: the folder of a model. Goes out: a function of token ids, int32, shape (batch, length), padded with the pad
id of ``reading.json``; it gives probabilities, float32, shape (batch, n_labels), in the order of ``labels.json``.
"""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from textwrap import shorten
from typing import TYPE_CHECKING

import numpy as np

from evenly.errors import ConfigError, DataError, MissingExtraError, StoreError, nearest
from evenly.train.reading import read_reading
from evenly.train.saved_network import load_network

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["EXPORT_FORMATS", "export_network"]

EXPORT_FORMATS = {"savedmodel": "tf_saved_model", "onnx": "onnx"}
_MOST_SAID = 300  # characters of what the converter says
_CONVERTERS = {"onnx": "tf2onnx"}


def export_network(model: Path, target: Path, *, to: str) -> None:
    """Write the network of a model.

    Parameters
    ----------
    model
        Folder of a model.
    target
        What is written: a folder for savedmodel, a file for onnx.
    to
        ``savedmodel`` or ``onnx``.

    Raises
    ------
    ConfigError
        There is no such format.
    SourceNotFoundError, DataError
        It is no model, or the converter cannot express it.
    MissingExtraError
        TensorFlow or the converter is not installed.
    StoreError
        The target is there already.
    """
    if to not in EXPORT_FORMATS:
        raise ConfigError(f"--to is {to!r}{nearest(to, EXPORT_FORMATS)} Expected {' or '.join(EXPORT_FORMATS)}.")
    read_reading(model)
    converter = _CONVERTERS.get(to)
    if converter is not None and importlib.util.find_spec(converter) is None:
        raise MissingExtraError(
            f"{to} needs the converter {converter}, which is not installed: pip install {converter}"
        )
    if target.exists():
        raise StoreError(f"{target} is there already. Give another place with -o.")
    network = load_network(model / "model.keras")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the converters' own use of NumPy
            network([np.zeros((1, 1), np.int32) for _ in network.inputs])  # a network never called is refused
            network.export(str(target), format=EXPORT_FORMATS[to], verbose=False)
        if to == "onnx":
            _check_onnx(target)
    except Exception as error:
        raise DataError(
            f"The network cannot be written as {to}: {type(error).__name__}: {shorten(str(error), _MOST_SAID)} "
            f"savedmodel takes every network."
        ) from error


def _check_onnx(target: Path) -> None:
    """Remove a file with operations that ONNX does not have, which the converter only warns of: tfidf searches."""
    try:
        importlib.import_module("onnx").checker.check_model(str(target))
    except Exception:
        target.unlink(missing_ok=True)
        raise
