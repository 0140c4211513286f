"""Weights: parity with scikit-learn, formulas by hand, and what always holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labels_strategies import label_matrices
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from evenly.errors import ConfigError
from evenly.labels import class_weights, label_weights, sample_weights

SCHEMES = ("none", "balanced", "inverse_sqrt", "effective")
MODES = ("none", "max", "mean", "min_count")


@given(st.lists(st.integers(0, 8), min_size=1, max_size=60))
@settings(max_examples=50, deadline=None)
def test_balanced_is_scikit_learns(classes):
    present = np.unique(classes)
    expected = compute_class_weight("balanced", classes=present, y=classes)
    found = class_weights(np.bincount(classes, minlength=9), "balanced")
    np.testing.assert_allclose(found[present], expected, rtol=1e-12)
    assert not np.delete(found, present).any()


def test_schemes_worked_by_hand():
    # 1/sqrt: 1/2 and 1 for counts 4 and 1; s (4/2 + 1) = 5, so s = 5/3
    np.testing.assert_allclose(class_weights([4, 1], "inverse_sqrt"), [5 / 6, 5 / 3])
    # effective, b = 1/2: (1 - b^n)/(1 - b) = 1.5 and 1 for counts 2 and 1; s (2/1.5 + 1) = 3, so s = 9/7
    np.testing.assert_allclose(class_weights([2, 1], "effective", beta=0.5), [6 / 7, 9 / 7])
    assert class_weights([5, 0, 1], "none").tolist() == [1, 0, 1]


@pytest.mark.parametrize("beta", [0.9, 0.999, 1 - 1e-12])
def test_effective_numbers_keep_their_digits(beta):
    """With b near 1 the effective number is n (1 - (n - 1)(1 - b) / 2 + ...): the weights are the balanced ones."""
    found = class_weights([1000, 10], "effective", beta=beta)
    exact = np.array([(1 - beta) / -np.expm1(n * np.log(beta)) for n in (1000, 10)])
    np.testing.assert_allclose(found[1] / found[0], exact[1] / exact[0], rtol=1e-9)
    if beta > 0.9999:
        np.testing.assert_allclose(found, class_weights([1000, 10], "balanced"), rtol=1e-6)


def test_cap_holds_after_the_mean_is_one():
    found = class_weights([98, 1, 1], "balanced", cap=5)
    assert found.tolist() == [pytest.approx(90 / 98), 5, 5]


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [("balanced", [4, 1, 1 / 4]), ("inverse_sqrt", [2, 1, 1 / 2]), ("none", [1, 1, 1])],
)
def test_pos_weight_worked_by_hand(scheme, expected):
    np.testing.assert_allclose(label_weights([20, 50, 80], 100, scheme).pos_weight, expected)


def test_balanced_terms_are_those_of_the_specs():
    counts = np.array([20, 50, 80])
    found = label_weights(counts, 100, "balanced")
    np.testing.assert_allclose(found.positive, 100 / (2 * counts))
    np.testing.assert_allclose(found.negative, 100 / (2 * (100 - counts)))


def test_label_without_rows_is_masked_and_label_of_all_rows_is_not():
    for scheme in SCHEMES:
        found = label_weights([0, 100, 1], 100, scheme, cap=50)
        assert found.pos_weight[0] == found.positive[0] == found.negative[0] == 0
        assert found.pos_weight[1] == 1
        assert 1 <= found.pos_weight[2] <= 50


def test_sample_modes_worked_by_hand():
    """Counts 4, 2, 1; balanced weights in proportion 1/4, 1/2, 1; rows {a}, {a}, {a, b}, {a, b, c}, {}."""
    labels = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 0]])
    largest = np.array([1, 1, 2, 4]) / 2  # in quarters: 1, 1, 2, 4, mean 2
    mean = np.array([1, 1, 3 / 2, 7 / 3]) * 4 / (1 + 1 + 3 / 2 + 7 / 3)
    np.testing.assert_allclose(sample_weights(labels, "balanced", "max"), [*largest, 1])
    np.testing.assert_allclose(sample_weights(labels, "balanced", "min_count"), [*largest, 1])
    np.testing.assert_allclose(sample_weights(labels, "balanced", "mean"), [*mean, 1])


@given(label_matrices(), st.sampled_from(SCHEMES), st.sampled_from(MODES), st.sampled_from([1.0, 2.0, 50.0]))
@settings(max_examples=100, deadline=None)
def test_weights_are_positive_with_mean_one_below_the_cap(labels, scheme, mode, cap):
    per_row = sample_weights(labels, scheme, mode, cap=cap)
    assert (per_row > 0).all()
    assert per_row.mean() == pytest.approx(1)
    assert per_row.max() <= cap * (1 + 1e-12)
    counts = np.asarray(labels.sum(axis=0)).ravel()
    per_class = class_weights(counts, scheme, cap=cap)
    assert ((per_class > 0) == (counts > 0)).all()
    if counts.any():
        assert (per_class * counts).sum() == pytest.approx(counts.sum())
    assert per_class.max() <= cap * (1 + 1e-12)
    per_label = label_weights(counts, labels.shape[0], scheme, cap=cap)
    assert ((per_label.pos_weight > 0) == (counts > 0)).all()
    mean = (counts * per_label.positive + (labels.shape[0] - counts) * per_label.negative) / labels.shape[0]
    np.testing.assert_allclose(mean[counts > 0], 1)


@given(label_matrices(), st.sampled_from(SCHEMES), st.sampled_from(MODES), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_order_of_rows_does_not_matter(labels, scheme, mode, random):
    order = list(range(labels.shape[0]))
    random.shuffle(order)
    np.testing.assert_allclose(
        sample_weights(labels[order], scheme, mode), sample_weights(labels, scheme, mode)[order], rtol=1e-12
    )


@given(label_matrices(), st.sampled_from(SCHEMES), st.sampled_from(MODES), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_order_of_labels_does_not_matter(labels, scheme, mode, random):
    order = list(range(labels.shape[1]))
    random.shuffle(order)
    moved = labels[:, order]
    np.testing.assert_allclose(sample_weights(moved, scheme, mode), sample_weights(labels, scheme, mode), rtol=1e-12)
    counts = np.asarray(labels.sum(axis=0)).ravel()
    np.testing.assert_allclose(class_weights(counts[order], scheme), class_weights(counts, scheme)[order], rtol=1e-12)
    per_label, again = (label_weights(each, labels.shape[0], scheme) for each in (counts, counts[order]))
    for name in ("pos_weight", "positive", "negative"):
        np.testing.assert_allclose(getattr(again, name), getattr(per_label, name)[order], rtol=1e-12)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60))
@settings(max_examples=50, deadline=None)
def test_with_one_label_a_row_balanced_rows_are_scikit_learns(classes):
    labels = np.eye(6)[classes]
    np.testing.assert_allclose(
        sample_weights(labels, "balanced"), compute_sample_weight("balanced", classes), rtol=1e-12
    )


def test_of_a_binary_label_both_terms_are_scikit_learns_class_weights():
    """One column of a multi-label table is a table of two classes: N / (2 c) and N / (2 (N - c))."""
    column = np.repeat([1, 0], [7, 93])
    found = label_weights([7], 100, "balanced")
    lacking, holding = compute_class_weight("balanced", classes=np.array([0, 1]), y=column)
    assert found.positive[0] == pytest.approx(holding)
    assert found.negative[0] == pytest.approx(lacking)


@pytest.mark.parametrize("beta", [0.9, 0.99, 0.999, 0.9999])
def test_effective_weights_of_labels_worked_by_hand(beta):
    """2 of 10 rows hold the label: pos_weight (1 - b^8) / (1 - b^2), w- = 10 / (2 pos_weight + 8)."""
    found = label_weights([2], 10, "effective", beta=beta)
    ratio = (1 - beta**8) / (1 - beta**2)
    assert found.pos_weight[0] == pytest.approx(ratio, rel=1e-9)
    assert found.negative[0] == pytest.approx(10 / (2 * ratio + 8), rel=1e-9)
    assert found.positive[0] == pytest.approx(10 * ratio / (2 * ratio + 8), rel=1e-9)


def test_inverse_sqrt_weights_of_labels_worked_by_hand():
    """20 of 100 rows: pos_weight sqrt(80 / 20) = 2, w- = 100 / (20 * 2 + 80) = 5/6, w+ = 5/3."""
    found = label_weights([20], 100, "inverse_sqrt")
    assert (found.pos_weight[0], found.negative[0], found.positive[0]) == pytest.approx((2, 5 / 6, 5 / 3))
    capped = label_weights([20], 100, "inverse_sqrt", cap=1.5)
    assert (capped.pos_weight[0], capped.negative[0]) == pytest.approx((1.5, 100 / 110))


@given(label_matrices(single=True), st.sampled_from(SCHEMES))
@settings(max_examples=50, deadline=None)
def test_with_one_label_a_row_the_row_weighs_what_its_class_weighs(labels, scheme):
    counts = np.asarray(labels.sum(axis=0)).ravel()
    np.testing.assert_allclose(sample_weights(labels, scheme), class_weights(counts, scheme)[labels.indices])


@pytest.mark.parametrize("n_labels", [1, 2, 4, 8])
def test_scikit_learns_product_grows_with_the_power_of_the_labels_and_ours_does_not(n_labels):
    """10 of 100 rows hold every label, 90 hold none: each label multiplies the ratio by (90 / 10) = 9."""
    labels = np.repeat([[1] * n_labels, [0] * n_labels], [10, 90], axis=0)
    labels[10:, 0] = 1  # so that every row has a label: label 0 is in all of them and weighs nothing
    labels = np.column_stack([labels, np.ones(100, int)])[:, 1:] if n_labels == 1 else labels
    product = compute_sample_weight("balanced", labels)
    assert product.max() / product.min() == pytest.approx(9.0 ** (n_labels - 1))
    ours = sample_weights(labels, "balanced", "max")
    assert ours.max() / ours.min() <= 10 + 1e-9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scheme": "balanse"}, "did you mean 'balanced'"),
        ({"sample": "product"}, "on purpose"),
        ({"sample": "maximum"}, "expected one of none, max, mean, min_count"),
        ({"cap": 0.5}, "at least 1"),
        ({"beta": 1.0}, "between 0 and 1"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        sample_weights(np.eye(2), **arguments)
