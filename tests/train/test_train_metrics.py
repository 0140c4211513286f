"""Measures: equal to scikit-learn's over the labels that have rows, and to numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn import metrics as reference

from evenly.errors import DataError
from evenly.train.evaluation import ranking
from evenly.train.evaluation.metrics import label_groups, macro_pr_auc, measure_labels, measure_split
from evenly.train.evaluation.ranking import rank_label_positives
from evenly.train.evaluation.row_measures import propensities

DEAD, EVERYWHERE = 3, 4


@pytest.fixture(params=[1 << 22, 40], ids=["one block", "many blocks"])
def table(request, monkeypatch):
    """Labels, scores with many ties, predictions; label 3 has no row, label 4 all of them."""
    monkeypatch.setattr(ranking, "BLOCK_CELLS", request.param)
    rng = np.random.default_rng(1)
    labels = rng.random((90, 8)) < [0.5, 0.2, 0.05, 0, 1, 0.3, 0.1, 0.08]
    scores = np.round(rng.random((90, 8)) * 0.7 + labels * 0.2, 1).astype(np.float32)
    return labels, scores, scores > 0.6


def measured(labels, scores, predicted, task="multilabel", weight_of=None, **settings):
    groups = label_groups(labels.sum(axis=0))
    weight_of = np.ones(labels.shape[1]) if weight_of is None else weight_of
    given = {"task": task, "groups": groups, "weight_of": weight_of, **settings}
    return measure_split(sparse_of(labels), scores, sparse_of(predicted), **given).metrics


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
            expected = function(labels, predicted, average=average, zero_division=0)
            assert found[f"{name}_{average}"] == pytest.approx(expected, abs=1e-6)
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


def test_a_group_averages_its_own_labels(table):
    labels, scores, predicted = table
    found = measured(*table)
    # by rows: 4 (all), 0, 5 | 1, 6, 7 or 2 | the rest; label 3 has none and is in no group
    order = [label for label in np.argsort(-labels.sum(axis=0), kind="stable") if label != DEAD]
    for name, members in zip(("head", "medium", "tail"), np.array_split(order, 3), strict=True):
        f1 = reference.f1_score(labels[:, members], predicted[:, members], average="macro", zero_division=0)
        area = reference.average_precision_score(labels[:, members], scores[:, members], average="macro")
        assert found[f"f1_macro_{name}"] == pytest.approx(f1, abs=1e-6)
        assert found[f"pr_auc_macro_{name}"] == pytest.approx(area, abs=1e-6)
        assert found[f"n_labels_{name}"] == len(members)


@pytest.fixture
def ranks(table):
    """Labels with rows that hold none, and scores without ties."""
    labels, _, predicted = table
    labels = labels.copy()
    labels[:9] = False
    scores = np.random.default_rng(3).permutation(labels.size).reshape(labels.shape) / labels.size + labels * 0.3001
    return labels, scores.astype(np.float32), predicted


def test_measures_at_k_are_those_of_scikit_learn_over_the_rows_with_labels(ranks):
    labels, scores, _ = ranks
    held = labels.any(axis=1)
    found = measured(*ranks)
    assert found["n_rows_labelled"] == held.sum() == 81
    for k in (1, 3, 5):
        ideal = reference.ndcg_score(labels[held], scores[held], k=k)
        assert found[f"ndcg_at_{k}"] == pytest.approx(ideal, abs=1e-6)
        top = np.zeros(labels.shape, bool)
        np.put_along_axis(top, np.argsort(-scores, axis=1)[:, :k], values=True, axis=1)
        for name, function in (("precision", reference.precision_score), ("recall", reference.recall_score)):
            expected = function(labels[held], top[held], average="samples", zero_division=0)
            assert found[f"{name}_at_{k}"] == pytest.approx(expected, abs=1e-6)
        assert found[f"psp_at_{k}"] == pytest.approx(
            (top & labels).sum() / np.minimum(labels.sum(axis=1), k).sum(), abs=1e-6
        )


def test_top_k_accuracy_of_one_label_a_row_is_that_of_scikit_learn():
    rng = np.random.default_rng(4)
    classes = rng.integers(0, 6, 80)
    scores = rng.permutation(480).reshape(80, 6).astype(np.float32)
    labels = np.eye(6, dtype=bool)[classes]
    found = measured(labels, scores, np.eye(6, dtype=bool)[scores.argmax(axis=1)], task="multiclass")
    for k in (3, 5):
        expected = reference.top_k_accuracy_score(classes, scores, k=k, labels=range(6))
        assert found[f"recall_at_{k}"] == pytest.approx(expected)
    assert found["accuracy"] == pytest.approx(reference.top_k_accuracy_score(classes, scores, k=1, labels=range(6)))
    assert not [name for name in found if name.startswith(("precision_at", "psp_at", "ndcg_at"))]


def test_of_equal_scores_the_lower_label_comes_first():
    labels = np.array([[0, 1, 0, 0], [0, 0, 1, 0]], bool)
    scores = np.array([[0.5, 0.5, 0.5, 0.5], [0.9, 0.2, 0.2, 0.2]], np.float32)
    found = measured(labels, scores, labels)
    # row 0: labels 0, 1, 2 are the first three; row 1: 0, then 1 and 2
    assert found["precision_at_1"] == 0
    assert found["recall_at_3"] == 1
    assert found["ndcg_at_3"] == pytest.approx((1 / np.log2(3) + 1 / np.log2(4)) / 2)


def test_propensities_and_the_precision_weighted_by_them_by_hand():
    # N 1000: C = (ln 1000 - 1) 2.5^.55 = 9.7789; (c + 1.5)^-.55 of c 0, 10, 500: .80011, .26099, .032723
    found = propensities(np.array([0, 10, 500]), 1000)
    assert found == pytest.approx([1 / 8.82418, 1 / 3.55219, 1 / 1.31999], rel=2e-5)
    # one hit of weight 2 in row 0, where the best are 4 and 2; none in row 1, where the best is 1
    labels = np.array([[1, 1, 0, 0], [0, 0, 1, 0]], bool)
    scores = np.array([[0.1, 0.9, 0.8, 0.7], [0.6, 0.9, 0.2, 0.7]], np.float32)
    weighted = measured(labels, scores, labels, weight_of=np.array([4.0, 2.0, 1.0, 1.0]))
    assert weighted["psp_at_1"] == pytest.approx(2 / (4 + 1))
    assert weighted["psp_at_3"] == pytest.approx(2 / (4 + 2 + 1))


def test_what_is_not_defined_for_a_label_is_nan(table):
    labels, scores, predicted = table
    ranked = rank_label_positives(scores, sparse_of(labels))
    each = measure_labels(sparse_of(labels), sparse_of(predicted), ranked)
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
    found = measured(labels, scores, predicted, task="binary", positive=1)
    assert found["accuracy"] == found["f1_micro"] == 0.75
    assert found["precision_positive"] == pytest.approx(2 / 3)
    assert found["f1_positive"] == pytest.approx(4 / 5)
    assert found["pr_auc_positive"] == 1


def test_a_split_without_rows_or_labels_leaves_out_what_has_no_value():
    nothing = np.zeros((0, 2), bool)
    counts = {"n_rows": 0, "n_rows_labelled": 0, "n_labels_averaged": 0}
    assert measured(nothing, nothing.astype(np.float32), nothing) == counts
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
