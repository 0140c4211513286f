"""Calibration, curves and errors: equal to scikit-learn or to numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit, softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve

from evenly.train.evaluation import ranking
from evenly.train.evaluation.calibration import N_BINS, fit_temperature, measure_reliability
from evenly.train.evaluation.pr_curves import pr_points
from evenly.train.evaluation.ranking import rank_all_positives, rank_label_positives
from evenly.train.evaluation.worst_errors import worst_errors


def sparse_of(dense):
    return sparse.csr_matrix(np.asarray(dense, np.int8))


@pytest.fixture(params=[1 << 22, 40], ids=["one block", "many blocks"])
def cells(request, monkeypatch):
    monkeypatch.setattr(ranking, "BLOCK_CELLS", request.param)
    rng = np.random.default_rng(0)
    scores = rng.random((300, 3)).astype(np.float32)
    return rng.random((300, 3)) < scores**2, scores


def test_bins_are_those_of_scikit_learn(cells):
    labels, scores = cells
    found = measure_reliability(sparse_of(labels), scores, task="multilabel")
    right, score = calibration_curve(labels.ravel(), scores.ravel(), n_bins=N_BINS)
    bins = found.to_json()
    assert [each["share_right"] for each in bins] == pytest.approx(right, abs=1e-6)
    assert [each["mean_score"] for each in bins] == pytest.approx(score, abs=1e-6)
    n = np.histogram(scores, np.linspace(0, 1, N_BINS + 1))[0]
    assert found.metrics()["ece_micro"] == pytest.approx(np.abs(right - score) @ n / n.sum(), abs=1e-6)
    each = [measure_reliability(sparse_of(labels[:, [at]]), scores[:, [at]], task="multilabel").ece for at in range(3)]
    assert found.metrics()["ece_macro"] == pytest.approx(np.mean(each))


def test_the_error_of_one_label_a_row_looks_at_the_answer():
    scores = np.array([[0.9, 0.05, 0.05], [0.8, 0.1, 0.1], [0.2, 0.7, 0.1]], np.float32)
    labels = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0]])
    # three bins of one answer each: .1 off, .8 off (wrong), .3 off
    found = measure_reliability(sparse_of(labels), scores, task="multiclass").metrics()
    assert found == {"ece": pytest.approx((0.1 + 0.8 + 0.3) / 3)}
    two = measure_reliability(sparse_of(labels[:, :2]), scores[:, :2], task="binary", positive=1).metrics()
    # scores of the positive class: .05 right 0, .1 right 1, .7 right 1; the first two in bins 0 and 1
    assert two == {"ece": pytest.approx((0.05 + 0.9 + 0.3) / 3)}


def test_a_label_without_rows_does_not_dilute_the_mean():
    labels, scores = np.array([[1, 0], [0, 0]]), np.array([[0.6, 0.01], [0.6, 0.01]], np.float32)
    found = measure_reliability(sparse_of(labels), scores, task="multilabel").metrics()
    assert found["ece_macro"] == pytest.approx(0.1)


@pytest.mark.parametrize("task", ["multilabel", "multiclass"])
def test_the_temperature_is_found_and_changes_nothing_by_itself(task):
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (4000, 4))
    if task == "multilabel":
        labels, shown = rng.random(logits.shape) < expit(logits), expit(logits * 2.5)
    else:
        true = softmax(logits, axis=1)
        labels = np.eye(4, dtype=bool)[[rng.choice(4, p=row) for row in true]]
        shown = softmax(logits * 2.5, axis=1)
    scores = shown.astype(np.float32)
    kept = scores.copy()
    temperature = fit_temperature(sparse_of(labels), scores, task=task)
    assert temperature == pytest.approx(2.5, rel=0.1)
    plain, mended = (
        measure_reliability(sparse_of(labels), scores, task=task, temperature=each).ece for each in (1.0, temperature)
    )
    assert mended < plain / 3
    assert (scores == kept).all()
    assert fit_temperature(sparse_of(np.zeros_like(labels)), scores, task=task) is None


def test_curves_are_those_of_scikit_learn_at_the_positives(cells):
    labels, scores = cells
    points = pr_points(rank_label_positives(scores, sparse_of(labels)), 10_000).to_pydict()
    for label in range(3):
        precision, recall, thresholds = precision_recall_curve(labels[:, label], scores[:, label])
        known = {np.float32(t): (p, r) for t, p, r in zip(thresholds, precision, recall, strict=False)}
        own = [at for at, number in enumerate(points["id"]) if number == label]
        assert len(own) == labels[:, label].sum()
        for at in own:
            expected = known[np.float32(points["threshold"][at])]
            assert (points["precision"][at], points["recall"][at]) == pytest.approx(expected)


def test_curves_are_thinned_but_keep_their_ends(cells):
    labels, scores = cells
    ranked = rank_all_positives(scores, sparse_of(labels))
    points = pr_points(ranked, 20, pooled=True).to_pydict()
    assert set(points["id"]) == {None}
    assert 15 <= len(points["recall"]) <= 20
    assert points["recall"] == sorted(points["recall"])
    assert points["recall"][0] == 1 / labels.sum()
    assert points["recall"][-1] == 1
    assert max(np.diff(points["recall"])) < 0.12


def test_a_label_without_positives_has_no_curve():
    ranked = rank_label_positives(np.zeros((3, 2), np.float32), sparse_of([[1, 0], [0, 0], [0, 0]]))
    assert pr_points(ranked, 40)["id"].to_pylist() == [0]
    nothing = rank_label_positives(np.zeros((3, 2), np.float32), sparse_of(np.zeros((3, 2))))
    assert pr_points(nothing, 40).num_rows == 0


def test_the_surest_errors_come_first():
    labels = np.array([[1, 0], [1, 0], [0, 0], [0, 1], [0, 0], *[[0, 0]] * 6], bool)
    scores = np.array([[0.2, 0.1], [0.1, 0.9], [0.8, 0.1], [0.9, 0.1], [0.7, 0.1], *[[0.75, 0.6]] * 6], np.float32)
    found = worst_errors(np.arange(11) * 10, sparse_of(labels), scores, sparse_of(scores > 0.5)).to_pylist()
    shown = [(each["kind"], each["id"], each["row"]) for each in found]
    assert shown == [
        *[("false alarm", 0, row) for row in (30, 20, 50, 60, 70)],
        *[("false alarm", 1, row) for row in (10, 50, 60, 70, 80)],
        ("miss", 0, 10),
        ("miss", 0, 0),
        ("miss", 1, 30),
    ]
    assert found[0]["score"] == pytest.approx(0.9)
    nothing = worst_errors(np.arange(11), sparse_of(labels), scores, sparse_of(labels))
    assert nothing.num_rows == 0
