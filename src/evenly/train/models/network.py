"""Build the network that a name stands for.

Input `ids`: int32, shape (batch, length), padded at the end with the tokenizer's pad id, which the graph masks
itself. Output `probabilities`: float32, shape (batch, n_labels), in the order of the label ids, whatever the task;
training uses the logits beneath. Importing this module imports Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers, ops

from evenly.train.models.bilstm import read_both_ways
from evenly.train.models.bow import read_words
from evenly.train.models.cnn import read_windows
from evenly.train.models.custom import build_custom
from evenly.train.models.pretrained import build_head, join_encoder, read_encoded
from evenly.train.models.spec import Head, Network, Spec
from evenly.train.models.tfidf import weigh_terms
from evenly.train.models.transformer import read_attention

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Head", "Network", "Spec", "build_network", "complete_network"]

_READERS: dict[str, Callable[[Any, Any, Spec], Any]] = {
    "bow": read_words,
    "cnn": read_windows,
    "bilstm": read_both_ways,
    "transformer": read_attention,
    "pretrained": read_encoded,
}


def build_network(model: str, spec: Spec, *, build: str | None = None) -> Network:
    """Build the network `model`: tfidf, bow, cnn, bilstm, transformer, pretrained, or for custom what `build` names."""
    if model == "custom":
        own = build_custom(build or "", spec)
        return Network(own, keras.Model(own.input, probabilities(own.output, spec.head), name=model))
    if _reads_vectors(spec):
        vector, features = build_head(spec)
        logits = _answer(features, spec)
        return Network(keras.Model(vector, logits), keras.Model(vector, probabilities(logits, spec.head), name="head"))
    ids = keras.Input((None,), dtype="int32", name="ids")
    linear = None
    if model == "tfidf":
        logits, linear = weigh_terms(ids, spec)
    else:
        logits = _answer(_READERS[model](ids, ops.not_equal(ids, spec.pad_id), spec), spec)
    answer = keras.Model(ids, probabilities(logits, spec.head), name=model)
    return Network(keras.Model(ids, logits), answer, linear)


def complete_network(network: Network, spec: Spec) -> keras.Model:
    """Return what is saved: from ids to probabilities, the encoder included where the head alone was trained."""
    return join_encoder(network.probabilities, spec) if _reads_vectors(spec) else network.probabilities


def _reads_vectors(spec: Spec) -> bool:
    return spec.pretrained is not None and spec.pretrained.trainable == "none"


def _answer(features: Any, spec: Spec) -> Any:
    """Return the logits of features: a dense layer that starts at the best constant answer."""
    start = keras.initializers.Constant(spec.head.bias.tolist())
    output = layers.Dense(len(spec.head.bias), bias_initializer=start, name="logits", dtype="float32")
    logits = output(layers.Dropout(spec.dropout, name="dropout")(features))
    kernel, bias = output.get_weights()
    output.set_weights([kernel * spec.head.live, bias])
    return logits


def probabilities(logits: Any, head: Head) -> Any:
    """Return the probability of every label from the logits."""
    if head.task == "multilabel":
        return layers.Activation("sigmoid", name="probabilities", dtype="float32")(logits)
    if head.task == "multiclass":
        return layers.Activation("softmax", name="probabilities", dtype="float32")(logits)
    pair = [ops.negative(logits), logits] if head.positive == 1 else [logits, ops.negative(logits)]
    both = layers.Concatenate(name="both", dtype="float32")(pair)
    return layers.Activation("sigmoid", name="probabilities", dtype="float32")(both)
