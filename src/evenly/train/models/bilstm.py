"""bilstm: a bidirectional LSTM, and the maximum of its outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import layers, ops

if TYPE_CHECKING:
    from evenly.train.models.spec import Spec

__all__ = ["read_both_ways"]


def read_both_ways(ids: Any, real: Any, spec: Spec) -> Any:
    """Return a dense layer over the maximum of the outputs of a bidirectional LSTM at the real tokens.

    Not the mean: points of macro-F1 that the maximum gains over it, run by run: tram_attack +7.5 and +3.6,
    imdb1000_genres -2.3 and +.7, netflix_genres -.5.

    Its arguments are those that cuDNN takes: tanh and sigmoid, no dropout within, a mask that ends where the text
    ends and is never empty (cuDNN refuses gaps and texts of length 0).
    """
    embedded = layers.Embedding(spec.n_ids, spec.embedding_size, name="embedding")(ids)
    to_the_end = ops.flip(ops.cumsum(ops.flip(ops.cast(real, "int32"), axis=1), axis=1), axis=1)
    position = ops.cumsum(ops.ones_like(to_the_end), axis=1)
    mask = ops.logical_or(ops.greater(to_the_end, 0), ops.equal(position, 1))
    lstm = layers.LSTM(max(1, spec.hidden_size // 2), return_sequences=True, name="lstm")
    sequence = layers.Bidirectional(lstm, name="bilstm")(embedded, mask=mask)
    shown = ops.expand_dims(ops.cast(mask, "float32"), -1)
    strongest = ops.max(ops.cast(sequence, "float32") + (shown - 1.0) * 1e9, axis=1)
    return layers.Dense(spec.hidden_size, activation="relu", name="hidden")(strongest)
