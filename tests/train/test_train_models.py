"""The networks: padding has no say, training starts at the best constant, the file opens without evenly."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from evenly.train.job import best_constant

pytest.importorskip("tensorflow", reason="TensorFlow is an extra")

PAD = 7
SIZES = {"n_ids": 20, "pad_id": PAD, "embedding_size": 6, "hidden_size": 8, "dropout": 0.3}
BIAS = np.array([-2.0, 0.5, 1.0])
IDS = np.array([[1, 2, 3, PAD, PAD], [4, PAD, 5, 6, 8], [PAD] * 5], np.int32)


@pytest.fixture(scope="module")
def build():
    from evenly.train.fit import prepare_tensorflow

    prepare_tensorflow(0)
    from evenly.train.models import Head, build_network

    def build(model, task="multilabel", bias=BIAS, live=None, positive=None):
        head = Head(task, bias, np.ones(len(bias), bool) if live is None else live, positive)
        return build_network(model, head, **SIZES)

    return build


def answer(model, ids=IDS):
    return model(ids, training=False).numpy()


@pytest.mark.parametrize("model", ["bow", "bilstm"])
def test_padding_at_the_end_changes_nothing(build, model):
    network = build(model)
    wider = np.concatenate([IDS, np.full((3, 4), PAD, np.int32)], axis=1)
    np.testing.assert_allclose(answer(network.logits), answer(network.logits, wider), atol=1e-6)
    assert np.isfinite(answer(network.logits)).all()


def test_bow_does_not_look_at_the_order_and_leaves_out_the_pad_id_anywhere(build):
    network = build("bow")
    np.testing.assert_allclose(
        answer(network.logits, np.array([[4, PAD, 5, 6, 8]])),
        answer(network.logits, np.array([[8, 6, 5, 4]])),
        atol=1e-6,
    )


def test_bilstm_looks_at_the_order(build):
    network = build("bilstm")
    there, back = answer(network.logits, np.array([[4, 5, 6]])), answer(network.logits, np.array([[6, 5, 4]]))
    assert np.abs(there - back).max() > 1e-4


def test_a_text_without_words_gets_the_constant_answer(build):
    np.testing.assert_allclose(answer(build("bow").logits)[2], BIAS, atol=1e-6)


def test_a_label_that_the_loss_masks_keeps_its_bias(build):
    network = build("bow", live=np.array([True, False, True]))
    np.testing.assert_allclose(answer(network.logits)[:, 1], 0.5, atol=1e-6)


def test_outputs_are_probabilities_of_all_labels(build):
    z = answer(build("bow").logits)
    np.testing.assert_allclose(answer(build("bow", "multiclass").probabilities).sum(axis=1), 1, atol=1e-6)
    several = build("bow")
    np.testing.assert_allclose(answer(several.probabilities), 1 / (1 + np.exp(-answer(several.logits))), atol=1e-6)
    for positive in (0, 1):
        network = build("bow", "binary", np.array([-1.0]), positive=positive)
        z, p = answer(network.logits), answer(network.probabilities)
        assert p.shape == (3, 2)
        np.testing.assert_allclose(p[:, positive], 1 / (1 + np.exp(-z[:, 0])), atol=1e-6)
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)


def test_best_constants_by_hand():
    # 10 rows, labels held by 4 and by none; weights 3 and 0 (empty)
    found = best_constant("multilabel", np.array([4, 0]), 10, class_weight=np.ones(2), pos_weight=np.array([3.0, 0.0]))
    np.testing.assert_allclose(found, [np.log(3 * 4.5 / 6.5), np.log(0.5 / 10.5)])
    one = {"class_weight": np.array([1.0, 2.0]), "pos_weight": np.ones(2)}
    classes = best_constant("multiclass", np.array([9, 1]), 10, **one)
    np.testing.assert_allclose(classes, [0, np.log(2 * 1.5 / 9.5)])
    np.testing.assert_allclose(
        best_constant("binary", np.array([9, 1]), 10, positive=1, **one), [np.log(2 * 1.5 / 9.5)]
    )


OPEN = """
import sys
import keras, numpy as np
for name in sys.argv[1:]:
    model = keras.models.load_model(name, compile=False)
    found = model(np.load(name + ".ids.npy")).numpy()
    assert np.abs(found - np.load(name + ".npy")).max() < 1e-6, name
assert not [module for module in sys.modules if module.startswith("evenly")]
"""


def test_saved_models_open_without_evenly(build, tmp_path):
    from evenly.train.keras_file import save_model

    names = []
    for model, task, bias, positive in (
        ("bow", "multilabel", BIAS, None),
        ("bilstm", "multiclass", BIAS, None),
        ("bow", "binary", BIAS[:1], 0),
    ):
        network = build(model, task, bias, positive=positive)
        path = tmp_path / f"{model}-{task}.keras"
        save_model(network.probabilities, path)
        np.save(f"{path}.npy", answer(network.probabilities))
        np.save(f"{path}.ids.npy", IDS)
        names.append(str(path))
    done = subprocess.run([sys.executable, "-c", OPEN, *names], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_saving_twice_gives_the_same_bytes(build, tmp_path):
    from evenly.train.keras_file import save_model

    network = build("bilstm")
    for name in ("a.keras", "b.keras"):
        save_model(network.probabilities, tmp_path / name)
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.keras", "b.keras"]
