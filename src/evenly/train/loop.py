"""The training itself: shards in, a saved model and scores on disk out. Importing this module imports TensorFlow.

Settings by measurement on seven tables: Adam, early stopping on validation PR-AUC, the best weights kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from evenly.formats import read_labels
from evenly.train.callbacks import BestEpoch
from evenly.train.evaluation.metrics import macro_pr_auc
from evenly.train.feed.batches import open_batches
from evenly.train.feed.dataset import to_dataset
from evenly.train.job import TrainResult
from evenly.train.keras_file import save_model
from evenly.train.losses import make_loss
from evenly.train.models import Head, build_network
from evenly.train.score_file import open_scores

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from evenly.train.feed.batches import Batches
    from evenly.train.job import TrainJob
    from evenly.train.models import Network

__all__ = ["train_network"]

_ROWS_A_SCORING_BATCH = 256
_TRAIN_ROWS_SCORED = 4_096


def train_network(job: TrainJob) -> TrainResult:
    """Train, save the model, and leave the scores of every split in `job.scratch` (``<split>.f32``)."""
    network = build_network(
        job.model,
        Head(job.task, job.bias, job.live, job.positive),
        n_ids=job.n_ids,
        pad_id=job.pad_id,
        embedding_size=job.embedding_size,
        hidden_size=job.hidden_size,
        dropout=job.dropout,
    )
    network.logits.compile(
        optimizer=keras.optimizers.Adam(job.learning_rate),
        loss=make_loss(job.task, job.pos_weight.tolist()),
        jit_compile=False,  # XLA compiles anew for every width of batch
    )
    best = _fit(job, network)
    save_model(network.probabilities, job.model_path)
    for split in ("validation", "test"):
        _scorer(job, network, _open_for_scoring(job, split), split)()
    train = _open_for_scoring(job, "train", shuffle=True)
    n_steps = -(-_TRAIN_ROWS_SCORED // _ROWS_A_SCORING_BATCH)
    scored = _scorer(job, network, train, "train", n_steps)()
    return TrainResult(
        history=best.history,
        best_epoch=best.best_epoch,
        train_rows=train.rows()[: len(scored)],
        n_parameters=int(network.logits.count_params()),
        device="gpu" if tf.config.list_logical_devices("GPU") else "cpu",
    )


def _fit(job: TrainJob, network: Network) -> BestEpoch:
    train = open_batches(
        job.shards,
        job.plan,
        job.weights,
        split="train",
        batch_size=job.batch_size,
        n_labels=job.n_labels,
        pad_id=job.pad_id,
        shuffle=True,
        seed=job.seed,
        labels="multi_hot" if job.task == "multilabel" else "int",
    )
    dataset = to_dataset(train, epochs=job.epochs)
    if job.positive is not None:
        positive = job.positive
        dataset = dataset.map(lambda ids, label, *rest: (ids, tf.cast(label == positive, tf.float32)[:, None], *rest))
    name = "val_pr_auc_macro" if job.positive is None else "val_pr_auc_positive"
    best = BestEpoch(name, _validation_measure(job, network), patience=job.patience, epochs=job.epochs)
    network.logits.fit(
        dataset,
        epochs=job.epochs,
        steps_per_epoch=train.steps_per_epoch,
        shuffle=False,  # the reader has done that
        callbacks=[best],
        verbose=0,
    )
    return best


def _validation_measure(job: TrainJob, network: Network) -> Any:
    """Return a function that gives the PR-AUC of the validation split: macro, or of the positive class."""
    batches = _open_for_scoring(job, "validation")
    labels = read_labels(job.table)[batches.rows()]
    columns = np.arange(job.n_labels) if job.positive is None else np.array([job.positive])
    score = _scorer(job, network, batches, "validation")
    labels = labels[:, columns]
    everything = job.positive is None

    def measure() -> float:
        scores = score()
        return macro_pr_auc(scores if everything else scores[:, columns], labels)

    return measure


def _open_for_scoring(job: TrainJob, split: str, *, shuffle: bool = False) -> Batches:
    return open_batches(
        job.shards[:1],
        split=split,
        batch_size=_ROWS_A_SCORING_BATCH,
        n_labels=job.n_labels,
        pad_id=job.pad_id,
        shuffle=shuffle,
        seed=job.seed,
        labels="indices",
    )


def _scorer(job: TrainJob, network: Network, batches: Batches, name: str, n_steps: int | None = None) -> Any:
    """Return a function that scores the first batches, shape (n_rows, n_labels) float32, in a file of the scratch."""
    dataset = to_dataset(batches)
    steps = batches.steps_per_epoch if n_steps is None else min(n_steps, batches.steps_per_epoch)
    n_rows = min(batches.rows_per_epoch, steps * _ROWS_A_SCORING_BATCH)
    path = job.scratch / f"{name}.f32"

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)])  # type: ignore[untyped-decorator]
    def predict(ids: Any) -> Any:
        return network.probabilities(ids, training=False)

    def score() -> NDArray[np.float32]:
        scores = open_scores(path, n_rows, job.n_labels, mode="w+")
        _fill(scores, (predict(batch[0]) for batch in dataset.take(steps)))
        return scores

    return score


def _fill(scores: NDArray[np.float32], pieces: Iterable[Any]) -> None:
    start = 0
    for piece in pieces:
        found = piece.numpy()
        scores[start : start + len(found)] = found
        start += len(found)
