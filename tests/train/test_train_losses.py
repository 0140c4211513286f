"""Losses: value and gradient equal to NumPy's, written independently."""

from __future__ import annotations

import numpy as np
import pytest

from evenly.errors import ConfigError
from evenly.train.loss_choice import choose_loss

pytest.importorskip("tensorflow", reason="TensorFlow is an extra")

WEIGHTS = np.array([1.0, 7.5, 0.0, 0.2])
COUNTS = np.array([40, 3, 0, 100])
N_ROWS = 100
LIVE = WEIGHTS > 0


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(5)
    logits = (rng.normal(size=(6, 4)) * 3).astype(np.float32)
    labels = (rng.random((6, 4)) < 0.4).astype(np.float32)
    labels[3] = 0
    return logits, labels, rng.random(6).astype(np.float32) * 2


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def weigh(cells):
    return cells[:, LIVE].sum(axis=1) / LIVE.sum()


def weighted(z, y):
    return weigh(WEIGHTS * y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z))


def smoothed(z, y):
    return weighted(z, y * 0.9 + 0.05)


def focal(z, y):
    p = sigmoid(z)
    return weigh(-WEIGHTS * y * (1 - p) ** 2 * np.log(p) - (1 - y) * p**2 * np.log(1 - p))


def effective():
    raw = np.where(LIVE, 0.001 / (1 - 0.999 ** np.maximum(COUNTS, 1)), 0)
    return raw / raw[LIVE].mean()


def class_balanced(z, y):
    return weigh(effective() * (y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z)))


def asymmetric(z, y):
    p = sigmoid(z)
    q = np.maximum(p - 0.05, 0)
    return weigh(-y * (1 - p) * np.log(p) - (1 - y) * q**4 * np.log(1 - q))


def negative_tolerant(z, y, *, gamma=2.0):
    u = z - 0.05 * np.log(N_ROWS / np.clip(COUNTS, 1, N_ROWS - 1) - 1)
    there = y * (1 - sigmoid(u)) ** gamma * np.log(1 + np.exp(-u))
    return weigh(there + (1 - y) * sigmoid(2 * u) ** gamma * np.log(1 + np.exp(2 * u)) / 2)


def distribution_balanced(z, y, *, gamma=2.0):
    u = z - 0.05 * np.log(N_ROWS / np.clip(COUNTS, 1, N_ROWS - 1) - 1)
    inverse = np.array([1 / 40, 1 / 3, 0, 1 / 100])
    held = np.maximum((y * inverse).sum(axis=1, keepdims=True), 1e-12)
    w = 0.1 + sigmoid(np.clip(10 * (inverse / held - 0.9), -500, 500))
    there = y * (1 - sigmoid(u)) ** gamma * np.log(1 + np.exp(-u))
    return weigh(w * (there + (1 - y) * sigmoid(2 * u) ** gamma * np.log(1 + np.exp(2 * u)) / 2))


def rebalanced(z, y):
    return distribution_balanced(z, y, gamma=0.0)


def log_softmax(z):
    z = z[:, LIVE]
    return z - np.logaddexp.reduce(z, axis=1, keepdims=True)


def of_class(z, y):
    """-log of the probability of each row's class; y are class numbers, none of them the empty one."""
    place = np.cumsum(LIVE) - 1
    return -log_softmax(z)[np.arange(len(z)), place[y]]


def smoothed_class(z, y):
    return 0.9 * of_class(z, y) - 0.1 * log_softmax(z).mean(axis=1)


def focal_class(z, y):
    found = of_class(z, y)
    return (1 - np.exp(-found)) ** 2 * found


def balanced_class(z, y):
    return effective()[y] * of_class(z, y)


def adjusted_class(z, y):
    return of_class(z + np.log(np.maximum(COUNTS, 1) / COUNTS.sum()), y)


SEVERAL = {
    "cross_entropy": (weighted, {}),
    "smoothed": (smoothed, {"named": "cross_entropy", "label_smoothing": 0.1}),
    "focal": (focal, {}),
    "class_balanced": (class_balanced, {}),
    "asymmetric": (asymmetric, {}),
    "distribution_balanced": (distribution_balanced, {}),
    "rebalanced": (rebalanced, {"named": "distribution_balanced", "gamma": 0.0}),
    "negative_tolerant": (negative_tolerant, {}),
}
ONE = {
    "cross_entropy": (of_class, {}),
    "smoothed": (smoothed_class, {"named": "cross_entropy", "label_smoothing": 0.1}),
    "focal": (focal_class, {}),
    "class_balanced": (balanced_class, {}),
    "logit_adjusted": (adjusted_class, {}),
}


def make(task, name, *, pos_weight=WEIGHTS, positive=None, counts=COUNTS, **settings):
    from evenly.train.losses import make_loss

    chosen = choose_loss(settings.pop("named", name), task, counts, N_ROWS, weights=np.ones(len(counts)), **settings)
    return make_loss(task, chosen, pos_weight=pos_weight, positive=positive)


