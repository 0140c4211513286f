"""tfidf: TF-IDF of the terms, a linear part over them and a hidden layer beside it.

In the graph, from ids alone: the terms of a text, how often each is there, ``(1 + ln count) * idf``, a row of length 1,
as scikit-learn's `TfidfVectorizer(sublinear_tf=True)` has it. A text is then the sum of the embeddings of its terms,
times these numbers: nothing is as wide as the vocabulary. The tables of `evenly.train.models.terms` are weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers, ops

from evenly.train.models.terms import N_BUCKETS, WORD_PIECES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.train.models.spec import Spec
    from evenly.train.models.terms import Terms

__all__ = ["weigh_terms"]

# C of the linear part and of the hidden layer. One label a row: as the baseline has it, for the first. Several, whose
# positives weigh more: by measurement on netflix_genres, where a hidden layer less held back cost 2 points of macro-F1.
_C = {"binary": (4.0, 1.0), "multiclass": (4.0, 1.0), "multilabel": (2.0, 0.5)}
_STRIDE = 8.0  # how much further a step of Adam moves the linear part, whose weights grow to several times one
_SPREAD = 0.2


def weigh_terms(ids: Any, spec: Spec) -> Any:
    """Return the logits."""
    if spec.terms is None:
        raise ValueError("The network tfidf needs terms: see evenly.train.models.terms.learn_terms.")
    head, n_terms = spec.head, len(spec.terms.idf)
    c_linear, c_hidden = _C[head.task]
    term = find_terms(ids, spec.terms)
    share = _share_terms(term, spec.terms)
    start = keras.initializers.Constant(head.bias.tolist())
    output = layers.Dense(len(head.bias), bias_initializer=start, name="logits", dtype="float32")
    spread = keras.initializers.RandomNormal(stddev=_SPREAD)
    words = layers.Embedding(n_terms, spec.hidden_size, spread, _penalty(spec, c_hidden), name="words")(term)
    hidden = layers.ReLU(name="hidden")(_sum(words, share))
    logits = output(layers.Dropout(spec.dropout, name="dropout")(hidden))
    wide = layers.Embedding(n_terms, len(head.bias), "zeros", _penalty(spec, c_linear, _STRIDE), name="wide")(term)
    kernel, bias = output.get_weights()
    output.set_weights([kernel * head.live, bias])
    return logits + _STRIDE * ops.cast(_sum(wide, share), "float32")


def _penalty(spec: Spec, c: float, scale: float = 1.0) -> keras.regularizers.Regularizer:
    """Return what logistic regression with C adds to the mean loss of rows and labels: ``(scale w)^2 / (2 C n)``."""
    several = spec.head.task == "multilabel"
    n_cells = spec.n_rows * (max(1, int(spec.head.live.sum())) if several else 1)
    return keras.regularizers.L2(scale**2 / (2 * c * n_cells))


def find_terms(ids: Any, terms: Terms) -> Any:
    """Return the term that begins at each place, int32, shape (batch, length); 0 where none does."""
    n_ids = len(terms.pieces.joined)
    code = ops.cast(_look_up(terms.pieces.code, "piece_code", ids), "int32")
    begins = ops.cast(ops.equal(ops.cumsum(ops.ones_like(ids), axis=1), 1), "int32")
    joined = ops.cast(_look_up(terms.pieces.joined, "piece_joined", ids), "int32") * (1 - begins)
    codes, joins = (ops.pad(each, ((0, 0), (0, WORD_PIECES - 1))) for each in (code, joined))
    total, going_on = code, 1
    for k in range(1, WORD_PIECES):
        there = slice(k, k - WORD_PIECES + 1 or None)
        going_on = joins[:, there] * going_on
        total = total + going_on * codes[:, there] * (k + 1)
    several = joins[:, 1 : 2 - WORD_PIECES or None]
    feature = ops.where(ops.equal(several, 1), n_ids + ops.mod(total, N_BUCKETS), ids)
    return ops.cast(_look_up(terms.term, "term", feature), "int32") * (1 - joined)


def _share_terms(term: Any, terms: Terms) -> Any:
    """Return TF-IDF at each place, divided by how often its term is there: summed over the places, it is TF-IDF."""
    count = ops.cast(_count_equal(term, len(terms.idf)), "float32")
    weight = (1 + ops.log(count)) * _look_up(terms.idf, "idf", term)
    squared = ops.sum(weight * weight / count, axis=1, keepdims=True)
    return weight / count * ops.rsqrt(ops.maximum(squared, 1e-12))


def _count_equal(term: Any, n_terms: int) -> Any:
    """Return how often the term of each place is in its row: by one sort of all rows, rows kept apart."""
    ones = ops.ones_like(term)
    row, place = ops.cumsum(ones, axis=0) - 1, ops.cumsum(ones, axis=1) - 1
    flat = ops.reshape(term + row * n_terms, (-1,))
    in_order = ops.sort(flat)
    found = ops.searchsorted(in_order, flat, side="right") - ops.searchsorted(in_order, flat, side="left")
    return ops.take(found, row * (ops.max(place) + 1) + place)


def _look_up(values: NDArray[Any], name: str, at: Any) -> Any:
    """Return values[at], kept as weights that are not trained: float32 has all integers up to 2**24."""
    table = layers.Embedding(len(values), 1, trainable=False, name=name, dtype="float32")
    found = table(at)
    table.set_weights([np.asarray(values, np.float32)[:, None]])
    return ops.squeeze(found, -1)


def _sum(embedded: Any, share: Any) -> Any:
    return ops.einsum("btd,bt->bd", embedded, ops.cast(share, embedded.dtype))
