"""transformer: a small encoder, trained from scratch.

A. Vaswani et al., Attention Is All You Need, NeurIPS 2017, with the normalisation before each part, which trains
without much warm-up (R. Xiong et al., On Layer Normalization in the Transformer Architecture, ICML 2020).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import layers, ops

if TYPE_CHECKING:
    from evenly.train.models.spec import Spec

__all__ = ["read_attention"]

_HEAD_SIZE = 32
_WIDENING = 2


def read_attention(ids: Any, real: Any, spec: Spec) -> Any:
    """Return the mean over the real tokens of what `n_layers` layers of self-attention make of them."""
    size = spec.embedding_size + spec.embedding_size % 2
    n_heads = max(1, size // _HEAD_SIZE)
    states = layers.Embedding(spec.n_ids, size, name="embedding")(ids)
    states = layers.Dropout(spec.dropout, name="embedding_dropout")(
        states * math.sqrt(size) * 0.05 + _places(ids, size)
    )
    mask = ops.expand_dims(real, 1)
    for i in range(spec.n_layers):
        normal = layers.LayerNormalization(name=f"attention_norm_{i}")(states)
        attention = layers.MultiHeadAttention(n_heads, size // n_heads, name=f"attention_{i}")
        heard = attention(normal, normal, attention_mask=mask)
        states = states + layers.Dropout(spec.dropout, name=f"attention_dropout_{i}")(heard)
        normal = layers.LayerNormalization(name=f"inner_norm_{i}")(states)
        inner = layers.Dense(_WIDENING * size, activation="gelu", name=f"inner_{i}")(normal)
        outer = layers.Dense(size, name=f"outer_{i}")(inner)
        states = states + layers.Dropout(spec.dropout, name=f"outer_dropout_{i}")(outer)
    states = layers.LayerNormalization(name="norm")(states)
    shown = ops.expand_dims(ops.cast(real, states.dtype), -1)
    return ops.sum(states * shown, axis=1) / ops.maximum(ops.sum(shown, axis=1), 1)


def _places(ids: Any, size: int) -> Any:
    """Return sines and cosines of the places (section 3.5 of the paper), so that no text is too long."""
    place = ops.cast(ops.cumsum(ops.ones_like(ids), axis=1) - 1, "float32")
    rates = np.array([10_000 ** (-2 * i / size) for i in range(size // 2)], np.float32)
    angles = ops.expand_dims(place, -1) * rates
    return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)
