"""The measures of a comparison, of the test rows as they are and of many bootstrap replicates of them.

Comes in: labels, predictions and scores of the test rows, and how often each unit of rows is drawn in each replicate.
Goes out: a matrix of measures, a row a replicate; with every unit drawn once they are the measures of
``metrics.json``, and that is checked. As there, averages run over the labels that some drawn row holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from evenly.comparison.predictions import RunPredictions
    from evenly.formats import Task

__all__ = ["GROUPS", "draw_units", "measure_names", "measure_replicates", "replicate_count"]

GROUPS = ("head", "medium", "tail")
_MOST_REPLICATES, _FEWEST_REPLICATES = 1_000, 200
_CELLS = 2 * 10**10
"""Rows times labels times replicates that a run may cost: some 40 s on one core."""
_DRAWN_BYTES = 10**8
_BLOCK_CELLS = 1 << 22


def measure_names(task: Task, groups: NDArray[np.int8]) -> tuple[str, ...]:
    """Return the names of the columns that `measure_replicates` gives for a task.

    Parameters
    ----------
    task
        binary, multiclass or multilabel.
    groups
        Shape (n_labels,): index into `GROUPS`, -1 for labels without train rows.
    """
    if task == "binary":
        return ("f1_positive", "f1_macro", "f1_micro", "pr_auc_positive", "pr_auc_macro")
    held = [f"f1_macro_{name}" for number, name in enumerate(GROUPS) if (groups == number).any()]
    return ("f1_macro", "f1_micro", "pr_auc_macro", *held)


def replicate_count(n_units: int, n_cells: int) -> int:
    """Return how many replicates are worth their time: 1,000, and fewer of a large test split, at least 200.

    Parameters
    ----------
    n_units
        Units that are drawn.
    n_cells
        Test rows times labels.
    """
    affordable = min(_CELLS // max(1, n_cells), _DRAWN_BYTES // max(1, n_units))
    return int(np.clip(affordable, _FEWEST_REPLICATES, _MOST_REPLICATES))


def draw_units(n_units: int, n_replicates: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw `n_units` units with replacement, for every replicate; row 0 is the units as they are, each once.

    Returns
    -------
    numpy.ndarray
        Shape (1 + n_replicates, n_units), uint8: how often each unit was drawn.
    """
    drawn = np.ones((1 + n_replicates, n_units), np.uint8)
    for replicate in range(1, 1 + n_replicates):
        counts = np.bincount(rng.integers(n_units, size=n_units), minlength=n_units)
        drawn[replicate] = np.minimum(counts, 255)
    return drawn


def measure_replicates(
    test: RunPredictions,
    units: NDArray[np.int64],
    drawn: NDArray[np.uint8],
    names: Sequence[str],
    *,
    groups: NDArray[np.int8],
    positive: int | None = None,
) -> NDArray[np.float64]:
    """Return every measure of every replicate, shape (n_replicates, len(names)), NaN where it is not defined.

    Parameters
    ----------
    test
        The test rows.
    units
        Shape (n_rows,), int64 from 0: rows with the same number are drawn together.
    drawn
        From `draw_units`.
    names
        From `measure_names`.
    groups
        As there.
    positive
        The positive class of a binary task.
    """
    found = {**_f1_measures(test, units, drawn, groups, positive), **_pr_measures(test, units, drawn, positive)}
    return np.stack([found[name] for name in names], axis=1)


def _f1_measures(
    test: RunPredictions,
    units: NDArray[np.int64],
    drawn: NDArray[np.uint8],
    groups: NDArray[np.int8],
    positive: int | None,
) -> dict[str, NDArray[np.float64]]:
    """F1 = 2 TP / (true + predicted), of every label and of all cells together."""
    n_units, n_labels = drawn.shape[1], test.labels.shape[1]
    of_unit = sparse.csr_matrix((np.ones(len(units)), (units, np.arange(len(units)))), shape=(n_units, len(units)))
    hits = of_unit @ test.labels.multiply(test.predicted).astype(np.float64)
    marked = of_unit @ (test.labels.astype(np.float64) + test.predicted.astype(np.float64))
    true = of_unit @ test.labels.astype(np.float64)
    step = max(1, _BLOCK_CELLS // max(1, n_units, n_labels))
    pieces = [
        _f1_block(drawn[start : start + step].astype(np.float64), (hits, marked, true), groups, positive)
        for start in range(0, len(drawn), step)
    ]
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}


def _f1_block(
    weights: NDArray[np.float64],
    counts: tuple[sparse.csr_matrix, sparse.csr_matrix, sparse.csr_matrix],
    groups: NDArray[np.int8],
    positive: int | None,
) -> dict[str, NDArray[np.float64]]:
    hits, marked, true = (np.asarray((count.T @ weights.T).T) for count in counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(true > 0, 2 * hits / marked, np.nan)
        micro = 2 * hits.sum(axis=1) / marked.sum(axis=1)
    found = {"f1_macro": _defined_mean(each), "f1_micro": micro}
    for number, name in enumerate(GROUPS):
        found[f"f1_macro_{name}"] = _defined_mean(each[:, groups == number])
    return found if positive is None else found | {"f1_positive": each[:, positive]}


def _pr_measures(
    test: RunPredictions, units: NDArray[np.int64], drawn: NDArray[np.uint8], positive: int | None
) -> dict[str, NDArray[np.float64]]:
    """Average precision of every label that a test row holds; macro: their mean."""
    from evenly.train.evaluation.area_kernels import resample_average_precision

    by_label, weights = test.labels.tocsc(), np.ascontiguousarray(drawn.T, np.uint16)
    total, n_defined = np.zeros(len(drawn)), np.zeros(len(drawn), np.int64)
    own = np.full(len(drawn), np.nan)
    for label in np.flatnonzero(np.diff(by_label.indptr)).tolist():
        scores = np.ascontiguousarray(test.scores[:, label])
        holds = np.zeros(len(units), np.bool_)
        holds[by_label.indices[by_label.indptr[label] : by_label.indptr[label + 1]]] = True
        order = np.argsort(-scores, kind="stable")
        last = np.append(np.diff(scores[order]) != 0, True)
        each = np.empty(len(drawn))
        resample_average_precision(units[order], last, holds[order], weights, each)
        defined = np.isfinite(each)
        total[defined] += each[defined]
        n_defined += defined
        own = each if label == positive else own
    with np.errstate(invalid="ignore"):
        found = {"pr_auc_macro": total / n_defined}
    return found if positive is None else found | {"pr_auc_positive": own}


def _defined_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each row over what is defined; NaN where nothing is."""
    defined = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        mean: NDArray[np.float64] = np.where(defined, values, 0).sum(axis=1) / defined.sum(axis=1)
    return mean
