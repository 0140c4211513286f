"""Measures: equal to scikit-learn's over the labels that have rows, and to numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn import metrics as reference

from evenly.errors import DataError
from evenly.train import ranking
from evenly.train.evaluation.metrics import label_groups, macro_pr_auc, measure_labels, measure_split
from evenly.train.evaluation.ranking import rank_label_positives

DEAD, EVERYWHERE = 3, 4


@pytest.fixture(params=[1 << 22, 40], ids=["one block", "many blocks"])
def table(request, monkeypatch):
    """Labels, scores with many ties, predictions; label 3 has no row, label 4 all of them."""
    monkeypatch.setattr(ranking, "BLOCK_CELLS", request.param)
    rng = np.random.default_rng(1)
    labels = rng.random((90, 8)) < [0.5, 0.2, 0.05, 0, 1, 0.3, 0.1, 0.08]
    scores = np.round(rng.random((90, 8)) * 0.7 + labels * 0.2, 1).astype(np.float32)
    return labels, scores, scores > 0.6


def measured(labels, scores, predicted, **settings):
    groups = label_groups(labels.sum(axis=0))
    found, _ = measure_split(sparse_of(labels), scores, sparse_of(predicted), groups=groups, **settings)
    return found


def sparse_of(dense):
    return sparse.csr_matrix(np.asarray(dense, np.int8))


def test_f1_precision_and_recall_are_those_of_scikit_learn(table):
    labels, _, predicted = table
    held = labels.any(axis=0)
    found = measured(*table)
    assert found["n_labels_averaged"] == 7
    for name in ("f1", "precision", "recall"):
        function = getattr(reference, f"{name}_score")
        macro = function(labels[:, held], predicted[:, held], average="macro", zero_division=0)
        assert found[f"{name}_macro"] == pytest.approx(macro, abs=1e-6)
        micro = function(labels, predicted, average="micro", zero_division=0)
        assert found[f"{name}_micro"] == pytest.approx(micro, abs=1e-6)
    for average in ("weighted", "samples"):
        expected = reference.f1_score(labels, predicted, average=average, zero_division=0)
        assert found[f"f1_{average}"] == pytest.approx(expected, abs=1e-6)
    assert found["exact_match"] == pytest.approx(reference.accuracy_score(labels, predicted), abs=1e-6)
    assert found["hamming_loss"] == pytest.approx(reference.hamming_loss(labels, predicted), abs=1e-6)
    assert "accuracy" not in found


def test_areas_under_curves_are_those_of_scikit_learn(table):
    labels, scores, _ = table
    held = labels.any(axis=0)
    both = held & ~labels.all(axis=0)
    found = measured(*table)
    macro = reference.average_precision_score(labels[:, held], scores[:, held], average="macro")
    assert found["pr_auc_macro"] == pytest.approx(macro, abs=1e-6)
    assert found["pr_auc_micro"] == pytest.approx(
        reference.average_precision_score(labels.ravel(), scores.ravel()), abs=1e-6
    )
    roc = reference.roc_auc_score(labels[:, both], scores[:, both], average="macro")
    assert found["roc_auc_macro"] == pytest.approx(roc, abs=1e-6)
    assert found["n_labels_roc_auc"] == 6
    assert found["roc_auc_micro"] == pytest.approx(reference.roc_auc_score(labels.ravel(), scores.ravel()), abs=1e-6)


def test_what_is_not_defined_for_a_label_is_nan(table):
    labels, scores, predicted = table
    each = measure_labels(sparse_of(labels), scores, sparse_of(predicted))
    undefined = [each.precision, each.recall, each.f1, each.pr_auc, each.roc_auc]
    assert all(np.isnan(values[DEAD]) for values in undefined)
    assert np.isnan(each.roc_auc[EVERYWHERE])
    assert each.pr_auc[EVERYWHERE] == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 25), st.floats(0.05, 0.95), st.integers(1, 4))
def test_average_precision_and_roc_auc_hold_for_any_ties_and_signs(seed, n_rows, share, levels):
    rng = np.random.default_rng(seed)
    labels = rng.random(n_rows) < share
    labels[:2] = True, False
    scores = rng.integers(-levels, levels + 1, n_rows).astype(np.float32)
    ranked = rank_label_positives(scores[:, None], sparse_of(labels[:, None]))
    assert ranked.average_precision()[0] == pytest.approx(reference.average_precision_score(labels, scores), abs=1e-9)
    assert ranked.roc_auc()[0] == pytest.approx(reference.roc_auc_score(labels, scores), abs=1e-9)


def test_small_table_by_hand():
    # label 0: rows 0, 1; label 1: row 2. Predicted: label 0 in rows 0, 2; label 1 nowhere.
    labels = np.array([[1, 0], [1, 0], [0, 1]], bool)
    scores = np.array([[0.9, 0.1], [0.2, 0.3], [0.6, 0.2]], np.float32)
    found = measured(labels, scores, np.array([[1, 0], [0, 0], [1, 0]], bool))
    assert found["f1_macro"] == pytest.approx((1 / 2 + 0) / 2)  # TP 1, FP 1, FN 1; and TP 0
    assert found["f1_micro"] == pytest.approx(2 * 1 / (3 + 2))
    assert found["f1_samples"] == pytest.approx(1 / 3)
    assert found["hamming_loss"] == pytest.approx(3 / 6)  # row 1 lacks one, row 2 has one wrong and lacks one
    assert found["pr_auc_macro"] == pytest.approx(((1 + 2 / 3) / 2 + 1 / 2) / 2)


def test_one_label_a_row_has_an_accuracy_and_a_positive_class_its_own_measures():
    labels = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], bool)
    predicted = np.array([[1, 0], [0, 1], [0, 1], [0, 1]], bool)
    scores = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8]], np.float32)
    found = measured(labels, scores, predicted, positive=1)
    assert found["accuracy"] == found["f1_micro"] == 0.75
    assert found["precision_positive"] == pytest.approx(2 / 3)
    assert found["f1_positive"] == pytest.approx(4 / 5)
    assert found["pr_auc_positive"] == 1


def test_a_split_without_rows_or_labels_leaves_out_what_has_no_value():
    nothing = np.zeros((0, 2), bool)
    assert measured(nothing, nothing.astype(np.float32), nothing) == {"n_rows": 0, "n_labels_averaged": 0}
    unlabelled = np.zeros((3, 2), bool)
    found = measured(unlabelled, unlabelled.astype(np.float32), unlabelled)
    assert "f1_macro" not in found
    assert found["exact_match"] == 1


def test_groups_cut_the_labels_with_train_rows_into_thirds():
    assert label_groups(np.array([9, 0, 5, 5, 1, 100, 2])).tolist() == [0, -1, 1, 1, 2, 0, 2]
    assert label_groups(np.array([3, 7])).tolist() == [1, 0]


def test_scores_that_are_no_numbers_are_an_error():
    with pytest.raises(DataError, match="learning rate"):
        macro_pr_auc(np.array([[np.nan], [0.5]], np.float32), sparse_of([[1], [0]]))


def test_minus_zero_ties_with_zero():
    ranked = rank_label_positives(np.array([[-0.0], [0.0]], np.float32), sparse_of([[1], [0]]))
    assert ranked.roc_auc()[0] == 0.5
