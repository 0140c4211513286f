"""Logit adjustment after training: argmax of z - tau log prior, one tau tuned on validation (arXiv 2007.07314).

In: probabilities of a softmax, shape (n_rows, n_classes), and the class of every row. Out: the tau with the best
macro-F1 on validation, and what it changes there. It lifts rare classes and costs micro-F1, so it is offered, never
applied by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.train.evaluation.ranking import iter_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TAUS", "TauOffer", "adjusted_classes", "tune_tau"]

TAUS = tuple(step / 10 for step in range(21))
"""Candidates: 0 (argmax as it is) to 2."""


@dataclass(frozen=True)
class TauOffer:
    """The best tau on validation, and F1 there without and with it."""

    tau: float
    f1_macro_argmax: float
    f1_macro: float
    f1_micro_argmax: float
    f1_micro: float


def tune_tau(scores: NDArray[np.float32], classes: NDArray[np.int32], counts: NDArray[np.int64]) -> TauOffer:
    """Return the smallest tau among those with the best macro-F1.

    Parameters
    ----------
    scores
        Shape (n_rows, n_classes), float32: probabilities of validation rows, at least one.
    classes
        Shape (n_rows,), int32: the class of every row.
    counts
        Shape (n_classes,), int64: training rows a class; one with none is never predicted once tau is above 0.
    """
    found = [_f1(classes, adjusted_classes(scores, counts, tau), len(counts)) for tau in TAUS]
    best = max(range(len(TAUS)), key=lambda index: (found[index][0], -index))
    return TauOffer(TAUS[best], found[0][0], found[best][0], found[0][1], found[best][1])


def adjusted_classes(scores: NDArray[np.float32], counts: NDArray[np.int64], tau: float) -> NDArray[np.int32]:
    """Return argmax of log p - tau log prior, shape (n_rows,), int32; tau 0 is plain argmax."""
    if tau == 0:
        shift = np.zeros(len(counts))
    else:
        prior = np.maximum(counts, 1) / max(1, counts.sum())
        shift = np.where(counts > 0, tau * np.log(prior), np.inf)
    tiny = np.finfo(np.float32).tiny
    blocks = [
        np.argmax(np.log(np.maximum(scores[block], tiny)) - shift, axis=1)
        for block in iter_blocks(len(scores), scores.shape[1])
    ]
    return np.concatenate(blocks or [np.empty(0)]).astype(np.int32)


def _f1(classes: NDArray[np.int32], predicted: NDArray[np.int32], n_classes: int) -> tuple[float, float]:
    """Return macro-F1 over the classes that occur, and micro-F1, which is the accuracy."""
    true = np.bincount(classes, minlength=n_classes)
    given = np.bincount(predicted, minlength=n_classes)
    hits = np.bincount(classes[classes == predicted], minlength=n_classes)
    occurs = true > 0
    f1 = 2 * hits[occurs] / (true + given)[occurs]
    return float(f1.mean()), float(hits.sum() / len(classes))
