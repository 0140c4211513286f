"""The training itself: shards in, a saved model and scores on disk out. Importing this module imports TensorFlow.

Settings by measurement on seven tables: Adam, early stopping on validation, the best weights kept. The run can be
killed at any moment: it goes on from its last checkpoint, with the result of one that was not disturbed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from evenly.errors import ConfigError, DataError
from evenly.train.feed.batches import open_batches
from evenly.train.feed.shards import open_shards
from evenly.train.job import TrainResult
from evenly.train.keras_file import save_model
from evenly.train.learning_rate import plan_rate
from evenly.train.losses.build import make_loss
from evenly.train.models.network import build_network
from evenly.train.models.spec import Head, Spec
from evenly.train.models.terms import learn_terms, read_pieces
from evenly.train.running import Run
from evenly.train.scoring import SplitScorer, validation_measure
from evenly.train.stepping import Stepper

if TYPE_CHECKING:
    from evenly.train.feed.batches import Batches
    from evenly.train.job import TrainJob
    from evenly.train.models.spec import Network
    from evenly.train.models.terms import Terms

__all__ = ["train_network"]

_TRAIN_ROWS_SCORED = 4_096


def train_network(job: TrainJob) -> TrainResult:
    """Train, save the model, and leave the scores of every split in `job.scratch` (``<split>.f32``)."""
    notes = _set_precision(job.precision)
    train = _open_train(job)
    _refuse_several_inputs(job, train)
    network = build_network(job.model, _describe(job), build=job.build)
    run = Run(job, _make_stepper(job, network, train), train, validation_measure(job, network))
    run.train()
    save_model(network.probabilities, job.model_path)
    for split in ("validation", "test"):
        SplitScorer(job, network, split).score()
    seen = SplitScorer(job, network, "train", at_most=_TRAIN_ROWS_SCORED)
    seen.score()
    return TrainResult(
        history=run.standing.history,
        best_epoch=run.standing.best_epoch,
        train_rows=seen.rows,
        n_parameters=sum(int(variable.shape.num_elements()) for variable in network.logits.trainable_variables),
        device="gpu" if tf.config.list_logical_devices("GPU") else "cpu",
        notes=[*notes, *run.notes],
    )


def _set_precision(precision: str) -> list[str]:
    """Compute in bfloat16 where the device is made for it (auto), or as the config says; weights stay float32."""
    if precision == "auto":
        details = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
        fit = bool(details) and all(each.get("compute_capability", (0, 0)) >= (8, 0) for each in details)
        precision = "bfloat16" if fit else "float32"
    keras.mixed_precision.set_global_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    return ["The network computes in bfloat16; its weights are float32."] if precision == "bfloat16" else []


def _describe(job: TrainJob) -> Spec:
    return Spec(
        Head(job.task, job.bias, job.live, job.positive),
        n_ids=job.n_ids,
        pad_id=job.pad_id,
        embedding_size=job.embedding_size,
        hidden_size=job.hidden_size,
        n_layers=job.n_layers,
        dropout=job.dropout,
        n_rows=job.n_rows,
        terms=_learn_terms(job) if job.model == "tfidf" else None,
    )


def _learn_terms(job: TrainJob) -> Terms:
    return learn_terms(
        open_shards(job.shards[:1], "train"), read_pieces(job.tokenizer, job.n_ids), max_terms=job.max_terms
    )


def _open_train(job: TrainJob) -> Batches:
    batches = open_batches(
        job.shards,
        job.plan,
        job.weights if job.loss.weighted else None,
        split="train",
        batch_size=job.batch_size,
        n_labels=job.n_labels,
        pad_id=job.pad_id,
        shuffle=True,
        seed=job.seed,
        labels="multi_hot" if job.task == "multilabel" else "int",
    )
    if len(batches.input_names) > 1:
        raise DataError(
            f"The shards hold {', '.join(batches.input_names)}, a list of ids for each text column, and evenly's "
            f"models read one, input_ids. Set tokenize.join: separator, or train a model of your own with "
            f"evenly.train.read_shards."
        )
    return batches


def _refuse_several_inputs(job: TrainJob, train: Batches) -> None:
    if job.model != "custom" and train.input_names != ["input_ids"]:
        raise ConfigError(
            f"The shards hold {', '.join(train.input_names)}, and train.model {job.model} reads one list of ids, "
            f"input_ids. Set tokenize.join: separator, or train.model: custom."
        )


def _make_stepper(job: TrainJob, network: Network, train: Batches) -> Stepper:
    rate: Any = plan_rate(
        job.learning_rate,
        warmup_steps=job.warmup_steps,
        total_steps=job.epochs * train.steps_per_epoch,
        decay=job.decay,
    )
    loss = make_loss(job.task, job.loss, pos_weight=job.pos_weight, positive=job.positive)
    return Stepper(network.logits, loss, keras.optimizers.Adam(rate), parts=job.accumulate, xla=job.xla)
