"""How far a measure could lie off by the chance of which rows were tested: the bootstrap.

In: labels, scores and predictions of a split, and the unit of every row (rows of one text stand and fall together).
Out: the main measures and the F1 of every label in many resamples of the units, drawn with replacement. A resample
is a weight a row, so that counts are matrix products and nothing is measured anew; PR-AUC, whose order has to be
walked in every resample, gets as many as `_MOST_STEPS` allow. The draws depend on the units alone: two models on the
same rows are resampled alike, and the differences between them are paired.

Reference: B. Efron, R. Tibshirani, An Introduction to the Bootstrap (1993), ch. 13 (percentiles), 8.6 (clusters).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.train.evaluation.metrics import GROUPS, f1_of_counts
from evenly.train.evaluation.ranking import iter_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.train.evaluation.metrics import SplitMeasures

__all__ = ["LEVEL", "MEASURED", "Resamples", "interval", "resample"]

LEVEL = 0.95
MEASURED = (
    "f1_macro",
    "f1_micro",
    "f1_weighted",
    "f1_samples",
    "f1_positive",
    "f1_macro_head",
    "f1_macro_medium",
    "f1_macro_tail",
    "precision_positive",
    "recall_positive",
    "precision_micro",
    "recall_micro",
    "precision_macro",
    "recall_macro",
    "pr_auc_macro",
    "pr_auc_positive",
    "accuracy",
    "exact_match",
    "hamming_loss",
)
"""The measures that get an interval, besides those at k."""

_MOST, _FEWEST, _FEWEST_AREAS = 1_000, 100, 20
_MOST_PRODUCTS = 1 << 31
_MOST_STEPS = 3_000_000_000
_CELLS_AT_ONCE = 1 << 23
_ENOUGH_FOR_PERCENTILES = 200
_SEED = 0x626F6F74


@dataclass(frozen=True)
class Resamples:
    """A split in many resamples.

    Attributes
    ----------
    values
        Measure to its value in each resample, shape (n_resamples,) or, for areas, (n_area_resamples,).
    label_f1
        Shape (2, n_labels): the interval of the F1 of every label; NaN where the split does not hold it.
    n_units, n_resamples, n_area_resamples
        What was drawn, and how often.
    """

    values: dict[str, NDArray[np.float64]]
    label_f1: NDArray[np.float64]
    n_units: int
    n_resamples: int
    n_area_resamples: int


def resample(
    labels: sparse.csr_matrix,
    scores: NDArray[np.float32],
    predicted: sparse.csr_matrix,
    measures: SplitMeasures,
    *,
    unit: NDArray[np.int64],
    groups: NDArray[np.int8],
    positive: int | None = None,
) -> Resamples | None:
    """Resample a split; None where it has fewer than two units or no label.

    Parameters
    ----------
    labels, predicted
        Shape (n_rows, n_labels), int8.
    scores
        Shape (n_rows, n_labels), float32.
    measures
        Of the split itself.
    unit
        Shape (n_rows,): rows of the same number are drawn together.
    groups
        From `label_groups`.
    positive
        The positive class of a binary task.
    """
    units, of_row = np.unique(unit, return_inverse=True)
    if len(units) < 2 or not labels.nnz:  # noqa: PLR2004 - one unit cannot vary
        return None
    n_cells = labels.shape[0] + labels.nnz + predicted.nnz
    n_resamples = int(np.clip(_MOST_PRODUCTS // n_cells, _FEWEST, _MOST))
    counts = _Counts(labels, predicted)
    parts: list[dict[str, NDArray[np.float64]]] = []
    label_f1 = []
    for weights in _draw(of_row.astype(np.int64), len(units), n_resamples):
        found, f1 = _measure(counts, measures, weights.astype(np.float32), groups, positive)
        parts.append(found)
        label_f1.append(f1)
    values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    live = np.flatnonzero(measures.per_label.positives > 0) if positive is None else np.array([positive])
    n_areas = int(np.clip(_MOST_STEPS // (labels.shape[0] * max(1, len(live))), _FEWEST_AREAS, n_resamples))
    weights = np.concatenate(list(_draw(of_row.astype(np.int64), len(units), n_areas))).T
    areas = _resample_areas(scores, labels, live, weights)
    values["pr_auc_macro" if positive is None else "pr_auc_positive"] = _mean_columns(areas)
    each = np.concatenate(label_f1)
    bounds = np.full((2, labels.shape[1]), np.nan)
    for label in np.flatnonzero(measures.per_label.positives > 0):
        bounds[:, label] = interval(each[:, label], measures.per_label.f1[label])
    return Resamples(values, bounds, len(units), n_resamples, n_areas)


def interval(values: NDArray[np.floating], point: float) -> tuple[float, float]:
    """Return the 95 % interval: the percentiles of many resamples, the normal one of few; NaN of fewer than two."""
    known = values[np.isfinite(values)]
    if len(known) < 2:  # noqa: PLR2004 - one value has no spread
        return float("nan"), float("nan")
    if len(known) >= _ENOUGH_FOR_PERCENTILES:
        low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return float(low), float(high)
    reach = 1.959964 * float(known.std(ddof=1))
    return point - reach, point + reach


def _draw(unit_of_row: NDArray[np.int64], n_units: int, n_resamples: int) -> Iterator[NDArray[np.uint16]]:
    """Yield blocks of weights, shape (n, n_rows): how often each row is in a resample; the same for every model."""
    rng = np.random.default_rng(_SEED)
    step = max(1, _CELLS_AT_ONCE // len(unit_of_row))
    for start in range(0, n_resamples, step):
        draws = [
            np.bincount(rng.integers(0, n_units, n_units), minlength=n_units).astype(np.uint16)[unit_of_row]
            for _ in range(start, min(n_resamples, start + step))
        ]
        yield np.stack(draws)


class _Counts:
    """Held, predicted and right cells of every label, summed over the rows of a resample."""

    def __init__(self, labels: sparse.csr_matrix, predicted: sparse.csr_matrix) -> None:
        right = labels.multiply(predicted)
        self.by_label = [each.T.tocsr().astype(np.float32) for each in (labels, predicted, right)]

    def of(self, weights: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Return the three counts, each of shape (n_resamples, n_labels)."""
        across = np.ascontiguousarray(weights.T)
        return [(each @ across).T for each in self.by_label]


