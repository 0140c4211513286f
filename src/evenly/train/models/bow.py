"""bow: the weighted mean of the embeddings of the words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import layers, ops

if TYPE_CHECKING:
    from evenly.train.models.spec import Spec

__all__ = ["read_words"]


def read_words(ids: Any, real: Any, spec: Spec) -> Any:
    """Return the weighted mean of the embeddings of the real tokens, the weight of each word learnt; zeros for none.

    With one dense layer above it this is a linear model of the words. A hidden layer of ReLU between them cost 13
    points of macro-F1 on tram_attack and 6 on netflix_genres, and made no difference on imdb1000_genres and sms_spam
    (one run each).
    """
    embedded = layers.Embedding(spec.n_ids, spec.embedding_size, name="embedding")(ids)
    weight = layers.Embedding(spec.n_ids, 1, embeddings_initializer="zeros", name="word_weight", dtype="float32")(ids)
    shown = ops.expand_dims(ops.cast(real, "float32"), -1)
    share = ops.softmax(weight + (shown - 1.0) * 1e9, axis=1) * shown
    return ops.sum(embedded * ops.cast(share, embedded.dtype), axis=1)