def check(loss, expected, target, logits, rows):
    """Compare value and gradient; the gradient of the NumPy formula by central differences in float64."""
    import tensorflow as tf

    variable = tf.Variable(logits)
    with tf.GradientTape() as tape:
        value = loss(target, variable, sample_weight=rows)
    z, y = logits.astype(np.float64), target.astype(np.float64) if target.dtype.kind == "f" else target
    assert float(value) == pytest.approx((expected(z, y) * rows).mean(), abs=1e-6, rel=1e-6)
    gradient, step = np.zeros_like(z), 1e-5
    for cell in np.ndindex(z.shape):
        there, back = z.copy(), z.copy()
        there[cell] += step
        back[cell] -= step
        gradient[cell] = ((expected(there, y) - expected(back, y)) * rows).mean() / (2 * step)
    np.testing.assert_allclose(tape.gradient(value, variable).numpy(), gradient, atol=1e-6)


@pytest.mark.parametrize("name", list(SEVERAL))
def test_several_labels_with_an_empty_one_and_a_row_without_any(case, name):
    logits, labels, rows = case
    expected, settings = SEVERAL[name]
    check(make("multilabel", name, **settings), expected, labels, logits, rows)


@pytest.mark.parametrize("name", list(ONE))
def test_one_class_of_several_with_an_empty_one(case, name):
    logits, _, rows = case
    expected, settings = ONE[name]
    check(make("multiclass", name, **settings), expected, np.array([0, 1, 3, 3, 3, 0]), logits, rows)


def test_two_classes(case):
    logits, labels, rows = case
    z, y = logits[:, :1], labels[:, :1]
    two = {"positive": 1, "counts": np.array([90, 10]), "pos_weight": np.ones(2)}

    def plain(z, y):
        return (y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z))[:, 0]

    def squared(z, y):
        p = sigmoid(z)
        return (-y * (1 - p) ** 2 * np.log(p) - (1 - y) * p**2 * np.log(1 - p))[:, 0]

    def balanced(z, y):
        ratio = (1 - 0.999**90) / (1 - 0.999**10)
        return (ratio * y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z))[:, 0]

    check(make("binary", "cross_entropy", **two), plain, y, z, rows)
    check(make("binary", "focal", **two), squared, y, z, rows)
    check(make("binary", "class_balanced", **two), balanced, y, z, rows)


@pytest.mark.parametrize("name", list(SEVERAL))
def test_far_logits_and_no_label_at_all_stay_finite(name):
    import tensorflow as tf

    _, settings = SEVERAL[name]
    logits = tf.Variable([[90.0, -90.0, 0.0, 90.0], [-90.0, 90.0, 90.0, -90.0]])
    target = np.array([[1, 1, 0, 0], [1, 0, 1, 0]], np.float32)
    with tf.GradientTape() as tape:
        value = make("multilabel", name, **settings)(target, logits)
    gradient = tape.gradient(value, logits).numpy()
    assert np.isfinite(value.numpy())
    assert np.isfinite(gradient).all()
    assert (gradient[:, 2] == 0).all()
    dead = {"pos_weight": np.zeros(4), "counts": np.zeros(4, int)}
    assert float(make("multilabel", name, **dead, **settings)(target, logits)) == 0


def test_every_loss_can_be_saved_and_loaded(case):
    import keras

    logits, labels, _ = case
    for task, table in (("multilabel", SEVERAL), ("multiclass", ONE)):
        target = labels if task == "multilabel" else np.array([0, 1, 3, 3, 3, 0])
        for name, (_, settings) in table.items():
            loss = make(task, name, **settings)
            again = keras.losses.deserialize(keras.losses.serialize(loss))
            assert type(again) is type(loss)
            assert float(again(target, logits)) == float(loss(target, logits))


def test_auto_says_why():
    weights = np.array([0.5, 4.0, 0.0, 1.0])
    chosen = choose_loss("auto", "multilabel", COUNTS, N_ROWS, weights=weights)
    assert chosen.name == "cross_entropy"
    assert chosen.weighted
    assert chosen.why == (
        "loss: binary cross-entropy of each label, positives weighted, 0.5 to 4 (the commonest label is read 33 times "
        "as often as the rarest)."
    )
    plain = choose_loss("auto", "binary", np.array([90, 10]), N_ROWS, weights=np.ones(2))
    assert plain.why.startswith("loss: cross-entropy, unweighted (the commonest")


@pytest.mark.parametrize(
    ("name", "task", "settings", "message"),
    [
        ("focl", "multilabel", {}, "'focl'; did you mean 'focal'"),
        ("asymmetric", "multiclass", {}, "every row has one class of several. Use cross_entropy"),
        ("distribution_balanced", "binary", {}, "for several labels a row; the task is binary"),
        ("logit_adjusted", "multilabel", {}, "tuned thresholds do the same"),
        ("negative_tolerant", "multilabel", {"label_smoothing": 0.1}, "takes no soft targets"),
    ],
)
def test_a_loss_that_does_not_fit_is_explained(name, task, settings, message):
    with pytest.raises(ConfigError, match=message):
        choose_loss(name, task, COUNTS, N_ROWS, weights=np.ones(4), **settings)
