"""The training itself: shards in, a saved model and scores on disk out. Importing this module imports TensorFlow.

Settings by measurement on seven tables: Adam, early stopping on validation, the best weights kept. The run can be
killed at any moment: it goes on from its last checkpoint, with the result of one that was not disturbed.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from evenly.errors import ConfigError, DataError
from evenly.progress import Advanced, emit
from evenly.train.checkpoint import find_checkpoint
from evenly.train.feed.batches import EMBEDDING, open_batches
from evenly.train.feed.dataset import to_dataset
from evenly.train.feed.shards import open_shards
from evenly.train.job import TrainResult
from evenly.train.keras_file import save_model
from evenly.train.learning_rate import plan_rate
from evenly.train.losses.build import make_loss
from evenly.train.models.grams import MOST_GRAM_OUTPUTS, learn_grams
from evenly.train.models.linear import fit_linear, rows_to_fit
from evenly.train.models.network import build_network, complete_network
from evenly.train.models.pretrained import describe_encoder
from evenly.train.models.spec import Head, Spec
from evenly.train.models.terms import learn_terms, read_pieces
from evenly.train.replicas import find_strategy
from evenly.train.running import Run, tell_positive
from evenly.train.scoring import SplitScorer, validation_measure
from evenly.train.stepping import Stepper

if TYPE_CHECKING:
    from evenly.train.feed.batches import Batches
    from evenly.train.job import TrainJob
    from evenly.train.models.spec import Network

__all__ = ["train_network"]

_TRAIN_ROWS_SCORED = 4_096


def train_network(job: TrainJob) -> TrainResult:
    """Train, save the model, and leave the scores of every split in `job.scratch` (``<split>.f32``)."""
    notes = _set_precision(job.precision)
    train = _open_train(job)
    _refuse_several_inputs(job, train)
    spec = _describe(job, train)
    strategy = find_strategy(job.devices)
    with nullcontext() if strategy is None else strategy.scope():
        network = build_network(job.model, spec, build=job.build)
        stepper = _make_stepper(job, network, train, strategy)
    if find_checkpoint(job.scratch) is None:  # which has the linear part, too
        _fit_linear(job, network, train)
    run = Run(job, stepper, train, validation_measure(job, network))
    run.train()
    save_model(complete_network(network, spec), job.model_path)
    for split in ("validation", "test"):
        SplitScorer(job, network, split).score()
    seen = SplitScorer(job, network, "train", at_most=_TRAIN_ROWS_SCORED)
    seen.score()
    return TrainResult(
        history=run.standing.history,
        best_epoch=run.standing.best_epoch,
        train_rows=seen.rows,
        n_parameters=sum(int(variable.shape.num_elements()) for variable in network.fitted_variables),
        device="gpu" if tf.config.list_logical_devices("GPU") else "cpu",
        notes=[*notes, *_describe_devices(job, stepper.n_devices), *run.notes],
    )


def _set_precision(precision: str) -> list[str]:
    """Compute in bfloat16 where the device is made for it (auto), or as the config says; weights stay float32."""
    if precision == "auto":
        details = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
        fit = bool(details) and all(each.get("compute_capability", (0, 0)) >= (8, 0) for each in details)
        precision = "bfloat16" if fit else "float32"
    keras.mixed_precision.set_global_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    return ["The network computes in bfloat16; its weights are float32."] if precision == "bfloat16" else []


def _describe_devices(job: TrainJob, n_devices: int) -> list[str]:
    return [f"Each batch of {job.batch_size} rows was shared by {n_devices} GPUs."] if n_devices > 1 else []


def _describe(job: TrainJob, train: Batches) -> Spec:
    return Spec(
        Head(job.task, job.bias, job.live, job.positive),
        n_ids=job.n_ids,
        pad_id=job.pad_id,
        embedding_size=job.embedding_size,
        hidden_size=job.hidden_size,
        n_layers=job.n_layers,
        dropout=job.dropout,
        n_rows=job.n_rows,
        **(_learn_words(job) if job.model == "tfidf" else {}),
        pretrained=describe_encoder(job.encoder, job.trainable, train) if job.encoder is not None else None,
    )


def _learn_words(job: TrainJob) -> dict[str, Any]:
    """Return the `terms` of the train rows, and their `grams` where there are not too many outputs."""
    index, pieces = open_shards(job.shards[:1], "train"), read_pieces(job.tokenizer, job.n_ids)
    few = len(job.bias) <= MOST_GRAM_OUTPUTS
    return {
        "terms": learn_terms(index, pieces, max_terms=job.max_terms),
        "grams": learn_grams(index, pieces, max_grams=job.max_grams) if few else None,
    }


def _fit_linear(job: TrainJob, network: Network, train: Batches) -> None:
    """Put the linear part of the network, where it has one, at its optimum for the loss of the run."""
    if network.linear is None:
        return
    emit(Advanced("model", 0, job.epochs, "epochs", "the linear part"))
    n_rows = rows_to_fit(job.n_rows, len(job.bias))
    n_steps = -(-n_rows * train.steps_per_epoch // job.n_rows)
    batches = tell_positive(to_dataset(train), job.positive).take(n_steps)
    loss = make_loss(job.task, job.loss, pos_weight=job.pos_weight, positive=job.positive)
    fit_linear(network.linear, loss, batches)


def _open_train(job: TrainJob) -> Batches:
    batches = open_batches(
        job.shards,
        job.plan,
        job.weights if job.loss.weighted else None,
        embeddings=job.embeddings,
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
    if job.model != "custom" and train.input_names not in (["input_ids"], [EMBEDDING]):
        raise ConfigError(
            f"The shards hold {', '.join(train.input_names)}, and train.model {job.model} reads one list of ids, "
            f"input_ids. Set tokenize.join: separator, or train.model: custom."
        )


def _make_stepper(job: TrainJob, network: Network, train: Batches, strategy: tf.distribute.Strategy | None) -> Stepper:
    rate: Any = plan_rate(
        job.learning_rate,
        warmup_steps=job.warmup_steps,
        total_steps=job.epochs * train.steps_per_epoch,
        decay=job.decay,
    )
    loss = make_loss(job.task, job.loss, pos_weight=job.pos_weight, positive=job.positive)
    return Stepper(
        network.logits, loss, keras.optimizers.Adam(rate), parts=job.accumulate, xla=job.xla, strategy=strategy
    )
