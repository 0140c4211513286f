"""The stage that trains: shards, plan and weights in; a model, its rule, its measures and its predictions out.

TensorFlow runs in a process of its own (`evenly.train.fit`), which leaves the model and the scores of each split on
disk; thresholds, measures and predictions are NumPy, here.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow.parquet as pq

from evenly.errors import ConfigError, DataError, nearest
from evenly.formats import read_facts, read_label_names, read_labels, read_split, write_json
from evenly.manifest import MANIFEST_NAME
from evenly.store import Stage
from evenly.train.evaluation.decisions import positive_class
from evenly.train.evaluation.evaluate import Scored, evaluate, write_per_label, write_predictions
from evenly.train.evaluation.metrics import macro_pr_auc
from evenly.train.evaluation.verdict import headline, judge
from evenly.train.feed.expansion import count_expanded
from evenly.train.fit import fit_isolated
from evenly.train.job import TrainJob, best_constant
from evenly.train.score_file import open_scores

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.formats import SplitRows, Task
    from evenly.train.evaluation.evaluate import Evaluation
    from evenly.train.job import TrainResult
    from evenly.workspace import Workspace

__all__ = ["MODEL", "train_model"]

_LEARNING_RATES = {"bow": 5e-3, "bilstm": 3e-3}
_BATCH, _LARGE_BATCH, _LARGE = 32, 128, 10_000


def train_model(
    work: Workspace,
    *,
    table: Path,
    split: Path,
    shards: Path,
    synthetic: Path,
    plan: Path,
    weights: Path,
    tokenizer: Path,
    baseline: Path | None = None,
    model: str,
    embedding_size: int,
    hidden_size: int,
    dropout: float,
    epochs: int,
    patience: int,
    batch_size: int | None,
    learning_rate: float | None,
    seed: int,
) -> None:
    """Train a network and judge it.

    Parameters
    ----------
    work
        Where to write.
    table, split, shards, synthetic, plan, weights, tokenizer, baseline
        Artifacts; `synthetic` holds the shards of the plan's synthetic rows.
    model, embedding_size, hidden_size, dropout, epochs, patience, batch_size, learning_rate, seed
        As in `evenly.config.TrainConfig`; `batch_size` and `learning_rate` are chosen where None.

    Raises
    ------
    ConfigError
        There is no such model.
    DataError
        There is no train row, or training diverged.
    MissingExtraError
        TensorFlow is not installed.
    """
    if model not in _LEARNING_RATES:
        raise ConfigError(
            f"train.model is {model!r}{nearest(model, _LEARNING_RATES)} Expected {' or '.join(_LEARNING_RATES)}."
        )
    truth = _Truth.read(table, split)
    n_rows, expanded = count_expanded(plan, truth.labels)
    if n_rows == 0:
        raise DataError("The plan leaves no train row: give the train split a larger share or remove fewer rows.")
    pos_weight, bias = _weigh(truth, weights, n_rows, expanded)
    ids = read_facts(tokenizer)
    job = TrainJob(
        shards=(shards, synthetic),
        plan=plan,
        weights=weights,
        table=table,
        scratch=work.scratch,
        model_path=work.out / "model.keras",
        task=truth.task,
        n_labels=truth.labels.shape[1],
        positive=truth.positive,
        pos_weight=pos_weight,
        bias=bias,
        n_ids=ids["n_ids"],
        pad_id=ids["pad_id"],
        model=model,
        embedding_size=embedding_size,
        hidden_size=hidden_size,
        dropout=dropout,
        epochs=epochs,
        patience=patience,
        batch_size=batch_size or (_LARGE_BATCH if n_rows > _LARGE else _BATCH),
        learning_rate=learning_rate or _LEARNING_RATES[model],
        seed=seed,
    )
    result = fit_isolated(job)
    shutil.copytree(tokenizer, work.out / "tokenizer", ignore=shutil.ignore_patterns(MANIFEST_NAME))
    write_json(work.out / "labels.json", truth.names)
    write_json(work.out / "history.json", result.history)
    _judge(work, truth, result, baseline)
    work.record(
        rows=n_rows,
        epochs=len(result.history),
        best_epoch=result.best_epoch,
        batch_size=job.batch_size,
        learning_rate=job.learning_rate,
        n_parameters=result.n_parameters,
        device=result.device,
        positive=None if truth.positive is None else truth.names[truth.positive],
    )


@dataclass(frozen=True)
class _Truth:
    """The labels of the table, and where its rows went."""

    task: Task
    names: list[str]
    labels: sparse.csr_matrix
    rows: SplitRows
    train_counts: NDArray[np.int64]

    @classmethod
    def read(cls, table: Path, split: Path) -> _Truth:
        labels, rows = read_labels(table), read_split(split)
        counts = np.bincount(labels[rows.rows("train")].indices, minlength=labels.shape[1]).astype(np.int64)
        return cls(cast("Task", read_facts(table)["task"]), read_label_names(table), labels, rows, counts)

    @property
    def positive(self) -> int | None:
        return positive_class(self.train_counts) if self.task == "binary" else None

    def scored(self, split: str, scratch: Path) -> Scored:
        rows = self.rows.rows(split)
        scores = open_scores(scratch / f"{split}.f32", len(rows), self.labels.shape[1], mode="r")
        return Scored(rows, self.labels[rows], scores)


def _weigh(truth: _Truth, weights: Path, n_rows: int, expanded: NDArray[np.int64]) -> tuple[Any, Any]:
    """Return the weights of positives, and the logits of the best constant answer."""
    columns = pq.read_table(weights / "labels.parquet", columns=["id", "class_weight", "pos_weight"]).sort_by("id")
    pos_weight = columns["pos_weight"].to_numpy()
    bias = best_constant(
        truth.task,
        expanded,
        n_rows,
        class_weight=columns["class_weight"].to_numpy(),
        pos_weight=pos_weight,
        positive=truth.positive,
    )
    return pos_weight, bias


def _judge(work: Workspace, truth: _Truth, result: TrainResult, baseline: Path | None) -> None:
    scored = {split: truth.scored(split, work.scratch) for split in ("validation", "test")}
    found = evaluate(scored, task=truth.task, train_counts=truth.train_counts)
    metrics = _flat(found, _train_metrics(work, truth, result), baseline)
    write_json(work.out / "metrics.json", metrics)
    write_json(work.out / "thresholds.json", found.decision.to_json(truth.names))
    write_per_label(work.out / "per_label.parquet", found, truth.names)
    write_predictions(work.out / "predictions.parquet", scored, found.predicted)
    predicted = sum(each.predicted for each in found.per_label.values())
    sentences = judge(metrics, found, truth.names, train_counts=truth.train_counts, seen_labels=np.asarray(predicted))
    write_json(work.out / "verdict.json", sentences)
    for sentence in (headline(metrics), *sentences):
        work.note(sentence)


def _train_metrics(work: Workspace, truth: _Truth, result: TrainResult) -> dict[str, float]:
    """Measure the train rows that were scored: those of the table, without copies."""
    rows = result.train_rows
    scores = open_scores(work.scratch / "train.f32", len(rows), truth.labels.shape[1], mode="r")
    measured = macro_pr_auc(scores, truth.labels[rows])
    return {"n_rows": len(rows)} | ({"pr_auc_macro": measured} if np.isfinite(measured) else {})


def _flat(found: Evaluation, train: Mapping[str, float], baseline: Path | None) -> dict[str, float]:
    """Return every measure under ``<where>/<name>``."""
    parts: dict[str, Mapping[str, float]] = {
        "test": found.metrics["test"],
        "validation": found.metrics["validation"],
        "train": train,
    }
    if baseline is not None:
        both = json.loads((baseline / "metrics.json").read_text(encoding="utf-8"))
        parts |= {"baseline": both["tfidf_lr"]["test"], "baseline_prior": both["prior"]["test"]}
    return {f"{where}/{name}": value for where, part in parts.items() for name, value in part.items()}


MODEL = Stage("model", 1, train_model)
