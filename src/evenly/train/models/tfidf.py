"""tfidf: TF-IDF of the terms and of grams of characters: a linear part over both, a hidden layer over the terms.

In the graph, from ids alone: the terms of a text, how often each is there, ``(1 + ln count) * idf``, a row of length 1,
as scikit-learn's `TfidfVectorizer(sublinear_tf=True)` has it. A text is then the sum of the embeddings of its terms,
times these numbers: nothing is as wide as the vocabulary. Grams are added up as often as they are there, ``idf`` each,
over the root of the sum of ``idf^2``: the length of the row, were the square root of their count what counts. So they
need no sort, and did as well. The tables of `evenly.train.models.terms` and `grams` are weights.

The linear part is put at its optimum before training (`evenly.train.models.linear`) and stays there; the hidden layer
begins by adding nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers, ops

from evenly.train.models.linear import Linear
from evenly.train.models.terms import N_BUCKETS, WORD_PIECES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.train.models.grams import Grams
    from evenly.train.models.spec import Spec
    from evenly.train.models.terms import Pieces, Terms

__all__ = ["weigh_terms"]

# C of the linear part and of the hidden layer. One label a row: as the baseline has it, for the first. Several, whose
# positives weigh more: by measurement on netflix_genres, where a hidden layer less held back cost 2 points of macro-F1.
_C = {"binary": (4.0, 1.0), "multiclass": (4.0, 1.0), "multilabel": (2.0, 0.5)}
_SPREAD = 0.2


def weigh_terms(ids: Any, spec: Spec) -> tuple[Any, Linear]:
    """Return the logits, and the linear part of what gives them."""
    if spec.terms is None:
        raise ValueError("The network tfidf needs terms: see evenly.train.models.terms.learn_terms.")
    c_linear, c_hidden = _C[spec.head.task]
    term = find_terms(ids, spec.terms)
    found = {"wide": (term, _share_terms(term, spec.terms))}
    if spec.grams is not None:
        found["wide_grams"] = find_grams(ids, spec.terms.pieces, spec.grams)
    n_rows = {"wide": len(spec.terms.idf), "wide_grams": 0 if spec.grams is None else len(spec.grams.idf)}
    start = keras.initializers.Constant(spec.head.bias.tolist())
    settings: dict[str, Any] = {"kernel_initializer": "zeros", "bias_initializer": start, "dtype": "float32"}
    output = layers.Dense(len(spec.head.bias), name="logits", **settings)
    logits = output(_read_hidden(*found["wide"], n_rows["wide"], spec, _penalty(spec, c_hidden)))
    tables = []
    for name, (at, share) in found.items():
        table = layers.Embedding(
            n_rows[name], len(spec.head.bias), "zeros", name=name, trainable=False, dtype="float32"
        )
        logits = logits + ops.cast(_sum(table(at), share), "float32")
        tables.append(table)
    features = keras.Model(ids, list(found.values()))
    return logits, Linear(features, tuple(tables), output, _penalty(spec, c_linear))


def _read_hidden(term: Any, share: Any, n_terms: int, spec: Spec, penalty: float) -> Any:
    """Return the hidden layer over the terms."""
    spread = keras.initializers.RandomNormal(stddev=_SPREAD)
    regularizer = keras.regularizers.L2(penalty)
    words = layers.Embedding(n_terms, spec.hidden_size, spread, regularizer, name="words")(term)
    return layers.Dropout(spec.dropout, name="dropout")(layers.ReLU(name="hidden")(_sum(words, share)))


def _penalty(spec: Spec, c: float) -> float:
    """Return what logistic regression with C adds to the mean loss of rows and labels: this times ``w^2``."""
    several = spec.head.task == "multilabel"
    n_cells = spec.n_rows * (max(1, int(spec.head.live.sum())) if several else 1)
    return 1 / (2 * c * n_cells)


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
    return ops.squeeze(_look_up_rows(values[:, None], name, at), -1)


def _look_up_rows(values: NDArray[Any], name: str, at: Any) -> Any:
    table = layers.Embedding(*values.shape, trainable=False, name=name, dtype="float32")
    found = table(at)
    table.set_weights([np.asarray(values, np.float32)])
    return found


def _sum(embedded: Any, share: Any) -> Any:
    """Return the weighted sum of all embeddings of a row, which stand in one dimension or two."""
    places = "tg"[: len(share.shape) - 1]
    return ops.einsum(f"b{places}d,b{places}->bd", embedded, ops.cast(share, embedded.dtype))


def find_grams(ids: Any, pieces: Pieces, grams: Grams) -> tuple[Any, Any]:
    """Return the grams at each place, int32, shape (batch, length, most of a piece), and how much each counts."""
    gram = ops.cast(_look_up_rows(grams.of_id, "grams", find_ends(ids, pieces)), "int32")
    weight = _look_up(grams.idf, "gram_idf", gram)
    squared = ops.sum(weight * weight, axis=(1, 2), keepdims=True)
    return gram, weight * ops.rsqrt(ops.maximum(squared, 1e-12))


def find_ends(ids: Any, pieces: Pieces) -> Any:
    """Return the row of `Grams.of_id` at each place: its id, plus n_ids where a word ends, shape (batch, length)."""
    joined = ops.cast(_look_up(pieces.joined, "goes_on", ids), "int32")
    following = ops.pad(joined, ((0, 0), (0, 1)))[:, 1:]
    return ids + len(pieces.joined) * (1 - following)
