"""The networks: functional Keras models of built-in layers alone, so that the saved file opens without evenly.

Input `ids`: int32, shape (batch, length), padded at the end with the tokenizer's pad id, which the graph masks
itself. Output `probabilities`: float32, shape (batch, n_labels), in the order of the label ids, whatever the task;
training uses the logits beneath. Importing this module imports Keras.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
from keras import layers, ops

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from evenly.formats import Task

__all__ = ["MODELS", "Head", "Network", "build_network"]


@dataclass(frozen=True)
class Head:
    """What the network answers.

    Attributes
    ----------
    task
        binary, multiclass or multilabel.
    bias
        Shape (n_labels,), or (1,) for binary: the logits of the best constant answer, where training starts.
    positive
        The label id whose logit a binary network gives.
    """

    task: Task
    bias: NDArray[np.float64]
    positive: int | None = None


@dataclass(frozen=True)
class Network:
    """Two models of the same layers: `logits` is trained, `probabilities` is saved."""

    logits: keras.Model
    probabilities: keras.Model


def build_network(
    model: str,
    head: Head,
    *,
    n_ids: int,
    pad_id: int,
    embedding_size: int,
    hidden_size: int,
    dropout: float,
) -> Network:
    """Build the network named `model` (one of `MODELS`).

    Parameters
    ----------
    model, head
        What reads the text, and what it answers.
    n_ids, pad_id
        Ids that the tokenizer can give, and the one that fills up.
    embedding_size, hidden_size, dropout
        Numbers a token; units of the hidden layer; share of them that a training step leaves out.
    """
    ids = keras.Input((None,), dtype="int32", name="ids")
    embedded = layers.Embedding(n_ids, embedding_size, name="embedding")(ids)
    pooled = MODELS[model](embedded, ops.not_equal(ids, pad_id), hidden_size)
    hidden = layers.Dense(hidden_size, activation="relu", name="hidden")(pooled)
    hidden = layers.Dropout(dropout, name="dropout")(hidden)
    start = keras.initializers.Constant(head.bias.tolist())
    # kernel 0: training starts at the constant answer, and a label without training rows stays there
    logits = layers.Dense(len(head.bias), kernel_initializer="zeros", bias_initializer=start, name="logits")(hidden)
    return Network(keras.Model(ids, logits), keras.Model(ids, _probabilities(logits, head), name=model))


def _pool_words(embedded: Any, real: Any, hidden_size: int) -> Any:  # noqa: ARG001 - the signature of MODELS
    """Return the mean of the embeddings of the real tokens; zeros for a text without any."""
    return _masked_mean(embedded, real)


def _pool_sequence(embedded: Any, real: Any, hidden_size: int) -> Any:
    """Return the mean of the outputs of a bidirectional LSTM over the real tokens.

    Its arguments are those that cuDNN takes: tanh and sigmoid, no dropout within, a mask that ends where the text
    ends and is never empty (cuDNN refuses gaps and texts of length 0).
    """
    within = ops.flip(ops.cumsum(ops.flip(ops.cast(real, "int32"), axis=1), axis=1), axis=1)
    position = ops.cumsum(ops.ones_like(within), axis=1)
    mask = ops.logical_or(ops.greater(within, 0), ops.equal(position, 1))
    units = max(1, hidden_size // 2)
    lstm = layers.LSTM(units, return_sequences=True, name="lstm")
    sequence = layers.Bidirectional(lstm, name="bilstm")(embedded, mask=mask)
    return _masked_mean(sequence, mask)


MODELS = {"bow": _pool_words, "bilstm": _pool_sequence}
"""Name to a function of embeddings (batch, length, size), mask (batch, length) and hidden size: (batch, features)."""


def _masked_mean(values: Any, mask: Any) -> Any:
    weights = ops.expand_dims(ops.cast(mask, "float32"), -1)
    return ops.divide(ops.sum(values * weights, axis=1), ops.maximum(ops.sum(weights, axis=1), 1.0))


def _probabilities(logits: Any, head: Head) -> Any:
    if head.task == "multilabel":
        return layers.Activation("sigmoid", name="probabilities")(logits)
    if head.task == "multiclass":
        return layers.Activation("softmax", name="probabilities")(logits)
    pair = [ops.negative(logits), logits] if head.positive == 1 else [logits, ops.negative(logits)]
    both = layers.Concatenate(name="both")(pair)
    return layers.Activation("sigmoid", name="probabilities")(both)