def _measure(
    counts: _Counts,
    measures: SplitMeasures,
    weights: NDArray[np.float32],
    groups: NDArray[np.int8],
    positive: int | None,
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float32]]:
    true, given, hits = counts.of(weights)
    f1 = f1_of_counts(true, given, hits)
    with np.errstate(divide="ignore", invalid="ignore"):
        recall = hits / true
        precision = np.where(true > 0, np.nan_to_num(hits / given), np.nan)
        weighted = np.nansum(f1 * true, axis=1) / true.sum(axis=1)
    found = dict(zip(measures.rows.names, measures.rows.values(weights).T, strict=True))
    found |= {"f1_macro": _mean_columns(f1), "precision_macro": _mean_columns(precision)}
    found |= {"recall_macro": _mean_columns(recall), "f1_weighted": weighted}
    found |= {f"f1_macro_{group}": _mean_columns(f1[:, groups == at]) for at, group in enumerate(GROUPS)}
    if positive is not None:
        each = {"f1": f1, "precision": precision, "recall": recall}
        found |= {f"{name}_positive": values[:, positive] for name, values in each.items()}
    kept = {name: values for name, values in found.items() if name in MEASURED or "_at_" in name}
    return {name: kept[name] for name in kept if name in measures.metrics}, f1.astype(np.float32)


def _mean_columns(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the mean of each row over what is defined, NaN where nothing is."""
    known = np.isfinite(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: NDArray[np.float64] = np.where(known, values, 0).sum(axis=1, dtype=np.float64) / known.sum(axis=1)
    return found


def _resample_areas(
    scores: NDArray[np.float32], labels: sparse.csr_matrix, live: NDArray[np.int64], weights: NDArray[np.uint16]
) -> NDArray[np.float64]:
    """Return the PR-AUC of the live labels in every resample, shape (n_resamples, n_live).

    `weights` have the shape (n_rows, n_resamples).
    """
    from evenly.train.evaluation.area_kernels import resample_average_precision

    by_label = labels.tocsc()
    weights = np.ascontiguousarray(weights)
    found = np.empty((len(live), weights.shape[1]))
    for block in iter_blocks(len(live), labels.shape[0]):
        columns = np.ascontiguousarray(scores[:, live[block]].T)
        for at, (label, column) in enumerate(zip(live[block], columns, strict=True), start=block.start):
            order = np.argsort(-column, kind="stable")
            ordered = column[order]
            last = np.append(ordered[1:] != ordered[:-1], True)
            holds = np.zeros(len(column), np.bool_)
            holds[by_label.indices[by_label.indptr[label] : by_label.indptr[label + 1]]] = True
            resample_average_precision(order, last, holds[order], weights, found[at])
    return found.T
