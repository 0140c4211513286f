"""What is handed to the process that trains, and what it hands back: paths and plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.formats import Task
    from evenly.train.loss_choice import LossSettings

__all__ = ["TrainJob", "TrainResult", "best_constant"]


@dataclass(frozen=True)
class TrainJob:
    """One training run.

    Attributes
    ----------
    shards
        Folders of token shards: those of the table, then the synthetic ones.
    plan, weights
        Artifacts that say how often a train row is read and what it weighs.
    scratch, model_path, table
        Where scores go, where the model goes; the table with the labels.
    task, n_labels, positive
        What is to be told; `positive` for binary.
    bias
        Shape (n_labels,), or (1,) for binary: see `best_constant`.
    pos_weight
        Shape (n_labels,): the weight of a positive in the loss, 0 for an empty label.
    n_ids, pad_id
        Of the tokenizer.
    tokenizer
        The artifact.
    n_rows
        Rows of an epoch.
    loss
        Which one.
    build
        Of custom: ``module:function``.
    encoder, trainable
        Of pretrained: the artifact, and what is trained of it: none, all or last_N.
    embeddings
        Of pretrained, where the head alone is trained: the vectors of `shards`, folder by folder.
    max_terms, max_grams
        Of tfidf: at most so many terms, and grams of characters.
    checkpoint_s
        Seconds after which the run is written down in the middle of an epoch.
    devices
        GPUs that share each batch; None: all that there are.
    logs
        Where the curves of the run are written for TensorBoard; None: nowhere.
    model, embedding_size, hidden_size, n_layers, dropout, epochs, patience, batch_size, accumulate, learning_rate,
    warmup_steps, decay, precision, xla, seed
        As in the config, resolved.
    """

    shards: tuple[Path, ...]
    plan: Path
    weights: Path
    table: Path
    scratch: Path
    model_path: Path
    task: Task
    n_labels: int
    positive: int | None
    bias: NDArray[np.float64]
    pos_weight: NDArray[np.float64]
    n_ids: int
    pad_id: int
    tokenizer: Path
    n_rows: int
    loss: LossSettings
    model: str
    embedding_size: int
    hidden_size: int
    n_layers: int
    dropout: float
    epochs: int
    patience: int
    batch_size: int
    accumulate: int
    learning_rate: float
    warmup_steps: int
    decay: Literal["none", "linear", "cosine"]
    precision: str
    xla: bool
    seed: int
    build: str | None = None
    encoder: Path | None = None
    trainable: str = "none"
    embeddings: tuple[Path, ...] = ()
    max_terms: int = 20_000
    max_grams: int = 30_000
    checkpoint_s: float = 300.0
    devices: int | None = None
    logs: Path | None = None

    @property
    def live(self) -> NDArray[np.bool_]:
        """Outputs that the loss looks at, shape (n_outputs,): all but empty labels of a multi-label task."""
        return self.pos_weight > 0 if self.task == "multilabel" else np.ones(len(self.bias), bool)


@dataclass(frozen=True)
class TrainResult:
    """What a training run found.

    Attributes
    ----------
    history
        A dict an epoch: epoch, loss, validation PR-AUC.
    best_epoch
        The one whose weights were kept, counted from 1.
    train_rows
        Shape (n_seen,), int64: train rows that were scored in the end, to be set against validation.
    n_parameters, device
        Trained numbers of the model, and "gpu" or "cpu".
    notes
        Sentences for the person who reads the run.
    """

    history: list[dict[str, float]]
    best_epoch: int
    train_rows: NDArray[np.int64]
    n_parameters: int
    device: str
    notes: list[str]


def best_constant(
    task: Task,
    counts: NDArray[np.int64],
    n_rows: int,
    *,
    class_weight: NDArray[np.float64],
    pos_weight: NDArray[np.float64],
    positive: int | None = None,
    adjusted: bool = False,
) -> NDArray[np.float64]:
    """Return the logits that minimise the loss where the text is not looked at.

    Multi-label: log(w c / (N - c)), weighted as the loss is; multiclass: log(w c); binary: the difference of these.
    Half a row is added to every count, so that an empty label starts very low, not at minus infinity.

    Parameters
    ----------
    task
        binary, multiclass or multilabel.
    counts
        Shape (n_labels,): rows that hold each label, of `n_rows`.
    n_rows
        Rows of an epoch.
    class_weight, pos_weight
        Shape (n_labels,): weights of rows by class, and of positives by label; 0 for empty ones.
    positive
        The class whose logit a binary network gives.
    adjusted
        Whether the loss adds the logarithm of the prior by itself, so that all seen classes start alike.

    Returns
    -------
    numpy.ndarray
        Shape (n_labels,), or (1,) for binary.
    """
    if task == "multilabel":
        weight = np.where(pos_weight > 0, pos_weight, 1)
        logits: NDArray[np.float64] = np.log(weight * (counts + 0.5) / (n_rows - counts + 0.5))
        return logits
    logits = np.log(np.where(class_weight > 0, class_weight, 1) * (counts + 0.5))
    if adjusted:
        logits = np.where(counts > 0, logits.max(), logits)
    return logits - logits.max() if positive is None else logits[[positive]] - logits[[1 - positive]]
