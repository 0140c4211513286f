"""Logistic regression over sparse features: fitted by blocks of labels, applied to blocks of rows.

Each function is a partition: it takes one item, writes one NumPy file and returns its name. Weights are stored as
(n_features + 1, n_labels) float32, the intercepts last; an intercept of -inf makes a score of exactly 0.
C and the class weights by measurement on seven tables: 4; inverse square root for multiclass, none otherwise, which
are also the weights that a network gets by default.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.special import expit, softmax

from evenly.formats import read_rows
from evenly.train.baselines.tfidf import load_tfidf

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["FitClasses", "FitLabels", "ScoreRows", "fit_classes", "fit_labels", "join_texts", "score_rows"]

_C = 4.0
_MAX_ITERATIONS = 200


@dataclass(frozen=True)
class FitLabels:
    """Labels `first` to `last` - 1 of ``labels.npz``, each against the rest, on ``features.npz`` of `folder`."""

    folder: Path
    first: int
    last: int


@dataclass(frozen=True)
class FitClasses:
    """All classes of ``labels.npz`` together; `positive` is that of a binary task."""

    folder: Path
    positive: int | None


@dataclass(frozen=True)
class ScoreRows:
    """Rows number `start` to `stop` - 1 of ``rows.npy`` of `folder`, with the weights of the files named."""

    folder: Path
    table: Path
    columns: tuple[str, ...]
    weights: tuple[str, ...]
    start: int
    stop: int
    one_label: bool


def fit_labels(item: FitLabels, folder: Path) -> str:
    """Fit one logistic regression a label."""
    features, labels = _load(item.folder)
    weights = np.zeros((features.shape[1] + 1, item.last - item.first), np.float32)
    for column, label in enumerate(range(item.first, item.last)):
        weights[:, column] = _fit_one(features, labels[:, [label]].toarray().ravel())
    return _save(folder, f"weights-{item.first:07d}.npy", weights)


def fit_classes(item: FitClasses, folder: Path) -> str:
    """Fit one logistic regression for all classes; of a binary task the other class keeps zeros."""
    features, labels = _load(item.folder)
    if item.positive is not None:
        weights = np.zeros((features.shape[1] + 1, 2), np.float32)
        weights[:, item.positive] = _fit_one(features, labels[:, [item.positive]].toarray().ravel())
    else:
        weights = _fit_softmax(features, labels.indices, labels.shape[1])
    return _save(folder, "weights-0000000.npy", weights)


def score_rows(item: ScoreRows, folder: Path) -> str:
    """Score a block of rows: probabilities, shape (n_rows, n_labels), float32."""
    rows = np.load(item.folder / "rows.npy", mmap_mode="r")[item.start : item.stop]
    features = load_tfidf(item.folder).transform(join_texts(item.table, np.asarray(rows), item.columns))
    blocks = [_apply(features, np.load(item.folder / name)) for name in item.weights]
    logits = np.concatenate(blocks, axis=1)
    scores = softmax(logits, axis=1) if item.one_label else expit(logits)
    return _save(folder, f"scores-{item.start:09d}.npy", scores.astype(np.float32))


def join_texts(table: Path, rows: NDArray[np.int64], columns: tuple[str, ...]) -> list[str]:
    """Return the text of every row: its columns joined by a line break, nulls left out."""
    found = read_rows(table, rows, columns)
    parts = [found[column].to_pylist() for column in columns]
    return ["\n".join(text for text in texts if text) for texts in zip(*parts, strict=True)]


def _fit_one(features: sparse.csr_matrix, holds: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return weights and intercept of one label; a label of no row or of all rows has an intercept alone."""
    weights = np.zeros(features.shape[1] + 1)
    n_rows, n_true = len(holds), int(holds.sum())
    if 0 < n_true < n_rows:
        model = _fit(features, holds, solver="liblinear")
        weights[:-1], weights[-1] = model.coef_[0], model.intercept_[0]
    else:
        weights[-1] = np.log(2 * n_rows + 1) if n_true else -np.inf
    return weights


def _fit_softmax(features: sparse.csr_matrix, classes: NDArray[np.int32], n_classes: int) -> NDArray[np.float32]:
    weights = np.zeros((features.shape[1] + 1, n_classes), np.float32)
    counts = np.bincount(classes, minlength=n_classes)
    seen = np.flatnonzero(counts)
    weights[-1, counts == 0] = -np.inf
    if len(seen) < 2:  # noqa: PLR2004 - nothing to tell apart
        return weights
    share = counts[seen] ** -0.5 * len(classes) / np.sqrt(counts[seen]).sum()
    model = _fit(features, classes, solver="lbfgs", class_weight=dict(zip(seen.tolist(), share, strict=True)))
    if len(seen) == 2:  # noqa: PLR2004 - scikit-learn keeps the second of two classes only
        weights[:-1, seen[1]], weights[-1, seen[1]] = model.coef_[0], model.intercept_[0]
    else:
        weights[:-1, seen], weights[-1, seen] = model.coef_.T, model.intercept_
    return weights


def _fit(features: sparse.csr_matrix, target: NDArray[Any], **settings: Any) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), warnings.catch_warnings():  # more threads: ten times slower on such small products
        warnings.simplefilter("ignore", ConvergenceWarning)  # nearly there is good enough for a baseline
        warnings.filterwarnings("ignore", "The number of unique classes")  # of classes with a row each: the split says
        return LogisticRegression(C=_C, max_iter=_MAX_ITERATIONS, random_state=0, **settings).fit(features, target)


def _apply(features: sparse.csr_matrix, weights: NDArray[np.float32]) -> NDArray[np.float64]:
    logits: NDArray[np.float64] = features @ weights[:-1] + weights[-1]
    return logits


def _load(folder: Path) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    return (
        sparse.csr_matrix(sparse.load_npz(folder / "features.npz")),
        sparse.csr_matrix(sparse.load_npz(folder / "labels.npz")),
    )


def _save(folder: Path, name: str, values: NDArray[np.generic]) -> str:
    np.save(folder / name, values)
    return name
