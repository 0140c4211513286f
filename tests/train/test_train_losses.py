"""Losses: value and gradient equal to NumPy's, written independently."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is an extra")

WEIGHTS = np.array([1.0, 7.5, 0.0, 0.2])


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(5)
    logits = (rng.normal(size=(6, 4)) * 4).astype(np.float32)
    logits[0, 0], logits[1, 1] = 60, -60
    labels = (rng.random((6, 4)) < 0.4).astype(np.float32)
    rows = rng.random(6).astype(np.float32) * 2
    return logits, labels, rows


def value_and_gradient(loss, target, logits, rows):
    import tensorflow as tf

    variable = tf.Variable(logits)
    with tf.GradientTape() as tape:
        value = loss(target, variable, sample_weight=rows)
    return float(value), tape.gradient(value, variable).numpy()


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


def test_several_labels_with_weights_inside(case):
    from evenly.train.losses import make_loss

    logits, labels, rows = case
    value, gradient = value_and_gradient(make_loss("multilabel", WEIGHTS.tolist()), labels, logits, rows)
    z, y, live = logits.astype(np.float64), labels.astype(np.float64), WEIGHTS > 0
    cells = WEIGHTS * y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z)
    assert value == pytest.approx((cells[:, live].mean(axis=1) * rows).mean(), abs=1e-6, rel=1e-6)
    p = sigmoid(logits)
    expected = np.where(live, WEIGHTS * y * (p - 1) + (1 - y) * p, 0) / live.sum() * rows[:, None] / len(rows)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)
    assert (gradient[:, 2] == 0).all()


def test_no_label_at_all_is_no_loss(case):
    from evenly.train.losses import make_loss

    logits, labels, rows = case
    value, gradient = value_and_gradient(make_loss("multilabel", [0.0] * 4), labels, logits, rows)
    assert value == 0
    assert not gradient.any()


def test_classes_with_row_weights(case):
    from evenly.train.losses import make_loss

    logits, _, rows = case
    classes = np.array([0, 1, 2, 3, 3, 0])
    value, gradient = value_and_gradient(make_loss("multiclass", []), classes, logits, rows)
    z = logits.astype(np.float64)
    log_p = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
    assert value == pytest.approx((-log_p[np.arange(6), classes] * rows).mean(), abs=1e-6, rel=1e-6)
    expected = (np.exp(log_p) - np.eye(4)[classes]) * rows[:, None] / len(rows)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)


def test_two_classes(case):
    from evenly.train.losses import make_loss

    logits, labels, rows = case
    z, y = logits[:, :1], labels[:, :1]
    value, gradient = value_and_gradient(make_loss("binary", []), y, z, rows)
    cells = y * np.logaddexp(0, -z.astype(np.float64)) + (1 - y) * np.logaddexp(0, z.astype(np.float64))
    assert value == pytest.approx((cells[:, 0] * rows).mean(), abs=1e-6, rel=1e-6)
    np.testing.assert_allclose(gradient, (sigmoid(z) - y) * rows[:, None] / len(rows), atol=1e-6)


def test_the_loss_can_be_saved_and_loaded():
    import keras

    from evenly.train.losses import WeightedBinaryCrossentropy

    loss = WeightedBinaryCrossentropy([1.0, 2.0])
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(again, WeightedBinaryCrossentropy)
    assert again.pos_weight == [1.0, 2.0]
