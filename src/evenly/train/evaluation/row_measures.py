"""Labels, scores and predictions of rows in; the measures that are sums over rows out.

Each such measure is a ratio: a number of every row, summed, over another one, summed. F1 micro is 2 TP over predicted
plus held cells, precision at k the share of a row's k highest scores that are right, summed, over the rows. So that
one table of numerators and denominators gives the figure itself and, weighted, each of its resamples.

References: K. Jarvelin, J. Kekalainen, ACM TOIS 20 (2002), nDCG; H. Jain, Y. Prabhu, M. Varma, Extreme multi-label
loss functions, KDD 2016, eq. 5 and section 4 (propensities, precision weighted by them), normalised by its best value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.train.evaluation.ranking import iter_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.formats import Task

__all__ = ["TOP_K", "RowRatios", "propensities", "row_ratios"]

TOP_K = (1, 3, 5)
_A, _B = 0.55, 1.5
"""Of the propensities: the values of Jain et al. for data sets other than Wikipedia's and Amazon's."""


@dataclass(frozen=True)
class RowRatios:
    """Measures as ratios of sums over rows.

    Attributes
    ----------
    names
        Of the measures.
    over, under
        Shape (n_measures, n_rows), float32: what is summed above and below the line.
    """

    names: tuple[str, ...]
    over: NDArray[np.float32]
    under: NDArray[np.float32]

    def values(self, weights: NDArray[np.float32] | None = None) -> NDArray[np.float64]:
        """Return every measure, shape (n_measures,); of resamples, (n_resamples, n_measures); NaN where 0 / 0.

        Parameters
        ----------
        weights
            Shape (n_resamples, n_rows), float32: how often every row is in each resample.
        """
        if weights is None:
            over, under = self.over.sum(axis=1, dtype=np.float64), self.under.sum(axis=1, dtype=np.float64)
        else:
            over, under = (weights @ each.T for each in (self.over, self.under))
        with np.errstate(invalid="ignore", divide="ignore"):
            found: NDArray[np.float64] = over / under
        return found


def row_ratios(
    labels: sparse.csr_matrix,
    scores: NDArray[np.float32],
    predicted: sparse.csr_matrix,
    *,
    task: Task,
    weight_of: NDArray[np.float64],
) -> RowRatios:
    """Return the measures of a split that are sums over its rows.

    A row without labels and predictions counts 0 in `precision_samples`, `recall_samples` and `f1_samples`; the
    measures at k (k below the number of labels) look only at rows that hold a label.

    Parameters
    ----------
    labels, predicted
        Shape (n_rows, n_labels), int8: 1 where a row holds the label, where it is predicted.
    scores
        Shape (n_rows, n_labels), float32.
    task
        Of several labels a row: all measures at k; of one of many: recall at k alone, which is then top-k accuracy.
    weight_of
        Shape (n_labels,): what a hit counts in `psp_at_k`, 1 / propensity.
    """
    found = _over_predictions(labels, predicted)
    if task != "binary" and labels.shape[0]:
        at_k = _over_ranks(labels, scores, weight_of)
        if task == "multiclass":
            at_k = {name: pair for name, pair in at_k.items() if name.startswith("recall_at") and name != "recall_at_1"}
        found |= at_k
    over, under = (np.stack([pair[side] for pair in found.values()]).astype(np.float32) for side in (0, 1))
    return RowRatios(tuple(found), over, under)


_Ratio = tuple["NDArray[np.floating]", "NDArray[np.floating]"]


def _over_predictions(labels: sparse.csr_matrix, predicted: sparse.csr_matrix) -> dict[str, _Ratio]:
    n_rows, n_labels = labels.shape
    true, given = np.diff(labels.indptr).astype(np.float64), np.diff(predicted.indptr).astype(np.float64)
    hits = np.asarray(labels.multiply(predicted).sum(axis=1), np.float64).ravel()
    wrong = true + given - 2 * hits
    ones = np.ones(n_rows)
    exact = (wrong == 0).astype(np.float64)
    found: dict[str, _Ratio] = {
        "precision_micro": (hits, given),
        "recall_micro": (hits, true),
        "f1_micro": (2 * hits, true + given),
        "precision_samples": (hits / np.maximum(given, 1), ones),
        "recall_samples": (hits / np.maximum(true, 1), ones),
        "f1_samples": (2 * hits / np.maximum(true + given, 1), ones),
        "exact_match": (exact, ones),
        "hamming_loss": (wrong, ones * n_labels),
    }
    if n_rows and (true == 1).all() and (given == 1).all():
        found["accuracy"] = exact, ones
    return found


def propensities(train_counts: NDArray[np.int64], n_train: int) -> NDArray[np.float64]:
    """Return how likely a label is to be noted where it holds, shape (n_labels,): 1 / (1 + C (c + B)^-A).

    C = (log N - 1) (B + 1)^A, A .55, B 1.5 (Jain et al. 2016); rare labels are missed more often.

    Parameters
    ----------
    train_counts
        Shape (n_labels,): train rows that hold each label, of `n_train`.
    """
    factor = max(0.0, np.log(max(n_train, 1)) - 1) * (_B + 1) ** _A
    found: NDArray[np.float64] = 1 / (1 + factor * (train_counts + _B) ** -_A)
    return found


def _over_ranks(
    labels: sparse.csr_matrix, scores: NDArray[np.float32], weight_of: NDArray[np.float64]
) -> dict[str, _Ratio]:
    """Return what looks at the highest scores of every row; of equal scores the label of the lower id comes first."""
    n_rows, n_labels = labels.shape
    cuts = [k for k in TOP_K if k < n_labels]
    if not cuts:
        return {}
    depth = cuts[-1]
    gains = np.zeros((n_rows, depth), np.float32)
    best = np.zeros((n_rows, depth), np.float32)
    hits = np.zeros((n_rows, depth), np.bool_)
    for block in iter_blocks(n_rows, n_labels):
        top = _highest(scores[block], depth)
        held = labels[block]
        hits[block] = _holds(held, top)
        gains[block] = np.where(hits[block], weight_of[top], 0)
        best[block] = _best_gains(held, weight_of, depth)
    return _measures_at(cuts, hits, gains, best, np.diff(labels.indptr))


def _highest(scores: NDArray[np.float32], depth: int) -> NDArray[np.int64]:
    """Return the labels of the highest scores of every row, shape (n_rows, depth), highest first."""
    top = np.argpartition(-scores, depth - 1, axis=1)[:, :depth]
    lowest = np.take_along_axis(scores, top, axis=1).min(axis=1)
    torn = np.flatnonzero((scores == lowest[:, None]).sum(axis=1) > 1)  # equals at the edge: which of them is open
    top[torn] = np.argsort(-scores[torn], axis=1, kind="stable")[:, :depth]
    top = np.sort(top, axis=1)
    order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
    found: NDArray[np.int64] = np.take_along_axis(top, order, axis=1)
    return found


def _holds(labels: sparse.csr_matrix, top: NDArray[np.int64]) -> NDArray[np.bool_]:
    n_labels = labels.shape[1]
    rows = np.repeat(np.arange(labels.shape[0], dtype=np.int64), np.diff(labels.indptr))
    cells = np.arange(len(top), dtype=np.int64)[:, None] * n_labels + top
    return np.isin(cells, rows * n_labels + labels.indices)


def _best_gains(labels: sparse.csr_matrix, weight_of: NDArray[np.float64], depth: int) -> NDArray[np.float32]:
    """Return the largest weights among the labels of every row, shape (n_rows, depth), largest first, then 0."""
    n_rows = labels.shape[0]
    counts = np.diff(labels.indptr)
    rows = np.repeat(np.arange(n_rows), counts)
    values = weight_of[labels.indices]
    order = np.lexsort((-values, rows))
    place = np.arange(len(rows)) - np.repeat(labels.indptr[:-1] - labels.indptr[0], counts)
    kept = place < depth
    found = np.zeros((n_rows, depth), np.float32)
    found[rows[kept], place[kept]] = values[order][kept]
    return found


def _measures_at(
    cuts: list[int],
    hits: NDArray[np.bool_],
    gains: NDArray[np.float32],
    best: NDArray[np.float32],
    n_held: NDArray[np.int64],
) -> dict[str, _Ratio]:
    looked = (n_held > 0).astype(np.float64)
    discount = 1 / np.log2(np.arange(2, hits.shape[1] + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discount)])
    found: dict[str, _Ratio] = {}
    for k in cuts:
        right = hits[:, :k].sum(axis=1)
        found[f"precision_at_{k}"] = right / k, looked
        found[f"recall_at_{k}"] = right / np.maximum(n_held, 1), looked
        reached = hits[:, :k] @ discount[:k]
        found[f"ndcg_at_{k}"] = reached / ideal[np.clip(n_held, 1, k)], looked
        found[f"psp_at_{k}"] = gains[:, :k].sum(axis=1), best[:, :k].sum(axis=1)
    return found
