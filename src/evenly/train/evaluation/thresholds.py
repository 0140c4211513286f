"""From which score on a label is predicted: tuned for F1 or for a precision, on validation rows only.

In: scores, shape (n_rows, n_labels), float32, and the labels of the same rows. Out: thresholds, float64; a label is
predicted where score >= threshold. F1 changes for the better only where one more positive comes in, so the best of
all midpoints between distinct scores lies just below a positive; of equals the highest one (the fewest predictions)
is taken. For a precision the lowest score that reaches it is (the most is found); where none does, that with the
highest precision. Midpoints are float64, so that they lie strictly between two float32 scores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from evenly.train.evaluation.ranking import iter_blocks, rank_all_positives, rank_label_positives

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.train.evaluation.ranking import RankedPositives

__all__ = ["NO_THRESHOLD", "predict_from", "tune_global", "tune_per_label"]

NO_THRESHOLD = 0.5
"""Used where no validation row holds any label."""


def tune_per_label(
    scores: NDArray[np.float32], labels: sparse.csr_matrix, *, target_precision: float | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the threshold of the best F1 of every label, and that F1.

    Parameters
    ----------
    scores
        Shape (n_rows, n_labels), float32.
    labels
        Shape (n_rows, n_labels), 1 where a row holds a label.
    target_precision
        Tune for this precision instead, and return the precision that is reached.

    Returns
    -------
    thresholds, reached
        Shape (n_labels,), float64; NaN for a label that no row holds.
    """
    return _best(rank_label_positives(scores, labels), target_precision)


def tune_global(
    scores: NDArray[np.float32], labels: sparse.csr_matrix, *, target_precision: float | None = None
) -> tuple[float, float]:
    """Return the one threshold for all labels that gives the best micro-F1, and that F1 (NaN without positives)."""
    thresholds, reached = _best(rank_all_positives(scores, labels), target_precision)
    return (float(thresholds[0]), float(reached[0])) if np.isfinite(reached[0]) else (NO_THRESHOLD, float("nan"))


def _best(ranked: RankedPositives, target_precision: float | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    reached = ranked.f1() if target_precision is None else ranked.precision()
    gain = reached
    if target_precision is not None:
        n_found = ranked.n_positives[ranked.label] - ranked.true_below
        gain = np.where(reached >= target_precision, 1.0 + n_found, reached)
    order = np.lexsort((ranked.score, gain, ranked.label))
    last = np.cumsum(ranked.n_positives)[ranked.n_positives > 0] - 1
    best = order[last]
    thresholds = np.full(len(ranked.n_positives), np.nan)
    values = np.full(len(ranked.n_positives), np.nan)
    score = ranked.score[best].astype(np.float64)
    lower = ranked.next_lower[best].astype(np.float64)
    thresholds[ranked.label[best]] = np.where(np.isfinite(lower), (score + lower) / 2, score - np.abs(score) / 2)
    values[ranked.label[best]] = reached[best]
    return thresholds, values


def predict_from(scores: NDArray[np.float32], thresholds: NDArray[np.float64]) -> sparse.csr_matrix:
    """Return what is predicted, shape (n_rows, n_labels), int8, block by block."""
    blocks = [
        sparse.csr_matrix((scores[block] >= thresholds).astype(np.int8))
        for block in iter_blocks(len(scores), scores.shape[1])
    ]
    return sparse.vstack(blocks, format="csr") if blocks else sparse.csr_matrix(scores.shape, dtype=np.int8)
