"""cnn: windows of three, four and five tokens, the strongest of each kind kept.

Y. Kim, Convolutional Neural Networks for Sentence Classification, EMNLP 2014.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import layers, ops

if TYPE_CHECKING:
    from evenly.train.models.spec import Spec

__all__ = ["read_windows"]

_WIDTHS = (3, 4, 5)


def read_windows(ids: Any, real: Any, spec: Spec) -> Any:
    """Return the maximum of each filter over the places of the real tokens; `hidden_size` filters in all."""
    embedded = layers.Embedding(spec.n_ids, spec.embedding_size, name="embedding")(ids)
    shown = ops.expand_dims(ops.cast(real, embedded.dtype), -1)
    strongest = []
    for i, width in enumerate(_WIDTHS):
        n_filters = spec.hidden_size // len(_WIDTHS) + (i < spec.hidden_size % len(_WIDTHS))
        if n_filters:
            layer = layers.Conv1D(n_filters, width, padding="same", activation="relu", name=f"windows_{width}")
            strongest.append(ops.max(layer(embedded * shown) * shown, axis=1))  # ReLU: 0 is the least there is
    return ops.concatenate(strongest, axis=-1) if len(strongest) > 1 else strongest[0]
