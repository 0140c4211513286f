"""An encoder that there is: its vectors are those of an independent forward pass, made once, and what is trained."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenly.config import RunConfig
from evenly.flows.steps import prepare_steps, train_steps
from evenly.formats import read_embeddings, read_rows
from evenly.prediction import predict
from evenly.store import Store
from evenly.train import fit as fit_module
from evenly.train import model as model_module
from evenly.train.encoders import embeddings as embeddings_module
from evenly.train.encoders import encoding as encoding_module
from small_tables import multilabel_rows, single_label_rows, write_jsonl
from tiny_checkpoint import SIZE, encode, write_checkpoint

pytest.importorskip("tensorflow", reason="TensorFlow is an extra")
pytest.importorskip("keras_hub", reason="KerasHub is an extra")

N_ROWS = 160
TRAIN = {"model": "pretrained", "epochs": 3, "batch_size": 16, "baseline": False}


@pytest.fixture(scope="module")
def in_this_process():
    """Work here rather than in a process of its own, to import TensorFlow once; parts are small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_module, "fit_isolated", fit_module._fit)
        patch.setattr(embeddings_module, "run_isolated", lambda function, job: function(job))
        patch.setattr(encoding_module, "PART_TEXTS", 50)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory, in_this_process):
    folder = tmp_path_factory.mktemp("pretrained")
    write_checkpoint(folder / "tiny")
    several = [{"text": text, "labels": held} for text, held in multilabel_rows(N_ROWS)]
    write_jsonl(folder / "several.jsonl", [*several, several[0]])  # one text is there twice
    topics = {"space": 0.6, "food": 0.4}
    one = [{"text": text, "labels": topic} for text, topic in single_label_rows(N_ROWS, topics)]
    write_jsonl(folder / "one.jsonl", one)
    return folder


def configure(folder, table="several", *, train=None, resample=None, **settings):
    return RunConfig.model_validate(
        {
            "source": {"files": [str(folder / f"{table}.jsonl")], "text": "text", "labels": {"columns": "labels"}},
            "store": str(folder / "store"),
            "tokenize": {"max_length": 24},
            "resample": resample or {},
            "train": TRAIN | {"checkpoint": str(folder / "tiny")} | (train or {}),
            **settings,
        }
    )


def walk(config, *, last="model"):
    made, store = {}, Store(config.store)
    for step in [*prepare_steps(config), *train_steps(config)]:
        inputs = {name: made[name] for name in step.inputs} | step.files
        made[step.stage.name] = store.build(step.stage, params=step.params, inputs=inputs)
        if step.stage.name == last:
            return made
    raise AssertionError(last)


def read_ids(shards):
    """Return row to token ids, over all splits."""
    tables = [pa.ipc.open_stream(path.read_bytes()).read_all() for path in sorted(shards.glob("*/*.arrow"))]
    return {row["row"]: row["input_ids"] for table in tables for row in table.to_pylist()}


def read_scores(made, split="test"):
    table = pq.read_table(made["model"].path / "predictions.parquet")
    table = table.filter(table["split"].to_numpy(zero_copy_only=False) == split)
    return table["row"].to_numpy(), np.array(table["scores"].to_pylist())


@pytest.fixture(scope="module")
def headed(folder):
    """A head, beside synthetic rows whose neighbours were looked for among the vectors."""
    return walk(configure(folder, resample={"method": "mlsmote", "target_ir": 2.0, "embeddings": True}))


def test_vectors_are_those_of_bert_and_each_text_has_one(headed):
    held, ids = read_embeddings(headed["embeddings"].path), read_ids(headed["shards"].path)
    assert held.row.tolist() == sorted(ids) == list(range(N_ROWS + 1))
    assert held.vectors.shape == (N_ROWS, SIZE)
    assert held.vector[0] == held.vector[N_ROWS]  # the text that is there twice
    for row in range(0, N_ROWS, 20):
        np.testing.assert_allclose(held.vectors[held.vector[row]], encode(ids[row]), atol=2e-5)


def test_synthetic_rows_have_vectors_of_their_own(headed):
    held, ids = read_embeddings(headed["synthetic_embeddings"].path), read_ids(headed["synthetic"].path)
    assert held.row.tolist() == sorted(ids)
    assert len(ids) > 5
    for place, row in list(enumerate(sorted(ids)))[::10]:
        np.testing.assert_allclose(held.vectors[held.vector[place]], encode(ids[row]), atol=2e-5)


