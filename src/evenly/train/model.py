"""The stage that trains: shards, plan and weights in; a model, its rule, its measures and its predictions out.

TensorFlow runs in a process of its own (`evenly.train.fit`), which leaves the model and the scores of each split on
disk; thresholds, measures and predictions are NumPy, here.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import pyarrow.parquet as pq

from evenly.errors import DataError
from evenly.formats import read_facts, read_label_names, read_labels, read_split, write_json
from evenly.manifest import MANIFEST_NAME
from evenly.store import Stage
from evenly.train.encoders.embeddings import check_ids
from evenly.train.evaluation.decisions import DecisionAim, positive_class
from evenly.train.evaluation.evaluate import Scored
from evenly.train.evaluation.judgement import Subject, judge_model, read_circumstances
from evenly.train.evaluation.metrics import macro_pr_auc
from evenly.train.feed.expansion import count_expanded
from evenly.train.fit import fit_isolated
from evenly.train.job import TrainJob, best_constant
from evenly.train.lineage import write_lineage
from evenly.train.loss_choice import choose_loss
from evenly.train.model_card import write_card
from evenly.train.models.choice import choose_model
from evenly.train.reading import collect_reading
from evenly.train.score_file import open_scores

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.formats import SplitRows, Task
    from evenly.train.job import TrainResult
    from evenly.workspace import Workspace

__all__ = ["MODEL", "train_model"]


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
    encoder: Path | None = None,
    embeddings: Path | None = None,
    synthetic_embeddings: Path | None = None,
    model: str,
    build: str | None = None,
    trainable: str = "none",
    loss: str,
    focal_gamma: float | None,
    label_smoothing: float,
    embedding_size: int,
    hidden_size: int,
    n_layers: int,
    dropout: float | None,
    epochs: int,
    patience: int,
    batch_size: int | None,
    accumulate: int,
    learning_rate: float | None,
    warmup_steps: int | None,
    decay: Literal["none", "linear", "cosine"],
    precision: Literal["auto", "float32", "bfloat16"],
    xla: bool,
    devices: int | None = None,
    thresholds: Literal["label", "global"] = "label",
    target_precision: float | None = None,
    logit_adjustment: bool = False,
    seed: int,
    reading: dict[str, Any] | None = None,
) -> None:
    """Train a network and judge it.

    Parameters
    ----------
    work
        Where to write.
    table, split, shards, synthetic, plan, weights, tokenizer, baseline
        Artifacts; `synthetic` holds the shards of the plan's synthetic rows.
    encoder, embeddings, synthetic_embeddings
        Of pretrained: the encoder and, where it is left as it is, the vectors of `shards` and of `synthetic`.
    model, build, trainable, loss, focal_gamma, label_smoothing, embedding_size, hidden_size, n_layers, dropout, epochs,
    patience, batch_size, accumulate, learning_rate, warmup_steps, decay, precision, xla, devices, thresholds,
    target_precision, logit_adjustment, seed
        As in `evenly.config.TrainConfig`; what is None or auto is chosen.
    reading
        How texts become ids (see `evenly.train.reading.Reading`), for those who predict; None: as the artifacts say.

    Raises
    ------
    ConfigError
        There is no such model or loss, or the loss is not for this task.
    DataError
        There is no train row, or training diverged.
    MissingExtraError
        TensorFlow is not installed.
    """
    truth = _Truth.read(table, split)
    n_rows, expanded = count_expanded(plan, truth.labels)
    if n_rows == 0:
        raise DataError("The plan leaves no train row: give the train split a larger share or remove fewer rows.")
    chosen = choose_model(model, n_rows=n_rows, n_labels=truth.labels.shape[1], trainable=trainable)
    class_weight, pos_weight = _read_weights(weights)
    settings = choose_loss(
        loss,
        truth.task,
        expanded,
        n_rows,
        weights=pos_weight if truth.task == "multilabel" else class_weight,
        gamma=focal_gamma,
        label_smoothing=label_smoothing,
    )
    ids = read_facts(tokenizer)
    if encoder is not None:
        check_ids(tokenizer, encoder, shards)
    job = TrainJob(
        shards=(shards, synthetic),
        plan=plan,
        weights=weights,
        table=table,
        tokenizer=tokenizer,
        scratch=work.scratch,
        model_path=work.out / "model.keras",
        task=truth.task,
        n_labels=truth.labels.shape[1],
        positive=truth.positive,
        pos_weight=pos_weight,
        bias=best_constant(
            truth.task,
            expanded,
            n_rows,
            class_weight=class_weight if settings.weighted else np.ones_like(class_weight),
            pos_weight=pos_weight if settings.weighted else np.sign(pos_weight),
            positive=truth.positive,
            adjusted=settings.name == "logit_adjusted",
        ),
        n_ids=ids["n_ids"],
        pad_id=ids["pad_id"],
        n_rows=n_rows,
        loss=settings,
        build=build,
        encoder=encoder,
        trainable=trainable,
        embeddings=tuple(path for path in (embeddings, synthetic_embeddings) if path is not None),
        model=chosen.name,
        embedding_size=embedding_size,
        hidden_size=hidden_size,
        n_layers=n_layers,
        dropout=chosen.dropout if dropout is None else dropout,
        epochs=epochs,
        patience=patience,
        batch_size=batch_size or chosen.batch_size(n_rows),
        accumulate=accumulate,
        learning_rate=learning_rate or chosen.learning_rate,
        warmup_steps=chosen.warmup_steps if warmup_steps is None else warmup_steps,
        decay=decay,
        precision=precision,
        xla=xla,
        devices=devices,
        logs=work.logs,
        seed=seed,
    )
    result = fit_isolated(job)
    shutil.copytree(tokenizer, work.out / "tokenizer", ignore=shutil.ignore_patterns(MANIFEST_NAME))
    collect_reading(table=table, shards=shards, tokenizer=tokenizer, given=reading).write(work.out)
    write_json(work.out / "labels.json", truth.names)
    write_json(work.out / "history.json", result.history)
    judge_model(
        work,
        {name: truth.scored(name, work.scratch) for name in ("validation", "test")},
        truth.subject,
        train=_train_metrics(work, truth, result),
        baseline=baseline,
        circumstances=read_circumstances(split, shards),
        aim=DecisionAim(thresholds, target_precision, logit_adjustment),
    )
    lineage = {"table": table, "split": split, "weights": weights, "plan": plan, "tokenizer": tokenizer}
    of_encoder = {} if encoder is None else {"encoder": encoder}
    write_lineage(work.out, lineage | {"shards": shards, "synthetic": synthetic} | of_encoder)
    write_card(work.out)
    for sentence in (chosen.why, settings.why, *result.notes):
        work.note(sentence)
    work.record(
        rows=n_rows,
        model=chosen.name,
        loss=settings.name,
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

    @property
    def subject(self) -> Subject:
        n_train = len(self.rows.rows("train"))
        return Subject(self.task, self.names, self.train_counts, n_train, self.rows.unit)

    def scored(self, split: str, scratch: Path) -> Scored:
        rows = self.rows.rows(split)
        scores = open_scores(scratch / f"{split}.f32", len(rows), self.labels.shape[1], mode="r")
        return Scored(rows, self.labels[rows], scores)


def _read_weights(weights: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weights of classes and of positives, each of shape (n_labels,)."""
    columns = pq.read_table(weights / "labels.parquet", columns=["id", "class_weight", "pos_weight"]).sort_by("id")
    return columns["class_weight"].to_numpy(), columns["pos_weight"].to_numpy()


def _train_metrics(work: Workspace, truth: _Truth, result: TrainResult) -> dict[str, float]:
    """Measure the train rows that were scored: those of the table, without copies."""
    rows = result.train_rows
    scores = open_scores(work.scratch / "train.f32", len(rows), truth.labels.shape[1], mode="r")
    measured = macro_pr_auc(scores, truth.labels[rows])
    return {"n_rows": len(rows)} | ({"pr_auc_macro": measured} if np.isfinite(measured) else {})


MODEL = Stage("model", 4, train_model)
