"""pretrained: an encoder that has read much before, and a head of one dense layer on the mean of its states.

With the encoder left as it is, its vectors are made once (`evenly.train.encoders`) and the head is trained on them
alone, for which a CPU is enough; what is saved has both, from ids to probabilities. With the encoder trained, too
(all of it, or its last layers), head and encoder are one network, as J. Devlin et al., BERT, NAACL 2019, tune it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers, ops

from evenly.errors import ConfigError
from evenly.train.encoders.backbone import count_layers, freeze_below, mean_states, open_backbone
from evenly.train.models.spec import Pretrained

if TYPE_CHECKING:
    from pathlib import Path

    from evenly.train.feed.batches import Batches
    from evenly.train.models.spec import Spec

__all__ = ["build_head", "describe_encoder", "join_encoder", "read_encoded"]

_VECTORS_AT_ONCE = 8_192
_LEAST_DEVIATION = 1e-3


def describe_encoder(encoder: Path, trainable: str, train: Batches) -> Pretrained:
    """Return what the network must know of an encoder; mean and deviation are of the train rows, each once."""
    vectors = train.vectors
    if vectors is None:
        return Pretrained(encoder, trainable)
    n_rows, total, squares = len(train.index.row), np.zeros(vectors.n_features), np.zeros(vectors.n_features)
    for first in range(0, n_rows, _VECTORS_AT_ONCE):
        stored = np.arange(first, min(first + _VECTORS_AT_ONCE, n_rows), dtype=np.int32)
        block = vectors.fill(stored).astype(np.float64)
        total += block.sum(axis=0)
        squares += np.square(block).sum(axis=0)
    mean = total / max(1, n_rows)
    deviation = np.sqrt(np.maximum(squares / max(1, n_rows) - mean * mean, 0))
    least = np.maximum(deviation, _LEAST_DEVIATION)
    return Pretrained(encoder, trainable, mean.astype(np.float32), least.astype(np.float32))


def build_head(spec: Spec) -> tuple[Any, Any]:
    """Return the input, a vector a row, and the features: each number less its mean, by its deviation."""
    known = _pretrained(spec)
    if known.mean is None or known.deviation is None:
        raise ValueError("The head needs the mean of the vectors: see describe_encoder.")
    vector = keras.Input((len(known.mean),), dtype="float32", name="embedding")
    norm = layers.Normalization(
        mean=known.mean.tolist(), variance=np.square(known.deviation).tolist(), name="standard", dtype="float32"
    )
    return vector, norm(vector)


def join_encoder(head: keras.Model, spec: Spec) -> keras.Model:
    """Return the encoder with a head on it: from ids to what the head gives."""
    ids = keras.Input((None,), dtype="int32", name="ids")
    backbone = open_backbone(_pretrained(spec).encoder)
    backbone.trainable = False
    vector = mean_states(backbone, ids, ops.not_equal(ids, spec.pad_id))
    return keras.Model(ids, head(vector), name="pretrained")


def read_encoded(ids: Any, real: Any, spec: Spec) -> Any:
    """Return the mean of the states of the real tokens, of an encoder that is trained in whole or in part.

    Raises
    ------
    ConfigError
        The encoder has fewer layers than shall be trained.
    """
    known = _pretrained(spec)
    backbone = open_backbone(known.encoder)
    if known.trainable != "all":
        n_trained, n_layers = int(known.trainable.removeprefix("last_")), count_layers(backbone)
        if n_trained > n_layers:
            raise ConfigError(
                f"train.trainable is {known.trainable}, and the encoder has {n_layers} layers: give all, or last_N of "
                f"at most {n_layers}."
            )
        freeze_below(backbone, n_trained)
    return mean_states(backbone, ids, real)


def _pretrained(spec: Spec) -> Pretrained:
    if spec.pretrained is None:
        raise ValueError("The network pretrained needs an encoder: see describe_encoder.")
    return spec.pretrained
