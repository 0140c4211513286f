"""Whether a score of .8 is right in 8 of 10 cases: reliability bins, their error, the temperature that would mend it.

In: labels and scores, block by block. Out: bins of equal width over [0, 1], the expected calibration error
ECE = sum_b n_b / n |mean score_b - share right_b|. Of several labels a row every cell counts (pooled, and label by
label); of two classes the score of the positive one; of many the highest score of a row. The temperature is fitted
on validation and written down as an offer: scores, thresholds and decisions stay as they are.

Reference: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, On calibration of modern neural networks, ICML 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, softmax

from evenly.train.evaluation.metrics import mean_defined
from evenly.train.evaluation.ranking import iter_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.formats import Task

__all__ = ["N_BINS", "Reliability", "fit_temperature", "measure_reliability"]

N_BINS = 15
_MOST_CELLS = 1 << 21
_LOWEST, _HIGHEST = 0.1, 10.0
_STEPS = 40
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Reliability:
    """Bins of scores; a label a line, or one line where scores are not looked at label by label.

    Attributes
    ----------
    n, score, right
        Shape (n_lines, N_BINS): cells in a bin, the sum of their scores, how many are right.
    """

    n: NDArray[np.int64]
    score: NDArray[np.float64]
    right: NDArray[np.float64]

    @property
    def ece(self) -> float:
        """The expected calibration error of all cells together; NaN without any."""
        return float(_ece(self.n.sum(axis=0), self.score.sum(axis=0), self.right.sum(axis=0)))

    def metrics(self) -> dict[str, float]:
        """Return `ece`, or `ece_micro` and, over labels that are held, `ece_macro`."""
        if len(self.n) == 1:
            return {"ece": self.ece}
        each = np.where(self.right.any(axis=1), _ece(self.n, self.score, self.right), np.nan)
        return {"ece_micro": self.ece, "ece_macro": mean_defined(each)}

    def to_json(self) -> list[dict[str, Any]]:
        """Return the bins of all cells together that hold any: `from`, `to`, `n`, `mean_score`, `share_right`."""
        n, score, right = self.n.sum(axis=0), self.score.sum(axis=0), self.right.sum(axis=0)
        return [
            {
                "from": round(at / N_BINS, 6),
                "to": round((at + 1) / N_BINS, 6),
                "n": int(n[at]),
                "mean_score": round(float(score[at] / n[at]), 6),
                "share_right": round(float(right[at] / n[at]), 6),
            }
            for at in np.flatnonzero(n)
        ]


def _ece(n: NDArray[Any], score: NDArray[Any], right: NDArray[Any]) -> Any:
    with np.errstate(invalid="ignore"):
        return np.abs(score - right).sum(axis=-1) / n.sum(axis=-1)


def measure_reliability(
    labels: sparse.csr_matrix,
    scores: NDArray[np.float32],
    *,
    task: Task,
    positive: int | None = None,
    temperature: float = 1.0,
) -> Reliability:
    """Count scores by their height, and how many of them are right.

    Parameters
    ----------
    labels
        Shape (n_rows, n_labels).
    scores
        Shape (n_rows, n_labels), float32: probabilities; may be a memory map.
    task, positive
        As in `measure_split`.
    temperature
        What the logits are divided by first.
    """
    n_rows, n_labels = scores.shape
    n_lines = n_labels if task == "multilabel" else 1
    sums = [np.zeros(n_lines * N_BINS) for _ in range(3)]
    for block in iter_blocks(n_rows, n_labels):
        found = scores[block] if temperature == 1 else _tempered(scores[block], task, temperature)
        looked, right = _looked_at(found, labels[block], task, positive)
        bins = np.minimum((looked * N_BINS).astype(np.int64), N_BINS - 1) + np.arange(n_lines) * N_BINS
        for total, values in zip(sums, (None, looked, right), strict=True):
            given = None if values is None else values.ravel()
            total[:] += np.bincount(bins.ravel(), given, minlength=len(total))
    n, score, true = (each.reshape(n_lines, N_BINS) for each in sums)
    return Reliability(n.astype(np.int64), score, true)


def _looked_at(
    scores: NDArray[np.float32], labels: sparse.csr_matrix, task: Task, positive: int | None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the scores whose reliability counts and whether they are right, shape (n_rows, n_lines)."""
    held = labels.toarray().astype(np.bool_)
    if task == "multilabel":
        return scores, held
    columns = scores.argmax(axis=1)[:, None] if positive is None else np.full((len(scores), 1), positive)
    return np.take_along_axis(scores, columns, axis=1), np.take_along_axis(held, columns, axis=1)


def fit_temperature(labels: sparse.csr_matrix, scores: NDArray[np.float32], *, task: Task) -> float | None:
    """Return the temperature between .1 and 10 with the smallest log loss; None without labels.

    Parameters
    ----------
    labels, scores
        Shape (n_rows, n_labels), of the validation split; of many rows an even sample is looked at.
    task
        binary, multiclass or multilabel.
    """
    step = max(1, scores.size // _MOST_CELLS)
    held, logits = labels[::step].toarray().astype(np.bool_), _logits(scores[::step], task)
    if not held.any():
        return None
    low, high = np.log(_LOWEST), np.log(_HIGHEST)
    for _ in range(_STEPS):  # golden section: the loss has one valley
        first, second = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if _log_loss(logits, held, task, np.exp(first)) <= _log_loss(logits, held, task, np.exp(second)):
            high = second
        else:
            low = first
    return round(float(np.exp((low + high) / 2)), 4)


def _log_loss(logits: NDArray[np.float64], held: NDArray[np.bool_], task: Task, temperature: float) -> float:
    scaled = logits / temperature
    if task == "multilabel":
        return float(np.logaddexp(0, np.where(held, -scaled, scaled)).mean())
    return float((np.logaddexp.reduce(scaled, axis=1) - scaled[held]).mean())


def _logits(scores: NDArray[np.float32], task: Task) -> NDArray[np.float64]:
    tiny = 1e-7
    p = np.clip(scores.astype(np.float64), tiny, 1 - tiny)
    found: NDArray[np.float64] = np.log(p) - np.log1p(-p) if task == "multilabel" else np.log(p)
    return found


def _tempered(scores: NDArray[np.float32], task: Task, temperature: float) -> NDArray[np.float32]:
    logits = _logits(scores, task) / temperature
    found: NDArray[np.float32] = (expit(logits) if task == "multilabel" else softmax(logits, axis=1)).astype(np.float32)
    return found
