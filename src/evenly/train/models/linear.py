"""The linear part of tfidf, at its optimum before the network is trained.

In: the train rows, as the network's own graph sees them, and its loss. Out: the weights of the linear part, and its
bias. The problem is convex: L-BFGS finds in forty passes what Adam misses in thirty epochs (tram_attack, words and
grams: 3 points of macro-F1), and quickly, because the features are computed once. The hidden layer then learns what is
left. Importing this module imports TensorFlow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from scipy import sparse
from scipy.optimize import minimize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import keras
    from numpy.typing import NDArray

__all__ = ["Linear", "fit_linear", "rows_to_fit"]

_MAX_ROWS, _FEWEST_ROWS, _MAX_CELLS = 50_000, 5_000, 1 << 23
_ITERATIONS = 40
_MEMORY = 5  # pairs of vectors that L-BFGS keeps, of 16 bytes a weight each
_CLOSE_ENOUGH = 1e-6


@dataclass(frozen=True)
class Linear:
    """The linear part of a network.

    Attributes
    ----------
    features
        From token ids to a list of pairs, one for each of `tables`: which row of it stands at each place, int32, and
        how much it counts there, float32, of one shape.
    tables
        Embeddings; their rows, so weighted and added up, are what the linear part adds to the logits.
    output
        The dense layer whose bias is that of the logits.
    penalty
        Of the sum of the squares of all weights, beside the mean loss of the rows.
    """

    features: keras.Model
    tables: tuple[Any, ...]
    output: Any
    penalty: float


def rows_to_fit(n_rows: int, n_outputs: int) -> int:
    """Return how many rows the optimum is found on, so that time and memory stay bounded."""
    return min(n_rows, _MAX_ROWS, max(_FEWEST_ROWS, _MAX_CELLS // n_outputs))


def fit_linear(linear: Linear, loss: Any, batches: Iterable[Any]) -> None:
    """Set the weights of `linear` to their optimum on the rows of `batches`.

    Parameters
    ----------
    linear
        The rest of its network adds nothing to the logits yet.
    loss
        ``loss.call`` gives a loss a row.
    batches
        Of ids, targets and, where rows have weights, weights.
    """
    features, target, weight = _collect(linear, batches)
    kernel, bias = linear.output.get_weights()
    shape = (features.shape[1] + 1, len(bias))
    start = np.zeros(shape)
    start[-1] = bias
    objective = _make_objective(features, _slope_of(loss, target, weight), linear.penalty, shape)
    options = {"maxiter": _ITERATIONS, "maxcor": _MEMORY, "ftol": _CLOSE_ENOUGH}
    found = minimize(objective, start.ravel(), jac=True, method="L-BFGS-B", options=options).x.reshape(shape)
    first = 0
    for table in linear.tables:
        n_rows = table.input_dim
        table.set_weights([found[first : first + n_rows].astype(np.float32)])
        first += n_rows
    linear.output.set_weights([kernel, found[-1].astype(np.float32)])


def _collect(linear: Linear, batches: Iterable[Any]) -> tuple[sparse.csr_matrix, Any, Any]:
    """Return the features, shape (n_rows, rows of all tables), the targets, and the weights of the rows or None."""
    look = tf.function(lambda ids: linear.features(ids, training=False), reduce_retracing=True)
    blocks: list[sparse.csr_matrix] = []
    targets: list[NDArray[Any]] = []
    weights: list[NDArray[Any]] = []
    for ids, target, *weight in batches:
        pairs = zip(look(ids), linear.tables, strict=True)
        parts = [_to_sparse(at.numpy(), share.numpy(), table.input_dim) for (at, share), table in pairs]
        blocks.append(sparse.hstack(parts, format="csr"))
        targets.append(target.numpy())
        weights.extend(each.numpy() for each in weight)
    every = np.concatenate(weights) if weights else None
    return sparse.vstack(blocks, format="csr"), np.concatenate(targets), every


def _to_sparse(at: NDArray[np.int32], share: NDArray[np.float32], n_columns: int) -> sparse.csr_matrix:
    """Return the features of a batch, shape (n_rows, n_columns); what is there more than once is added up."""
    at, share = at.reshape(len(at), -1), share.reshape(len(at), -1)
    there = share != 0
    starts = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    found = sparse.csr_matrix((share[there], at[there], starts), shape=(len(at), n_columns))
    found.sum_duplicates()
    return found


def _slope_of(loss: Any, target: Any, weight: Any) -> Callable[[Any], tuple[Any, Any]]:
    """Return a function of logits that gives the mean loss of the rows, and its gradient."""
    target = tf.convert_to_tensor(target)
    weight = tf.ones(len(target)) if weight is None else tf.constant(weight, tf.float32)

    def find(logits: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            tape.watch(logits)
            mean = tf.reduce_sum(loss.call(target, logits) * weight) / len(target)
        return mean, tape.gradient(mean, logits)

    compiled: Callable[[Any], tuple[Any, Any]] = tf.function(find)
    return compiled


def _make_objective(
    features: sparse.csr_matrix, find_slope: Callable[[Any], tuple[Any, Any]], penalty: float, shape: tuple[int, int]
) -> Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]]:
    turned = features.T.tocsr()

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(shape)
        used = weights.astype(np.float32)
        value, slope = (each.numpy() for each in find_slope(tf.constant(features @ used[:-1] + used[-1])))
        gradient = np.empty(shape)
        gradient[:-1] = turned @ slope + 2 * penalty * weights[:-1]
        gradient[-1] = slope.sum(axis=0, dtype=np.float64)
        return float(value) + penalty * float(np.square(weights[:-1]).sum()), gradient.ravel()

    return objective
