"""Six traps of Keras 3.15 and scikit-learn (specs, section 6): what they do, once, and what evenly does instead."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import f1_score
from sklearn.utils.class_weight import compute_sample_weight

from evenly.labels import sample_weights
from evenly.train.evaluation.decisions import tune_decision
from evenly.train.evaluation.metrics import macro_pr_auc, measure_split

pytest.importorskip("tensorflow", reason="TensorFlow is an extra")

LABELS = np.array([[0, 1, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0], [1, 0, 0, 1]], np.float32)
LOGITS = np.linspace(-2, 2, 16, dtype=np.float32).reshape(4, 4)


def row_losses(logits=LOGITS, labels=LABELS):
    """Return the plain binary cross-entropy of each row."""
    return (labels * np.logaddexp(0, -logits) + (1 - labels) * np.logaddexp(0, logits)).mean(axis=1)


def weighed_losses(weights):
    """Return the cross-entropy of each row with weights on the positives of each label."""
    cells = weights * LABELS * np.logaddexp(0, -LOGITS) + (1 - LABELS) * np.logaddexp(0, LOGITS)
    return cells.mean(axis=1)


@pytest.fixture(scope="module")
def fixed_model():
    """Return a model that answers with its input, and whose loss is that of one step over all rows."""
    from evenly.train.fit import prepare_tensorflow

    prepare_tensorflow(0)
    import keras

    def make(loss):
        inputs = keras.Input((4,))
        model = keras.Model(inputs, keras.layers.Dense(4, use_bias=False, kernel_initializer="identity")(inputs))
        model.compile(optimizer=keras.optimizers.SGD(0.0), loss=loss, jit_compile=False)
        return model

    return make


def plain_loss():
    import keras

    return keras.losses.BinaryCrossentropy(from_logits=True)


def loss_of(model, **settings):
    history = model.fit(LOGITS, LABELS, batch_size=4, epochs=1, shuffle=False, verbose=0, **settings)
    return history.history["loss"][0]


def test_1_class_weight_takes_the_argmax_of_a_row(fixed_model):
    class_weight = {0: 1.0, 1: 2.0, 2: 3.0, 3: 50.0}
    as_rows = row_losses() * [2, 50, 1, 1]
    assert loss_of(fixed_model(plain_loss()), class_weight=class_weight) == pytest.approx(as_rows.mean(), rel=1e-5)

    from evenly.train.losses import WeightedBinaryCrossentropy

    weights = [1.0, 2.0, 3.0, 50.0]
    right = weighed_losses(np.array(weights)).mean()
    assert loss_of(fixed_model(WeightedBinaryCrossentropy(weights))) == pytest.approx(right, rel=1e-5)
    assert abs(right - as_rows.mean()) > 0.1


def test_2_a_class_weight_that_names_two_of_four_labels_is_not_noticed(fixed_model):
    import tensorflow as tf

    two = {0: 1.0, 1: 0.29}
    as_rows = row_losses() * [0.29, 1, 1, 1]
    assert loss_of(fixed_model(plain_loss()), class_weight=two) == pytest.approx(as_rows.mean(), rel=1e-5)
    dataset = tf.data.Dataset.from_tensor_slices((LOGITS, LABELS)).batch(4)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"is not in \[0, 2\)"):
        fixed_model(plain_loss()).fit(dataset, class_weight=two, shuffle=False, verbose=0)

    from evenly.train.losses import WeightedBinaryCrossentropy

    with pytest.raises(
        (ValueError, tf.errors.InvalidArgumentError), match=r"(?i)incompatible|dimensions must be equal"
    ):
        loss_of(fixed_model(WeightedBinaryCrossentropy([1.0, 0.29])))


def test_3_a_sample_weight_of_the_shape_of_the_labels_weighs_the_wrong_axis():
    import tensorflow as tf

    weights = np.array([[1, 2, 3, 4]] * 4, np.float32)
    wrong = float(plain_loss()(LABELS, LOGITS, sample_weight=weights))
    right = weighed_cells = (LABELS * np.logaddexp(0, -LOGITS) + (1 - LABELS) * np.logaddexp(0, LOGITS)) * weights
    assert wrong == pytest.approx((row_losses()[None, :] * weights).mean(), rel=1e-5)
    assert abs(wrong - right.mean()) > 0.01
    six = np.concatenate([LABELS, LABELS[:2]]), np.concatenate([LOGITS, LOGITS[:2]])
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        plain_loss()(*six, sample_weight=np.ones((6, 4), np.float32))

    from evenly.train.losses import WeightedBinaryCrossentropy

    column = np.array([1.0, 2, 3, 4])
    found = float(WeightedBinaryCrossentropy(column.tolist())(LABELS, LOGITS))
    assert found == pytest.approx(weighed_losses(column).mean(), rel=1e-5)
    assert weighed_cells.shape == (4, 4)


def test_4_a_dead_label_dilutes_the_auc_of_keras():
    import keras

    labels = np.array([[1, 1, 0, 1, 0, 0], [1, 0, 1, 0, 1, 0], [0, 1, 0, 0, 1, 0], [0, 0, 1, 1, 0, 0]], np.float32)
    scores = np.array(
        [
            [0.9, 0.8, 0.2, 0.7, 0.1, 0.3],
            [0.8, 0.3, 0.9, 0.2, 0.8, 0.1],
            [0.1, 0.7, 0.1, 0.1, 0.9, 0.2],
            [0.2, 0.1, 0.8, 0.9, 0.3, 0.4],
        ],
        np.float32,
    )
    metric = keras.metrics.AUC(curve="PR", multi_label=True, num_labels=6)
    metric.update_state(labels, scores)
    assert float(metric.result()) == pytest.approx(5 / 6, abs=1e-3)  # five perfect labels and a dead one
    assert macro_pr_auc(scores, sparse.csr_matrix(labels.astype(np.int8))) == 1


def test_5_f1score_and_top_k_decode_by_argmax():
    import keras

    scores = 1 / (1 + np.exp(-LOGITS))
    metric = keras.metrics.F1Score(average="micro", threshold=None)
    metric.update_state(LABELS, scores)
    best = np.eye(4)[scores.argmax(axis=1)]
    assert float(metric.result()) == pytest.approx(f1_score(LABELS, best, average="micro", zero_division=0), abs=1e-6)

    first = keras.metrics.TopKCategoricalAccuracy(k=1)
    first.update_state(np.array([[1, 1, 0, 0]], np.float32), np.array([[0.1, 0.9, 0, 0]], np.float32))
    assert float(first.result()) == 0  # label 1 is right, but the target became label 0

    labels = sparse.csr_matrix(LABELS.astype(np.int8))
    decision = tune_decision(scores, labels, task="multilabel", train_counts=np.full(4, 9))
    predicted = decision.predict(scores)
    groups, weights = np.zeros(4, np.int8), np.ones(4)
    found = measure_split(labels, scores, predicted, task="multilabel", groups=groups, weight_of=weights).metrics
    right = f1_score(LABELS, scores >= decision.global_threshold, average="micro", zero_division=0)
    assert found["f1_micro"] == pytest.approx(right)
    assert found["f1_micro"] != pytest.approx(float(metric.result()), abs=1e-3)


def test_6_balanced_sample_weights_of_scikit_learn_multiply():
    rng = np.random.default_rng(0)
    labels = (rng.random((2000, 17)) < np.geomspace(0.5, 0.01, 17)).astype(int)
    theirs = compute_sample_weight("balanced", labels)
    by_hand = np.prod([compute_sample_weight("balanced", column) for column in labels.T], axis=0)
    np.testing.assert_allclose(theirs, by_hand)
    ours = sample_weights(labels, "balanced", "max")
    assert theirs.max() / theirs.min() > 1e4
    assert ours.max() / ours.min() < 100
    assert ours.mean() == pytest.approx(1)
