"""Two baselines that every report shows beside the network: the prior, and TF-IDF with logistic regression.

In: table and split. Out: ``metrics.json`` (measures of both on validation and test, and their rules) and, of the
logistic regression, ``predictions.parquet``, ``per_label.parquet``, ``pr_curves.parquet``, ``intervals.json`` and
``resamples.parquet``, to be set against those of a network, resample by resample. The prior gives every row the label
shares of the train split, so that its PR-AUC is the share of the label. Where a row has one label it answers the
majority class; of several labels its thresholds are tuned on validation like any other, so that its F1 is what a
constant answer can reach. All else about both is judged as the network is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import sparse

from evenly.formats import read_facts, read_label_names, read_labels, read_split, write_json
from evenly.store import Stage
from evenly.train.baselines.linear import (
    FitClasses,
    FitLabels,
    ScoreRows,
    fit_classes,
    fit_labels,
    join_texts,
    score_rows,
)
from evenly.train.baselines.tfidf import fit_tfidf
from evenly.train.evaluation.decisions import Decision, DecisionAim, positive_class
from evenly.train.evaluation.evaluate import Scored, evaluate
from evenly.train.evaluation.verdict import shown
from evenly.train.evaluation.writing import (
    write_curves,
    write_intervals,
    write_per_label,
    write_predictions,
    write_resamples,
)
from evenly.train.score_file import open_scores

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.formats import Task
    from evenly.train.evaluation.evaluate import Evaluation
    from evenly.workspace import Workspace

__all__ = ["BASELINE", "measure_baselines", "sample_train_rows"]

JUDGED = ("validation", "test")
_MAX_ROWS = 50_000
_MAX_CELLS = {"binary": 1 << 24, "multiclass": 1 << 22, "multilabel": 1 << 23}
_FEWEST_ROWS = 5_000
_LABELS_A_BLOCK = 16
_CELLS_A_BLOCK = 1 << 22
_ROWS_A_BLOCK = 10_000

_Judged = dict[str, tuple["NDArray[np.int64]", sparse.csr_matrix]]
"""Split to the numbers of its rows and their labels."""


def measure_baselines(
    work: Workspace,
    *,
    table: Path,
    split: Path,
    seed: int,
    thresholds: Literal["label", "global"] = "label",
    target_precision: float | None = None,
    logit_adjustment: bool = False,
) -> None:
    """Measure the prior and the logistic regression.

    Parameters
    ----------
    work
        Where to write.
    table, split
        Artifacts.
    seed
        Of the sample of train rows, where there are more than are used.
    thresholds, target_precision, logit_adjustment
        The rule that both are tuned for, that of the network: as in `evenly.config.TrainConfig`.
    """
    aim = DecisionAim(thresholds, target_precision, logit_adjustment)
    task: Task = read_facts(table)["task"]
    labels, rows = read_labels(table), read_split(split)
    train = rows.rows("train")
    counts = np.bincount(labels[train].tocoo().col, minlength=labels.shape[1]).astype(np.int64)
    judged = {name: (rows.rows(name), labels[rows.rows(name)]) for name in JUDGED}
    sample = sample_train_rows(train, labels.shape[1], task, np.random.default_rng(seed))
    scores = _score_tfidf(work, table, (sample, labels[sample]), judged, task)
    scored = {name: Scored(*part, scores[name]) for name, part in judged.items()}
    measured = evaluate(scored, task=task, train_counts=counts, n_train=len(train), units=rows.unit, aim=aim)
    found = {"prior": _judge_prior(judged, counts, len(train), task, rows.unit), "tfidf_lr": measured}
    names = read_label_names(table)
    write_predictions(work.out / "predictions.parquet", scored, measured.predicted)
    write_per_label(work.out / "per_label.parquet", measured, names)
    write_curves(work.out / "pr_curves.parquet", measured, source="baseline")
    write_intervals(work.out / "intervals.json", measured)
    write_resamples(work.out / "resamples.parquet", measured.resamples)
    write_json(work.out / "metrics.json", {name: _as_json(evaluation, names) for name, evaluation in found.items()})
    _say(work, found, n_sample=len(sample), n_train=len(train))


def _judge_prior(
    judged: _Judged, counts: NDArray[np.int64], n_train: int, task: Task, units: NDArray[np.int64]
) -> Evaluation:
    share = (counts / max(1, n_train)).astype(np.float32)
    scored = {name: Scored(rows, held, np.broadcast_to(share, held.shape)) for name, (rows, held) in judged.items()}
    majority = None
    if task == "binary":
        half, nothing = np.full(2, 0.5), np.zeros(2, np.int64)
        majority = Decision(task, half, nothing.astype(bool), nothing, 0.5, positive_class(counts))
    return evaluate(
        scored, task=task, train_counts=counts, n_train=n_train, units=units, decision=majority, resampled=False
    )


def sample_train_rows(
    train: NDArray[np.int64], n_labels: int, task: Task, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the train rows that the logistic regression sees, ascending: all, or so many that time stays bounded."""
    bound = min(_MAX_ROWS, max(_FEWEST_ROWS, _MAX_CELLS[task] // n_labels))
    return train if len(train) <= bound else np.sort(rng.choice(train, bound, replace=False))


def _score_tfidf(
    work: Workspace,
    table: Path,
    sample: tuple[NDArray[np.int64], sparse.csr_matrix],
    judged: _Judged,
    task: Task,
) -> dict[str, NDArray[np.float32]]:
    """Return the probabilities of every judged split, shape (n_rows, n_labels), memory maps."""
    columns = tuple(read_facts(table)["text_columns"])
    rows, labels = sample
    features = fit_tfidf(join_texts(table, rows, columns), work.scratch)
    if features is None:
        work.note("The texts have no words, so that TF-IDF says nothing: the baseline's scores are all 0.")
        return {name: np.zeros(part[1].shape, np.float32) for name, part in judged.items()}
    sparse.save_npz(work.scratch / "features.npz", features)
    sparse.save_npz(work.scratch / "labels.npz", labels)
    np.save(work.scratch / "rows.npy", np.concatenate([part[0] for part in judged.values()]))
    weights = _fit(work, labels, task)
    sizes = [len(part[0]) for part in judged.values()]
    scores = _score(work, table, columns, weights, n_rows=sum(sizes), n_labels=labels.shape[1], task=task)
    return dict(zip(judged, np.split(scores, np.cumsum(sizes)[:-1]), strict=True))


def _fit(work: Workspace, labels: sparse.csr_matrix, task: Task) -> list[str]:
    if task != "multilabel":
        counts = np.bincount(labels.indices, minlength=labels.shape[1])
        item = FitClasses(work.scratch, positive_class(counts) if task == "binary" else None)
        return [f"fit/{name}" for name in work.map(fit_classes, [item], name="fit", keep=False, unit="fits")]
    n_labels = labels.shape[1]
    firsts = range(0, n_labels, _LABELS_A_BLOCK)
    items = [FitLabels(work.scratch, first, min(n_labels, first + _LABELS_A_BLOCK)) for first in firsts]
    return [f"fit/{name}" for name in work.map(fit_labels, items, name="fit", keep=False, unit="label blocks")]


def _score(
    work: Workspace,
    table: Path,
    columns: tuple[str, ...],
    weights: Sequence[str],
    *,
    n_rows: int,
    n_labels: int,
    task: Task,
) -> NDArray[np.float32]:
    step = max(1, min(_ROWS_A_BLOCK, _CELLS_A_BLOCK // n_labels))
    items = [
        ScoreRows(work.scratch, table, columns, tuple(weights), start, min(n_rows, start + step), task != "multilabel")
        for start in range(0, n_rows, step)
    ]
    names = work.map(score_rows, items, name="score", keep=False, unit="row blocks")
    scores = open_scores(work.scratch / "scores.f32", n_rows, n_labels, mode="w+")
    for item, name in zip(items, names, strict=True):
        scores[item.start : item.stop] = np.load(work.scratch / "score" / name)
    return scores


def _as_json(evaluation: Evaluation, names: Sequence[str]) -> dict[str, Any]:
    return {**evaluation.metrics, "thresholds": evaluation.decision.to_json(names)}


def _say(work: Workspace, found: dict[str, Evaluation], *, n_sample: int, n_train: int) -> None:
    test = found["tfidf_lr"].metrics["test"]
    work.record(rows=n_sample, n_train_rows=n_train, n_train_rows_used=n_sample)
    if "f1_macro" in test:
        constant = found["prior"].metrics["test"]
        work.note(
            f"TF-IDF + logistic regression on test: macro-F1 {shown(test['f1_macro'])}, "
            f"micro-F1 {shown(test['f1_micro'])} (a constant answer reaches {shown(constant['f1_macro'])} and "
            f"{shown(constant['f1_micro'])})"
        )
    if n_sample < n_train:
        work.note(
            f"The logistic regression saw a sample of {n_sample:,} of the {n_train:,} train rows, to bound its time."
        )


BASELINE = Stage("baseline", 3, measure_baselines)