def test_neighbours_were_looked_for_among_the_vectors(headed):
    assert headed["plan"].manifest.inputs.keys() == {"table", "split", "embeddings"}
    recipes = pq.read_table(headed["plan"].path / "synthetic.parquet").to_pylist()
    held = read_embeddings(headed["embeddings"].path)
    unit = held.vectors[held.vector] / np.linalg.norm(held.vectors[held.vector], axis=1, keepdims=True)
    train = pq.read_table(headed["plan"].path / "plan.parquet")["row"].to_numpy()
    labels = read_rows(headed["table"].path, train, ["labels"])["labels"].to_pylist()
    for recipe in recipes:
        bag = [row for row, own in zip(train, labels, strict=True) if recipe["label"] in own]
        bag.remove(recipe["seed_row"])
        nearest = sorted(bag, key=lambda row: -unit[row] @ unit[recipe["seed_row"]])[:5]
        assert recipe["reference_row"] in nearest


def test_the_saved_model_reads_ids_and_gives_the_scores_of_the_head(headed):
    import keras

    model = keras.models.load_model(headed["model"].path / "model.keras", compile=False)
    ids = read_ids(headed["shards"].path)
    rows, scores = read_scores(headed)
    for row, expected in zip(rows[:5], scores, strict=False):
        np.testing.assert_allclose(model(np.array([ids[row]], np.int32)).numpy()[0], expected, atol=1e-5)
    kernel, bias = model.get_layer("head").get_layer("logits").get_weights()
    assert headed["model"].facts["n_parameters"] == kernel.size + bias.size


def test_predict_gives_the_same_scores(headed):
    rows, scores = read_scores(headed)
    texts = read_rows(headed["table"].path, rows[:5], ["text"])["text"].to_pylist()
    names = json.loads((headed["model"].path / "labels.json").read_text())
    found = [dict(each) for each in predict(headed["model"].path, texts)["probabilities"].to_pylist()]
    np.testing.assert_allclose([[each[name] for name in names] for each in found], scores[:5], atol=1e-5)


def test_another_strategy_takes_the_same_vectors_and_twice_is_the_same_bytes(headed, folder, tmp_path):
    other = walk(configure(folder), last="synthetic_embeddings")
    assert other["embeddings"].path == headed["embeddings"].path
    assert other["synthetic_embeddings"].facts["n_distinct"] == 0
    again = walk(configure(folder, store=str(tmp_path)), last="embeddings")
    assert again["embeddings"].digest == headed["embeddings"].digest


def test_parts_that_are_there_are_not_made_again(headed, tmp_path):
    marked = np.full((50, SIZE), 7, np.float32)
    np.save(encoding_module.part_file(tmp_path, 1), marked)
    encoding_module.encode_parts(
        encoding_module.EncodingJob(headed["encoder"].path, headed["shards"].path, tmp_path, "embeddings")
    )
    parts = [np.load(path) for path in sorted(tmp_path.glob("*.npy"))]
    whole = read_embeddings(headed["embeddings"].path).vectors
    assert [len(part) for part in parts] == [50, 50, 50, 10]
    assert (parts[1] == marked).all()
    assert (np.concatenate([parts[0], *parts[2:]]) == np.concatenate([whole[:50], whole[100:]])).all()


def test_the_last_layer_is_trained_and_no_other(folder):
    import keras

    from evenly.train.encoders.backbone import open_backbone

    made = walk(configure(folder, "one", train={"trainable": "last_1", "epochs": 1}))
    assert "embeddings" not in made
    given = {weight.path: weight.numpy() for weight in open_backbone(made["encoder"].path).weights}
    model = keras.models.load_model(made["model"].path / "model.keras", compile=False)
    backbone = next(layer for layer in model.layers if "backbone" in layer.name)
    kept = {weight.path.removeprefix(f"{backbone.name}/"): weight.numpy() for weight in backbone.weights}
    changed = {name for name in kept if not np.array_equal(kept[name], given[name])}
    assert changed
    assert {name.split("/")[0] for name in changed} == {"transformer_layer_1"}
    assert np.isfinite(read_scores(made)[1]).all()
    assert made["model"].facts["learning_rate"] == 5e-5
