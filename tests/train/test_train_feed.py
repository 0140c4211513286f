"""The reader as tf.data: what it yields is what `iter_batches` yields, and Keras trains on it over several epochs."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenly.errors import ConfigError, MissingExtraError
from evenly.store import Store
from evenly.tokenize import SHARDS
from evenly.train.feed.batches import iter_batches, open_batches
from evenly.train.feed.dataset import read_shards, to_dataset
from token_tables import build_split, build_table, build_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

tf = pytest.importorskip("tensorflow", reason="TensorFlow is an extra")


@pytest.fixture(scope="module", autouse=True)
def _two_devices():
    """Divide the processor in two before TensorFlow has begun; where another test has begun it, it may be whole."""
    with suppress(RuntimeError):
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
        )


N_ROWS, N_LABELS = 200, 5
SIZES = {"split": "train", "batch_size": 8, "n_labels": N_LABELS, "pad_id": 50}


@pytest.fixture(scope="module")
def shards(tmp_path_factory) -> Path:
    store = Store(tmp_path_factory.mktemp("feed"))
    tokenizer = build_tokenizer(store, [f"w{i}" for i in range(50)])
    texts = [" ".join(f"w{(row + i) % 50}" for i in range(row % 30)) for row in range(N_ROWS)]
    table = build_table(
        store, {"text": texts}, [[row % N_LABELS] for row in range(N_ROWS)], n_labels=N_LABELS, part_rows=60
    )
    split = build_split(store, ["train" if row < 195 else "test" for row in range(N_ROWS)])
    inputs = {"table": table, "split": split, "tokenizer": tokenizer}
    return store.build(SHARDS, params={"max_length": 24}, inputs=inputs).path


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    table = {"row": np.arange(195), "sample_weight": pa.array(np.arange(195) / 97, pa.float32())}
    pq.write_table(pa.table(table), folder / "rows.parquet")
    classes = {"id": pa.array(range(N_LABELS), pa.int32()), "class_weight": np.ones(N_LABELS)}
    pq.write_table(pa.table(classes), folder / "labels.parquet")
    return folder


@pytest.mark.parametrize("labels", ["multi_hot", "int", "indices"])
@pytest.mark.parametrize("start", [(0, 0), (1, 7), (1, 25)])
def test_same_batches_as_numpy(shards, weights, labels, start):
    given = {**SIZES, "shuffle": True, "seed": 4, "labels": labels, "epochs": 3, "start": start}
    dataset = read_shards(shards, None, weights, **given)
    expected = list(iter_batches(shards, None, weights, **given))
    assert dataset.cardinality().numpy() == len(expected) == 75 - start[0] * 25 - start[1]
    found = [[part.numpy() for part in batch] for batch in dataset]  # kept: memory used twice would show
    assert len(found) == len(expected)
    for batch, other in zip(found, expected, strict=True):
        for part, same in zip(batch, other, strict=True):
            assert part.dtype == same.dtype
            np.testing.assert_array_equal(part, same)


def test_again_the_same(shards):
    dataset = read_shards(shards, **SIZES, shuffle=True)
    first, second = ([ids.numpy().tolist() for ids, _ in dataset] for _ in range(2))
    assert first == second


def test_shapes_are_known_where_they_can_be(shards):
    inputs, targets = read_shards(shards, **SIZES).element_spec
    assert (inputs.dtype, inputs.shape.as_list()) == (tf.int32, [None, None])  # 195 rows: the last batch has 3
    assert (targets.dtype, targets.shape.as_list()) == (tf.float32, [None, N_LABELS])
    inputs, targets = read_shards(shards, **SIZES, drop_remainder=True, labels="int").element_spec
    assert inputs.shape.as_list() == [8, None]
    assert (targets.dtype, targets.shape.as_list()) == (tf.int32, [8])
    inputs, targets = read_shards(
        shards, **SIZES, drop_remainder=True, pad_to=32, label_dtype="bfloat16", inputs=("input_ids", "attention_mask")
    ).element_spec
    assert {name: part.shape.as_list() for name, part in inputs.items()} == {name: [8, 32] for name in inputs}
    assert (targets.dtype, targets.shape.as_list()) == (tf.bfloat16, [8, N_LABELS])


def test_what_is_asked_for_arrives(shards):
    asked = {**SIZES, "inputs": ("input_ids", "attention_mask"), "label_dtype": "bfloat16", "shuffle": True}
    asked = asked | {"batch_size": None, "batch_tokens": 100}
    found = list(read_shards(shards, **asked, prefetch=3))
    expected = list(iter_batches(shards, **asked))
    assert len(found) == len(expected) == read_shards(shards, **asked).cardinality().numpy()
    for (inputs, targets), (same_inputs, same_targets) in zip(found, expected, strict=True):
        assert list(inputs) == list(same_inputs) == ["input_ids", "attention_mask"]
        for name, part in inputs.items():
            np.testing.assert_array_equal(part.numpy(), same_inputs[name])
        np.testing.assert_array_equal(targets.numpy().astype(np.float32), same_targets.astype(np.float32))


def test_batches_stay_as_they_were_when_their_memory_is_asked_for_again(shards):
    asked = {**SIZES, "shuffle": True, "epochs": 6}
    held = []  # of every fifth batch, while the others come and go, each a slice of memory that is used again
    for number, (ids, targets) in enumerate(read_shards(shards, **asked)):
        if number % 5 == 0:
            held.append((ids, targets))
    for (ids, targets), (same, same_targets) in zip(held, list(iter_batches(shards, **asked))[::5], strict=True):
        np.testing.assert_array_equal(ids.numpy(), same)
        np.testing.assert_array_equal(targets.numpy(), same_targets)


def test_an_empty_split_is_an_empty_dataset(shards):
    dataset = read_shards(shards, **SIZES | {"split": "validation"})
    assert dataset.cardinality().numpy() == 0
    assert list(dataset) == []


def test_keras_draws_every_epoch_in_an_order_of_its_own(shards):
    import keras

    seen: list[list[int]] = []

    class Recorder(keras.Model):
        def train_step(self, data):
            ids, _ = data
            tf.numpy_function(lambda ids: seen.append(ids[:, 0].tolist()) or np.int64(0), [ids], tf.int64)
            return {"loss": tf.constant(0.0)}

    batches = open_batches(shards, **SIZES, shuffle=True, seed=1)
    model = Recorder()
    model.compile(optimizer="sgd", run_eagerly=True)
    model.fit(
        to_dataset(batches, epochs=2), epochs=2, steps_per_epoch=batches.steps_per_epoch, verbose=0, shuffle=False
    )
    expected = [inputs[:, 0].tolist() for inputs, _ in batches.iterate(epochs=2)]
    assert seen == expected
    assert expected[:25] != expected[25:]


class InterruptedFitError(Exception):
    """What breaks a training off."""


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras, where it saves
def test_an_interrupted_fit_goes_on_with_the_very_next_batch(shards, tmp_path):
    import keras

    from evenly.train import FeedPosition

    epochs, steps = 3, 25

    def train(read: list[int], stop_after: int | None = None, backup: str = "backup") -> tuple[list, list]:
        """Train, note the first rows' ids of every batch, and stop after so many; return weights and epochs."""
        keras.utils.set_random_seed(0)
        ids = keras.Input((None,), dtype="int32")
        pooled = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(51, 4)(ids))
        model = keras.Model(ids, keras.layers.Dense(N_LABELS, activation="sigmoid")(pooled))
        model.compile(optimizer="sgd", loss="binary_crossentropy")
        position = FeedPosition()
        dataset = read_shards(shards, **SIZES, shuffle=True, seed=2, epochs=epochs, start=position)

        class Noting(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):  # noqa: ARG002 - Keras' signature
                read.append(position.step)
                if len(read) == stop_after:
                    raise InterruptedFitError

            def on_epoch_end(self, epoch, logs=None):  # noqa: ARG002
                seen.append(epoch)

        seen: list[int] = []
        keep = keras.callbacks.BackupAndRestore(tmp_path / backup, save_freq=4)
        assert position.steps_per_epoch == steps
        model.fit(
            dataset,
            epochs=epochs,
            steps_per_epoch=steps,
            shuffle=False,
            verbose=0,
            callbacks=[keep, position, Noting()],
        )
        return model.get_weights(), seen

    whole: list[int] = []
    expected, _ = train(whole, backup="other")
    assert whole == list(range(1, 76))
    first: list[int] = []
    with pytest.raises(InterruptedFitError):
        train(first, stop_after=32)  # in the second epoch
    second: list[int] = []
    with pytest.raises(InterruptedFitError):
        train(second, stop_after=27)  # in the third, whose beginning Keras does not remember
    third: list[int] = []
    weights, seen = train(third)
    assert first == list(range(1, 33))
    assert second[0] - 1 <= 32  # the last backup before
    assert second[0] - 1 > 32 - 4
    assert third[-1] == 75
    assert seen == [2]
    for found, same in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(found, same)  # as if nothing had happened


