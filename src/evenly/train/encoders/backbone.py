"""A kept checkpoint as a Keras model, and the vector of a text: the mean of its tokens' states.

The mean over the real tokens, special ones included, as sentence-transformers has it (N. Reimers, I. Gurevych,
Sentence-BERT, EMNLP 2019, section 3). Importing this module is light; opening a checkpoint imports KerasHub.
"""

from __future__ import annotations

import importlib.util
import warnings
from typing import TYPE_CHECKING, Any

from evenly.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["count_layers", "freeze_below", "mean_states", "open_backbone", "require_keras_hub"]

_LAYER = "transformer_layer_"


def require_keras_hub() -> None:
    """Raise where KerasHub is not installed.

    Raises
    ------
    MissingExtraError
        It is not.
    """
    if importlib.util.find_spec("keras_hub") is None:
        raise MissingExtraError.needing("train.model: pretrained", "KerasHub", "pretrained")


def open_backbone(encoder: Path) -> Any:
    """Open an `encoder` artifact as a `keras_hub.models.Backbone`.

    Raises
    ------
    MissingExtraError
        KerasHub is not installed.
    DataError
        The weights are not those that the config promises.
    """
    require_keras_hub()
    import keras_hub

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the converter: about the tasks that a checkpoint was made for
            backbone = keras_hub.models.Backbone.from_preset(str(encoder))
    except Exception as error:
        raise DataError(
            f"The checkpoint in {encoder} cannot be opened by KerasHub: {type(error).__name__}: {error} Check that "
            f"config.json and the weights of train.checkpoint belong together."
        ) from error
    if "pooled_dense" in {layer.name for layer in backbone.layers}:
        backbone.get_layer("pooled_dense").trainable = False  # BERT's own answer, which is not asked for
    return backbone


def mean_states(backbone: Any, ids: Any, real: Any) -> Any:
    """Return the mean of the states of the real tokens, shape (batch, n_features), float32; zeros where there is none.

    Parameters
    ----------
    backbone
        From `open_backbone`.
    ids
        Shape (batch, length), int32, padded with any id.
    real
        Shape (batch, length), bool: where there is a token.
    """
    from keras import ops

    mask = ops.cast(real, "int32")
    inputs = {"token_ids": ids * mask, "padding_mask": mask, "segment_ids": ops.zeros_like(ids)}
    found = backbone({name: inputs[name] for name in backbone.input})
    states = ops.cast(found["sequence_output"] if isinstance(found, dict) else found, "float32")
    shown = ops.expand_dims(ops.cast(real, "float32"), -1)
    return ops.sum(states * shown, axis=1) / ops.maximum(ops.sum(shown, axis=1), 1.0)


def count_layers(backbone: Any) -> int:
    """Return how many transformer layers an encoder has."""
    return sum(layer.name.startswith(_LAYER) for layer in backbone.layers)


def freeze_below(backbone: Any, n_trained: int) -> None:
    """Leave the last `n_trained` transformer layers to be trained, and nothing else."""
    first = count_layers(backbone) - n_trained
    for layer in backbone.layers:
        number = layer.name.removeprefix(_LAYER)
        layer.trainable = number.isdecimal() and int(number) >= first
