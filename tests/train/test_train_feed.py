"""The reader as tf.data: what it yields is what `iter_batches` yields, and Keras trains on it over several epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenly.errors import MissingExtraError
from evenly.store import Store
from evenly.tokenize import SHARDS
from evenly.train.feed.batches import iter_batches, open_batches
from evenly.train.feed.dataset import read_shards, to_dataset
from token_tables import build_split, build_table, build_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

tf = pytest.importorskip("tensorflow", reason="TensorFlow is an extra")

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


def test_predictions_line_up_with_the_rows(shards):
    batches = open_batches(shards, **SIZES)
    lengths = [int((ids != 50).sum()) for inputs, _ in to_dataset(batches) for ids in inputs.numpy()]
    assert batches.rows().tolist() == list(range(195))
    assert lengths == [min(row % 30, 24) for row in range(195)]


def test_without_tensorflow_the_extra_is_named(shards, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorflow", None)
    with pytest.raises(MissingExtraError, match=r"evenly\[train\]"):
        read_shards(shards, **SIZES)
