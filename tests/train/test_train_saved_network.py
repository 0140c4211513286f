"""A saved network, opened again: the scores of each row alone, inputs by name, other run times."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pyarrow as pa
import pytest

from evenly.errors import ConfigError, DataError, MissingExtraError, SourceNotFoundError, StoreError
from evenly.formats import write_json
from evenly.train import network_export
from evenly.train.fit import prepare_tensorflow
from evenly.train.keras_file import save_model
from evenly.train.network_export import export_network
from evenly.train.saved_network import load_network, open_scorer

pytest.importorskip("tensorflow", reason="TensorFlow is an extra")

PAD, N_IDS = 0, 50
READING = {
    "text": ["text"],
    "columns": ["text"],
    "unescape_html": False,
    "unicode": "as_is",
    "max_length": 20,
    "truncate": "head",
    "stride": 0,
    "join": "separator",
    "special_tokens": "text",
    "separator": "[SEP]",
    "pad_id": PAD,
}


def build(*names):
    """Return a network that looks at the ids which are not the pad id; its inputs differ in what they weigh."""
    import keras
    from keras import layers, ops

    inputs = [keras.Input((None,), dtype="int32", name=name) for name in names]
    parts = []
    for number, each in enumerate(inputs):
        real = ops.expand_dims(ops.cast(ops.not_equal(each, PAD), "float32"), -1)
        embedded = layers.Embedding(N_IDS, 4, name=f"embedding_{number}")(each)
        parts.append(ops.sum(embedded * real, axis=1) * (10.0 * (number + 1)))
    joined = ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
    answer = layers.Dense(3, activation="sigmoid", name="answer")(joined)
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], answer)


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    prepare_tensorflow(seed=0)
    folder = tmp_path_factory.mktemp("networks")
    found = {}
    for names in (("ids",), ("input_ids_title", "input_ids_body")):
        network, path = build(*names), folder / f"{len(names)}" / "model.keras"
        path.parent.mkdir()
        save_model(network, path)
        write_json(path.parent / "reading.json", READING)
        found[len(names)] = (network, path)
    return found


def lists(rows):
    return pa.array(rows, pa.list_(pa.uint16()))


def test_every_row_has_the_scores_that_it_has_alone(networks):
    network, path = networks[1]
    rng = np.random.default_rng(0)
    rows = [rng.integers(1, N_IDS, length).tolist() for length in rng.integers(0, 40, 600)]
    scores = open_scorer(path, PAD)({"input_ids": lists(rows)})
    assert scores.shape == (600, 3)
    for row in (0, 1, 300, 599):
        ids = np.array([rows[row] or [PAD]], np.int32)
        np.testing.assert_allclose(scores[row], np.asarray(network(ids))[0], rtol=1e-5)


def test_a_slice_of_an_array_is_read_from_where_it_begins(networks):
    _, path = networks[1]
    scorer, ids = open_scorer(path, PAD), lists([[1, 2], [3], [4, 5, 6]])
    np.testing.assert_array_equal(scorer({"input_ids": ids.slice(1)}), scorer({"input_ids": lists([[3], [4, 5, 6]])}))


def test_several_inputs_go_in_by_their_names(networks):
    network, path = networks[2]
    title, body = lists([[1, 2]]), lists([[3]])
    expected = np.asarray(network([np.array([[1, 2]], np.int32), np.array([[3, 0]], np.int32)]))
    scorer = open_scorer(path, PAD)
    np.testing.assert_allclose(scorer({"input_ids_body": body, "input_ids_title": title}), expected, rtol=1e-5)
    np.testing.assert_allclose(scorer({"a": title, "b": body}), expected, rtol=1e-5)
    with pytest.raises(DataError, match=r"takes 2 inputs \(input_ids_title, input_ids_body\).*give 1"):
        scorer({"input_ids": title})


def test_a_file_that_is_no_network_is_told(tmp_path):
    path = tmp_path / "model.keras"
    with pytest.raises(SourceNotFoundError, match="is not there"):
        open_scorer(path, PAD)
    path.write_bytes(b"no zip")
    with pytest.raises(DataError, match=r"is no \.keras file, or is cut short \(6 bytes\)"):
        open_scorer(path, PAD)


def without(name, raw):
    """Return the file with one of its parts missing."""
    return rezip(raw, lambda part, content: None if part == name else content)


def rezip(raw, change):
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as source, zipfile.ZipFile(changed, "w") as target:
        for part in source.namelist():
            content = change(part, source.read(part))
            if content is not None:
                target.writestr(part, content)
    return changed.getvalue()


DAMAGE = {
    "cut short": lambda raw: raw[: len(raw) // 2],
    "bytes changed": lambda raw: raw[:300] + bytes(40) + raw[340:],
    "no config": lambda raw: without("config.json", raw),
    "no weights": lambda raw: without("model.weights.h5", raw),
    "weights cut": lambda raw: rezip(raw, lambda part, content: content[:3000] if part.endswith("h5") else content),
    "config of nothing": lambda raw: rezip(raw, lambda part, content: b"[]" if part == "config.json" else content),
    "a class of os": lambda raw: rezip(
        raw, lambda _, content: content.replace(b'"keras.layers"', b'"os"').replace(b'"Embedding"', b'"system"')
    ),
    "no nodes": lambda raw: rezip(raw, lambda _, content: content.replace(b'"inbound_nodes"', b'"elsewhere"')),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_one_clear_error(networks, tmp_path, damage):
    path = tmp_path / "model.keras"
    path.write_bytes(DAMAGE[damage](networks[1][1].read_bytes()))
    with pytest.raises(DataError, match=r"model\.keras (cannot be opened|is no \.keras file)") as caught:
        load_network(path)
    assert len(str(caught.value)) < 700


def test_code_in_a_file_is_not_run(networks, tmp_path):
    import keras

    ids = keras.Input((3,))
    written = tmp_path / "written"
    code = f"lambda x: __import__('pathlib').Path({str(written)!r}).touch() or x"
    path = tmp_path / "model.keras"
    keras.Model(ids, keras.layers.Lambda(eval(code))(ids)).save(path)  # noqa: S307
    written.unlink()
    with pytest.raises(DataError, match="a Lambda layer, Python code within the file, which evenly does not run"):
        load_network(path)
    assert not written.exists()


def test_a_saved_model_of_tensorflow_gives_the_same(networks, tmp_path):
    import tensorflow as tf

    network, path = networks[1]
    export_network(path.parent, tmp_path / "out", to="savedmodel")
    ids = np.array([[1, 2, 3, 0]], np.int32)
    loaded = tf.saved_model.load(str(tmp_path / "out"))  # its variables live as long as it does
    np.testing.assert_allclose(np.asarray(loaded.serve(ids)), np.asarray(network(ids)), rtol=1e-5)
    with pytest.raises(StoreError, match="there already"):
        export_network(path.parent, tmp_path / "out", to="savedmodel")


def test_what_cannot_be_exported_says_why(networks, tmp_path, monkeypatch):
    _, path = networks[1]
    with pytest.raises(ConfigError, match=r"--to is 'onx'; did you mean 'onnx'\?"):
        export_network(path.parent, tmp_path / "out", to="onx")
    monkeypatch.setitem(network_export._CONVERTERS, "onnx", "no_such_converter")
    with pytest.raises(MissingExtraError, match="pip install no_such_converter"):
        export_network(path.parent, tmp_path / "out.onnx", to="onnx")
