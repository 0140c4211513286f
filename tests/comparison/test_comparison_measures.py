"""Measures of replicates: scikit-learn's on the rows as they are, and on rows that are repeated as they were drawn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import average_precision_score, f1_score

from evenly.comparison.measures import draw_units, measure_names, measure_replicates, replicate_count
from evenly.comparison.predictions import RunPredictions

GROUPS = np.array([0, 1, 2, 2], np.int8)


@pytest.fixture(scope="module")
def test_rows():
    rng = np.random.default_rng(1)
    labels = (rng.random((40, 4)) < [0.6, 0.3, 0.15, 0.0]).astype(np.int8)
    scores = np.round(rng.random((40, 4)) * 0.6 + 0.3 * labels, 1).astype(np.float32)  # with ties
    return labels, scores, (scores > 0.45).astype(np.int8)


def as_predictions(labels, scores, predicted):
    return RunPredictions(np.arange(len(labels)), sparse.csr_matrix(labels), sparse.csr_matrix(predicted), scores)


def expected_of(labels, scores, predicted):
    held = np.flatnonzero(labels.any(axis=0))
    each = {label: f1_score(labels[:, label], predicted[:, label], zero_division=0) for label in held}
    tail = [value for label, value in each.items() if GROUPS[label] == 2]
    areas = [average_precision_score(labels[:, label], scores[:, label]) for label in held]
    return {
        "f1_macro": np.mean(list(each.values())),
        "f1_micro": f1_score(labels, predicted, average="micro", zero_division=0),
        "pr_auc_macro": np.mean(areas),
        "f1_macro_tail": np.mean(tail) if tail else np.nan,
    }


def test_every_replicate_is_measured_as_scikit_learn_measures_its_rows(test_rows):
    labels, scores, predicted = test_rows
    units = np.arange(40) // 2  # pairs are drawn together
    drawn = draw_units(20, 8, np.random.default_rng(0))
    names = measure_names("multilabel", GROUPS)
    found = measure_replicates(as_predictions(*test_rows), units, drawn, names, groups=GROUPS)
    assert names == ("f1_macro", "f1_micro", "pr_auc_macro", "f1_macro_head", "f1_macro_medium", "f1_macro_tail")
    assert (drawn[0] == 1).all()
    for counts, measured in zip(drawn, found, strict=True):
        rows = np.repeat(np.arange(40), counts[units])
        for name, value in expected_of(labels[rows], scores[rows], predicted[rows]).items():
            assert measured[names.index(name)] == pytest.approx(value, abs=1e-12, nan_ok=True), name


def test_the_positive_class_of_a_binary_task_has_its_own_measures():
    rng = np.random.default_rng(2)
    y, score = rng.integers(2, size=30), rng.random(30).astype(np.float32)
    both, guess = np.stack([1 - score, score], axis=1), (score > 0.5).astype(int)
    test = as_predictions(np.eye(2, dtype=np.int8)[y], both, np.eye(2, dtype=np.int8)[guess])
    names = measure_names("binary", np.array([0, 1], np.int8))
    drawn = draw_units(30, 0, rng)
    found = measure_replicates(test, np.arange(30), drawn, names, groups=np.array([0, 1], np.int8), positive=1)[0]
    assert dict(zip(names, found, strict=True)) == pytest.approx(
        {
            "f1_positive": f1_score(y, guess),
            "f1_macro": f1_score(y, guess, average="macro"),
            "f1_micro": f1_score(y, guess, average="micro"),
            "pr_auc_positive": average_precision_score(y, score),
            "pr_auc_macro": (average_precision_score(y, score) + average_precision_score(1 - y, 1 - score)) / 2,
        }
    )


def test_a_replicate_without_a_positive_of_a_label_leaves_the_label_out(test_rows):
    labels, scores, predicted = test_rows
    drawn = np.stack([np.ones(40, np.uint8), (~labels[:, 1].astype(bool)).astype(np.uint8)])
    names = measure_names("multilabel", GROUPS)
    found = measure_replicates(as_predictions(*test_rows), np.arange(40), drawn, names, groups=GROUPS)
    rows = np.flatnonzero(drawn[1])
    assert np.isnan(found[1, names.index("f1_macro_medium")])
    assert found[1, 0] == pytest.approx(expected_of(labels[rows], scores[rows], predicted[rows])["f1_macro"])


def test_rows_without_any_label_give_nothing():
    empty = np.zeros((12, 2), np.int8)
    test = as_predictions(empty, np.zeros((12, 2), np.float32), empty)
    names = measure_names("multilabel", np.array([0, 1], np.int8))
    found = measure_replicates(
        test, np.arange(12), draw_units(12, 2, np.random.default_rng(0)), names, groups=GROUPS[:2]
    )
    assert np.isnan(found).all()


def test_a_draw_is_with_replacement_and_the_same_for_the_same_seed():
    drawn = draw_units(50, 6, np.random.default_rng(3))
    assert (drawn.sum(axis=1) == 50).all()
    assert drawn[1:].max() > 1
    np.testing.assert_array_equal(drawn, draw_units(50, 6, np.random.default_rng(3)))


@pytest.mark.parametrize(
    ("n_units", "n_cells", "expected"), [(450, 8_100, 1_000), (150_000, 4 * 10**7, 500), (10**6, 10**9, 200)]
)
def test_large_test_splits_have_fewer_replicates(n_units, n_cells, expected):
    assert replicate_count(n_units, n_cells) == expected