def test_two_replicas_read_every_row_once(shards):
    if len(tf.config.list_logical_devices("CPU")) < 2:
        pytest.skip("TensorFlow began before this file could divide the processor")
    strategy = tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"])
    batches = open_batches(shards, **SIZES, shuffle=True, seed=3, labels="indices", pad_to=24)
    read, replicas = [], []
    for ids, targets in strategy.experimental_distribute_dataset(to_dataset(batches)):
        parts = strategy.experimental_local_results(ids)
        replicas.append([len(part) for part in parts])
        of_rows = np.concatenate([part.numpy() for part in parts])
        labels = np.concatenate([part.numpy() for part in strategy.experimental_local_results(targets)])
        read += [(row.tolist(), label.tolist()) for row, label in zip(of_rows, labels, strict=True)]
    assert replicas == [[4, 4]] * 24 + [[2, 1]]
    expected = [
        (row.tolist(), label.tolist())
        for ids, targets in batches.iterate()
        for row, label in zip(ids, targets, strict=True)
    ]
    assert sorted(read) == sorted(expected)


def test_workers_each_read_their_own(shards):
    asked = {**SIZES, "shuffle": True, "pad_to": 24, "labels": "indices"}
    workers = [read_shards(shards, **asked, shard=(2, index)) for index in range(2)]
    assert [worker.cardinality().numpy() for worker in workers] == [13, 13]
    policy = tf.data.experimental.AutoShardPolicy.OFF
    assert all(worker.options().experimental_distribute.auto_shard_policy == policy for worker in workers)
    read = [row.tolist() for worker in workers for ids, _ in worker for row in ids.numpy()]
    everyone = [row.tolist() for ids, _ in iter_batches(shards, **asked) for row in ids]
    assert sorted(read) == sorted(everyone)


def test_no_run_ahead_is_refused(shards):
    with pytest.raises(ConfigError, match=r"prefetch is 0, expected at least 1"):
        read_shards(shards, **SIZES, prefetch=0)


def test_predictions_line_up_with_the_rows(shards):
    batches = open_batches(shards, **SIZES)
    lengths = [int((ids != 50).sum()) for inputs, _ in to_dataset(batches) for ids in inputs.numpy()]
    assert batches.rows().tolist() == list(range(195))
    assert lengths == [min(row % 30, 24) for row in range(195)]


def test_without_tensorflow_the_extra_is_named(shards, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorflow", None)
    with pytest.raises(MissingExtraError, match=r"evenly\[train\]"):
        read_shards(shards, **SIZES)
