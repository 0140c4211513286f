"""Checkpoints that are kept or refused, distinct texts, and the vectors of stored rows; nothing here needs Keras."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenly.config import RunConfig
from evenly.errors import ConfigError, DataError, SourceNotFoundError
from evenly.flows.steps import prepare_steps, train_steps
from evenly.formats import read_facts
from evenly.store import Files, Stage, Store
from evenly.train.encoders.checkpoint import ENCODER
from evenly.train.encoders.distinct import find_distinct
from evenly.train.encoders.embeddings import check_ids
from evenly.train.encoders.encoding import _end_of_batch
from evenly.train.feed.batches import open_batches
from evenly.train.feed.stored_vectors import open_vectors
from evenly.train.models.choice import choose_model
from shard_folders import write_shards
from tiny_checkpoint import LENGTH, SIZE, WORDS, write_checkpoint


def keep(folder, store):
    files = Files(tuple(sorted(path for path in folder.iterdir() if path.is_file())))
    return Store(store).build(ENCODER, params={}, inputs={"files": files})


@pytest.fixture
def checkpoint(tmp_path):
    return write_checkpoint(tmp_path / "tiny")


def test_of_a_checkpoint_config_and_weights_are_kept_and_nothing_else(checkpoint, tmp_path):
    (checkpoint / "metadata.json").write_text("{}")
    (checkpoint / "pytorch_model.bin").write_bytes(b"a pickle, beside safetensors")
    kept = keep(checkpoint, tmp_path / "store")
    assert {path.name for path in kept.path.iterdir()} == {"config.json", "model.safetensors", "manifest.json"}
    assert read_facts(kept.path) == {
        "architecture": "bert",
        "source": "folder",
        "n_features": SIZE,
        "n_layers": 2,
        "vocabulary_size": len(WORDS),
        "max_length": LENGTH,
    }


def test_a_pickle_is_refused(checkpoint, tmp_path):
    (checkpoint / "model.safetensors").rename(checkpoint / "pytorch_model.bin")
    with pytest.raises(SourceNotFoundError, match=r"no \*.safetensors, but pytorch_model.bin, a pickle, which can run"):
        keep(checkpoint, tmp_path / "store")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"model_type": "gpt2"}, ConfigError, "is of the kind 'gpt2'.*evenly reads bert, distilbert, roberta"),
        ({"registered_name": "keras_hub>BertBackbone"}, ConfigError, "model_type of its config.json"),
        ({"hidden_size": "16"}, DataError, "'16' as hidden_size"),
        ({"vocab_size": 0}, DataError, "has 0 as vocab_size"),
    ],
    ids=["kind", "classes-of-its-own", "text", "nothing"],
)
def test_a_config_that_evenly_does_not_read_is_refused(checkpoint, tmp_path, change, error, message):
    config = json.loads((checkpoint / "config.json").read_text())
    (checkpoint / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(error, match=message):
        keep(checkpoint, tmp_path / "store")


def test_an_index_must_not_name_files_elsewhere(checkpoint, tmp_path):
    index = {"weight_map": {"pooler.dense.bias": "../elsewhere.safetensors"}}
    (checkpoint / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match=r"names '../elsewhere.safetensors', which is no file of its folder"):
        keep(checkpoint, tmp_path / "store")


def stand_in(store, name, facts, **params):
    made = Stage(name, 1, lambda work, **_: work.record(**facts))
    return store.build(made, params=params, inputs={}).path


@pytest.mark.parametrize(
    ("n_tokens", "max_length", "message"),
    [
        (31, 16, "has 31 tokens and the encoder knows 30: they are not of one checkpoint"),
        (30, 17, "max_length is 17, and the encoder reads at most 16 ids"),
    ],
    ids=["vocabulary", "length"],
)
def test_ids_must_be_those_that_the_encoder_reads(tmp_path, n_tokens, max_length, message):
    store = Store(tmp_path)
    encoder = stand_in(store, "encoder", {"vocabulary_size": 30, "max_length": 16})
    fit = stand_in(store, "tokenizer", {"vocabulary_size": 30}), encoder, stand_in(store, "shards", {}, max_length=16)
    check_ids(fit[0], encoder, fit[2])
    tokenizer = stand_in(store, "tokenizer", {"vocabulary_size": n_tokens}, n_tokens=n_tokens)
    with pytest.raises(ConfigError, match=message):
        check_ids(tokenizer, encoder, stand_in(store, "shards", {}, max_length=max_length))


def test_texts_are_the_same_where_their_ids_are_and_short_ones_come_first(tmp_path):
    write_shards(tmp_path, {"input_ids": [[5, 6, 7], [5], [5, 6, 7]]}, [[0]] * 3, rows=[0, 2, 5])
    write_shards(tmp_path, {"input_ids": [[5, 6], [5], [6, 7, 5]]}, [[0]] * 3, rows=[1, 3, 4], split="test")
    found = find_distinct(tmp_path)
    # distinct by length, then by where each came first: [5], [5, 6], [5, 6, 7], [6, 7, 5]
    assert found.row.tolist() == [0, 1, 2, 3, 4, 5]
    assert found.vector.tolist() == [2, 1, 0, 0, 3, 2]
    assert found.length.tolist() == [1, 2, 3, 3]
    assert (found.split.tolist(), found.place.tolist()) == ([0, 1, 0, 1], [1, 0, 0, 2])


def test_each_text_column_with_ids_of_its_own_is_refused(tmp_path):
    write_shards(tmp_path, {"input_ids_a": [[1]], "input_ids_b": [[2]]}, [[0]])
    with pytest.raises(ConfigError, match=r"tokenize\.join is columns"):
        find_distinct(tmp_path)


def test_a_batch_keeps_to_its_budget_of_ids_and_has_one_text_at_least():
    assert _end_of_batch(np.array([4_000, 4_000, 4_096, 9_000]), 0, 4) == 2
    assert _end_of_batch(np.array([4_000, 4_000, 4_096, 9_000]), 3, 4) == 4
    assert _end_of_batch(np.full(300, 2), 0, 300) == 128


def write_vectors(folder, row, vector, vectors):
    folder.mkdir()
    np.save(folder / "vectors.npy", np.asarray(vectors, np.float32))
    columns = {"row": pa.array(row, pa.int64()), "vector": pa.array(vector, pa.int64())}
    pq.write_table(pa.table(columns), folder / "rows.parquet")
    return folder


def test_stored_rows_find_their_vectors_window_by_window_in_both_folders(tmp_path):
    table = write_vectors(tmp_path / "a", [3, 4, 4, 8], [1, 0, 2, 1], [[0, 0.5], [1, 1.5], [2, 2.5]])
    synthetic = write_vectors(tmp_path / "b", [20, 21], [0, 0], [[9, 9.5]])
    opened = open_vectors([table, synthetic], np.array([4, 4, 8, 21]))
    assert opened.fill(np.array([3, 0, 1, 2, 0])).tolist() == [[9, 9.5], [0, 0.5], [2, 2.5], [1, 1.5], [0, 0.5]]
    assert opened.fill(np.array([1, 0])).tolist() == [[2, 2.5], [0, 0.5]]
    with pytest.raises(DataError, match="Row 5 has no vector: the embeddings are not those of the shards"):
        open_vectors([table, synthetic], np.array([4, 5]))


def test_an_artifact_that_names_vectors_which_it_lacks_is_refused(tmp_path):
    damaged = write_vectors(tmp_path / "a", [0], [1], [[0.0]])
    with pytest.raises(DataError, match="names vectors that it does not hold"):
        open_vectors([damaged], np.array([0]))


def test_batches_of_vectors_have_the_targets_of_their_rows(tmp_path):
    write_shards(tmp_path / "shards", {"input_ids": [[1], [1, 2], [3]]}, [[0], [1], [0, 1]], rows=[2, 4, 6])
    vectors = write_vectors(tmp_path / "v", [2, 4, 6], [0, 1, 2], [[2, 0], [4, 0], [6, 0]])
    options = {"split": "train", "batch_size": 2, "n_labels": 2, "pad_id": 0, "shuffle": True}
    batches = open_batches(tmp_path / "shards", embeddings=[vectors], **options)
    seen = {}
    for inputs, targets in batches.iterate():
        assert inputs.dtype == np.float32
        seen |= dict(zip(inputs[:, 0].tolist(), targets.tolist(), strict=True))
    assert seen == {2.0: [1, 0], 4.0: [0, 1], 6.0: [1, 1]}


def config(file="t.csv", **sections):
    return RunConfig.model_validate(
        {"source": {"files": [str(file)], "text": "text", "labels": {"columns": "label"}}, **sections}
    )


PRETRAINED = {"model": "pretrained", "checkpoint": "some/name"}


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"train": {"model": "pretrained"}}, "pretrained and checkpoint go together"),
        ({"train": {"checkpoint": "some/name"}}, "pretrained and checkpoint go together"),
        ({"train": {"trainable": "all"}}, "only model: pretrained has what it names"),
        ({"train": PRETRAINED | {"trainable": "last_0"}}, "pattern"),
        ({"train": PRETRAINED, "tokenize": {"tokenizer": "another"}}, "ids of its own tokenizer alone"),
        ({"train": PRETRAINED, "tokenize": {"join": "columns"}}, "reads one list of ids"),
        ({"resample": {"embeddings": True}}, "needs train.model: pretrained"),
        ({"train": PRETRAINED, "resample": {"embeddings": True, "features": "x"}}, "leave one"),
    ],
    ids=["no-checkpoint", "no-model", "no-encoder", "layers", "tokenizer", "columns", "vectors", "both"],
)
def test_settings_that_do_not_go_together_are_refused(sections, message):
    with pytest.raises(ValueError, match=message):
        config(**sections)


@pytest.mark.parametrize(
    ("trainable", "early", "order"),
    [
        ("none", False, ["plan", "shards", "synthetic", "encoder", "embeddings", "synthetic_embeddings", "model"]),
        ("none", True, ["shards", "encoder", "embeddings", "plan", "synthetic", "synthetic_embeddings", "model"]),
        ("all", False, ["plan", "shards", "synthetic", "encoder", "model"]),
        ("all", True, ["shards", "encoder", "embeddings", "plan", "synthetic", "model"]),
    ],
)
def test_vectors_are_made_where_they_are_needed_and_before(tmp_path, trainable, early, order):
    (tmp_path / "t.csv").touch()
    wanted = config(tmp_path / "t.csv", train=PRETRAINED | {"trainable": trainable}, resample={"embeddings": early})
    steps = {step.stage.name: step for step in [*prepare_steps(wanted), *train_steps(wanted)]}
    assert [name for name in steps if name in order] == order
    assert ("embeddings" in steps) == ("embeddings" in order)
    assert ("embeddings" in steps["plan"].inputs) == early
    assert steps["tokenizer"].params["name"] == steps["encoder"].params["name"] == "some/name"
    made = set()
    for step in steps.values():
        assert made.issuperset(step.inputs)
        made.add(step.stage.name)


def test_an_encoder_that_is_trained_takes_small_steps():
    head, tuned = (
        choose_model("pretrained", n_rows=50_000, n_labels=3, trainable=trainable) for trainable in ("none", "last_2")
    )
    few = choose_model("pretrained", n_rows=2_000, n_labels=3)
    assert (few.learning_rate, few.dropout) == (5e-3, 0.5)
    assert (head.learning_rate, head.batch_size(50_000), head.warmup_steps, head.dropout) == (1e-3, 128, 0, 0.5)
    assert (tuned.learning_rate, tuned.batch_size(50_000), tuned.warmup_steps, tuned.dropout) == (5e-5, 32, 100, 0.2)
    assert "last_2" in tuned.why
