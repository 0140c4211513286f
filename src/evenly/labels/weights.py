"""Weights by which rare labels count for more: per class, per label, per row.

Comes in: how many rows hold each label, or the label matrix. Goes out: arrays, positive but for empty labels
(0), with a mean of 1 over the rows so that the learning rate keeps its meaning, and none above the cap.

Why not scikit-learn's `compute_sample_weight("balanced", Y)` on a multi-hot Y: it *multiplies* the balanced
weight of every column, of the zeros as of the ones. Each rare label that a row holds makes it heavier by N /
(2 c), so weights grow with the power of the number of labels held: with 17 labels the heaviest of real rows
weighed 1.9 million times the lightest, and 1 % of the rows had 73 % of the weight. Here a row takes the
largest or the mean of the weights of its labels, or that of its rarest; never the product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from evenly.errors import ConfigError, nearest
from evenly.imbalance import label_counts, label_matrix

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from scipy import sparse

__all__ = ["LabelWeights", "SampleMode", "Scheme", "class_weights", "label_weights", "sample_weights"]

Scheme = Literal["none", "balanced", "inverse_sqrt", "effective"]
SampleMode = Literal["none", "max", "mean", "min_count"]


@dataclass(frozen=True)
class LabelWeights:
    """Weights of each label's two terms in a binary loss; 0 for an empty label, which the loss must mask.

    Attributes
    ----------
    pos_weight
        Shape (n_labels,), float64: factor on the positive term, the negative one left as it is.
    positive, negative
        Shape (n_labels,), float64: the same ratio, scaled so that the mean over the rows is 1 for each label.
    """

    pos_weight: NDArray[np.float64]
    positive: NDArray[np.float64]
    negative: NDArray[np.float64]


def class_weights(
    counts: ArrayLike, scheme: Scheme = "balanced", *, beta: float = 0.999, cap: float = np.inf
) -> NDArray[np.float64]:
    """Return a weight for each class of a table with one label a row.

    Parameters
    ----------
    counts
        Shape (n_classes,), int: rows of each class, n_c.
    scheme
        "balanced": N / (K n_c), as scikit-learn; "inverse_sqrt": 1 / sqrt(n_c); "effective": (1 - b) / (1 -
        b^n_c); "none": 1. K counts the classes that have rows.
    beta
        b of "effective", in (0, 1).
    cap
        Largest weight, at least 1.

    Returns
    -------
    numpy.ndarray
        Shape (n_classes,), float64: mean 1 over the rows, none above `cap`; 0 for a class without rows.

    Raises
    ------
    ConfigError
        An unknown scheme, or `beta` or `cap` out of range.

    References
    ----------
    Y. Cui, M. Jia, T.-Y. Lin, Y. Song, S. Belongie: Class-balanced loss based on effective number of samples,
    CVPR 2019, eq. 2 (scaled there to sum to K, here to mean 1 over the rows: the same but for a factor).

    Examples
    --------
    >>> class_weights([90, 10]).round(4).tolist()
    [0.5556, 5.0]
    """
    _check(scheme, beta, cap)
    n_rows = np.asarray(counts, np.float64)
    return _scale(_inverse(n_rows, scheme, beta), n_rows, cap)


def label_weights(
    counts: ArrayLike, n_rows: int, scheme: Scheme = "balanced", *, beta: float = 0.999, cap: float = np.inf
) -> LabelWeights:
    """Return the weights of each label of a multi-label table, for use inside the loss.

    Parameters
    ----------
    counts
        Shape (n_labels,), int: rows that hold each label, c_l.
    n_rows
        N.
    scheme
        pos_weight is (N - c) / c for "balanced", sqrt((N - c) / c) for "inverse_sqrt", (1 - b^(N-c)) / (1 -
        b^c) for "effective", 1 for "none". A label that every row holds has no negatives to be weighed
        against: 1.
    beta
        b of "effective", in (0, 1).
    cap
        Largest pos_weight, at least 1.

    Raises
    ------
    ConfigError
        An unknown scheme, or `beta` or `cap` out of range.

    Examples
    --------
    >>> found = label_weights([20, 0], 100)
    >>> found.pos_weight.tolist(), found.positive.tolist(), found.negative.tolist()
    ([4.0, 0.0], [2.5, 0.0], [0.625, 0.0])
    """
    _check(scheme, beta, cap)
    held = np.asarray(counts, np.float64)
    lacking = n_rows - held
    both = (held > 0) & (lacking > 0)
    ratio = np.ones(len(held))
    if scheme == "effective":
        np.divide(_effective(lacking, beta), _effective(held, beta), out=ratio, where=both)
    elif scheme != "none":
        np.divide(lacking, held, out=ratio, where=both)
    pos_weight = np.sqrt(ratio) if scheme == "inverse_sqrt" else ratio
    pos_weight = np.where(held > 0, np.minimum(pos_weight, cap), 0.0)
    # c w+ + (N - c) w- = N and w+ / w- = pos_weight; balanced: w+ = N / (2 c), w- = N / (2 (N - c))
    negative = np.where(held > 0, n_rows / np.maximum(held * pos_weight + lacking, 1e-300), 0.0)
    return LabelWeights(pos_weight, pos_weight * negative, negative)


def sample_weights(
    labels: Any,
    scheme: Scheme = "balanced",
    sample: SampleMode = "max",
    *,
    beta: float = 0.999,
    cap: float = np.inf,
) -> NDArray[np.float64]:
    """Return a weight for each row, from the class weights of the labels that it holds.

    Parameters
    ----------
    labels
        Shape (n_rows, n_labels): a scipy CSR matrix (or what becomes one) of 0 and 1.
    scheme, beta
        As in `class_weights`.
    sample
        "max": the largest weight among the row's labels; "mean": their mean; "min_count": that of the label
        with the fewest rows; "none": 1. A row without labels weighs as much as an average row with labels.
    cap
        Largest weight, at least 1.

    Returns
    -------
    numpy.ndarray
        Shape (n_rows,), float64: mean 1, none above `cap`.

    Raises
    ------
    ConfigError
        An unknown scheme or mode (the product of the labels' weights among them), `beta` or `cap` out of
        range.
    LabelShapeError
        The labels are no matrix of 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> sample_weights(np.array([[1, 0], [1, 0], [1, 1], [0, 0]])).round(6).tolist()
    [0.6, 0.6, 1.8, 1.0]
    """
    _check(scheme, beta, cap)
    _check_sample(sample)
    matrix = label_matrix(labels)
    if sample == "none" or scheme == "none" or not matrix.nnz:
        return np.ones(matrix.shape[0])
    counts = label_counts(matrix)
    per_row, held = _combine(matrix, _inverse(counts.astype(np.float64), scheme, beta), counts, sample)
    weights = np.ones(matrix.shape[0])
    weights[held] = _scale(per_row, np.ones(len(per_row)), cap)
    return weights


def _combine(
    matrix: sparse.csr_matrix, weights: NDArray[np.float64], counts: NDArray[np.int64], sample: SampleMode
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return one weight for every row that holds labels, and which rows do."""
    n_held = np.diff(matrix.indptr)
    held = n_held > 0
    starts = matrix.indptr[:-1][held]
    if sample == "mean":
        return np.add.reduceat(weights[matrix.indices], starts) / n_held[held], held
    if sample == "max":
        return np.maximum.reduceat(weights[matrix.indices], starts), held
    by_count = np.argsort(counts, kind="stable")
    rank = np.empty(len(counts), np.int64)
    rank[by_count] = np.arange(len(counts))
    return weights[by_count[np.minimum.reduceat(rank[matrix.indices], starts)]], held


def _inverse(counts: NDArray[np.float64], scheme: Scheme, beta: float) -> NDArray[np.float64]:
    """Return unscaled weights, 0 for a count of 0."""
    rows = np.maximum(counts, 1)
    if scheme == "balanced":
        weights = 1 / rows
    elif scheme == "inverse_sqrt":
        weights = 1 / np.sqrt(rows)
    elif scheme == "effective":
        weights = 1 / _effective(rows, beta)
    else:
        weights = np.ones(len(rows))
    return np.where(counts > 0, weights, 0.0)


def _effective(counts: NDArray[np.float64], beta: float) -> NDArray[np.float64]:
    """Return the effective number of rows, (1 - b^n) / (1 - b), without losing digits where b is near 1."""
    effective: NDArray[np.float64] = -np.expm1(counts * np.log(beta)) / (1 - beta)
    return effective


def _scale(weights: NDArray[np.float64], rows: NDArray[np.float64], cap: float) -> NDArray[np.float64]:
    """Return min(s * weights, cap) with the s that makes the mean over the rows 1.

    Each turn scales those below the cap and caps those that come out above; at most one turn a distinct
    weight.
    """
    capped = np.zeros(len(weights), np.bool_)
    scaled = weights
    while True:
        free = ~capped & (weights > 0)
        room = rows.sum() - cap * rows[capped].sum() if capped.any() else rows.sum()
        total = (weights[free] * rows[free]).sum()
        scaled = np.where(capped, cap, weights * (room / total if total else 1.0))
        above = free & (scaled > cap)
        if not above.any():
            return scaled
        capped |= above


def _check(scheme: str, beta: float, cap: float) -> None:
    if scheme not in get_args(Scheme):
        known = get_args(Scheme)
        raise ConfigError(f"scheme is {scheme!r}, expected one of {', '.join(known)}{nearest(scheme, known)}")
    if not 0 < beta < 1:
        raise ConfigError(f"beta is {beta}, expected a number between 0 and 1, such as 0.999.")
    if not cap >= 1:
        raise ConfigError(f"cap is {cap}, expected at least 1, the mean of the weights.")


def _check_sample(sample: str) -> None:
    known = get_args(SampleMode)
    if sample == "product":
        raise ConfigError(
            "sample is 'product', which is left out on purpose: the product of the weights of a row's labels "
            "grows with the power of their number, until a few rows outweigh all others. "
            f"Use one of {', '.join(known)}."
        )
    if sample not in known:
        raise ConfigError(f"sample is {sample!r}, expected one of {', '.join(known)}{nearest(sample, known)}")
