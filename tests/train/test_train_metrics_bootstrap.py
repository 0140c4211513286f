"""Resamples: their measures are those of the drawn rows, their spread that of new samples, pairs stay pairs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn import metrics as reference

from evenly.train.evaluation import bootstrap
from evenly.train.evaluation.bootstrap import interval, resample
from evenly.train.evaluation.metrics import label_groups, measure_split
from evenly.train.evaluation.writing import compare_resamples


def sample(n_rows, seed, n_labels=4, skill=0.5):
    rng = np.random.default_rng(seed)
    labels = rng.random((n_rows, n_labels)) < np.linspace(0.5, 0.1, n_labels)
    scores = np.round(rng.random((n_rows, n_labels)) + labels * skill, 2).astype(np.float32)
    return labels, scores, scores > 0.8


def resampled(labels, scores, predicted, unit=None):
    labels, predicted = (sparse.csr_matrix(each.astype(np.int8)) for each in (labels, predicted))
    groups = label_groups(np.asarray(labels.sum(axis=0)).ravel())
    weights = np.ones(labels.shape[1])
    measures = measure_split(labels, scores, predicted, task="multilabel", groups=groups, weight_of=weights)
    unit = np.arange(labels.shape[0]) if unit is None else unit
    return resample(labels, scores, predicted, measures, unit=unit, groups=groups), measures


@pytest.fixture
def drawn(monkeypatch):
    """Return the weights of the last resampling, shape (n_resamples, n_rows)."""
    kept = []
    plain = bootstrap._draw

    def draw(*given):
        for weights in plain(*given):
            kept.append(weights)
            yield weights

    monkeypatch.setattr(bootstrap, "_draw", draw)
    monkeypatch.setattr(bootstrap, "_MOST", 20)
    monkeypatch.setattr(bootstrap, "_FEWEST", 20)
    monkeypatch.setattr(bootstrap, "_CELLS_AT_ONCE", 600)
    return kept


def test_every_resample_is_measured_as_its_rows_are(drawn):
    labels, scores, predicted = sample(50, 0)
    unit = np.arange(50) // 2
    found, _ = resampled(labels, scores, predicted, unit)
    weights = np.concatenate(drawn)[:20]
    assert (weights[:, ::2] == weights[:, 1::2]).all(), "rows of a unit are drawn together"
    assert (weights.sum(axis=1) == 50).all()
    assert len({tuple(row) for row in weights}) == 20
    for at in range(20):
        rows = np.repeat(np.arange(50), weights[at])
        truth, given, score = labels[rows], predicted[rows], scores[rows]
        held = truth.any(axis=0)
        pair, macro = (truth[:, held], given[:, held]), {"average": "macro", "zero_division": 0}
        expected = {
            "f1_macro": reference.f1_score(*pair, **macro),
            "f1_micro": reference.f1_score(truth, given, average="micro"),
            "f1_samples": reference.f1_score(truth, given, average="samples", zero_division=0),
            "f1_weighted": reference.f1_score(truth, given, average="weighted", zero_division=0),
            "precision_macro": reference.precision_score(*pair, **macro),
            "pr_auc_macro": reference.average_precision_score(truth[:, held], score[:, held], average="macro"),
            "hamming_loss": reference.hamming_loss(truth, given),
        }
        assert {name: found.values[name][at] for name in expected} == pytest.approx(expected, abs=1e-6)


def test_the_spread_is_that_of_new_samples():
    found, _ = resampled(*sample(400, 0))
    anew = [resampled_point(seed) for seed in range(1, 60)]
    for name in ("f1_macro", "f1_micro", "pr_auc_macro"):
        expected = np.std([each[name] for each in anew])
        assert found.values[name].std() == pytest.approx(expected, rel=0.3)


def resampled_point(seed):
    labels, scores, predicted = sample(400, seed)
    return {
        "f1_macro": reference.f1_score(labels, predicted, average="macro"),
        "f1_micro": reference.f1_score(labels, predicted, average="micro"),
        "pr_auc_macro": reference.average_precision_score(labels, scores, average="macro"),
    }


def test_rows_of_one_text_widen_the_interval():
    labels, scores, predicted = (np.repeat(each, 8, axis=0) for each in sample(60, 1))
    alone, _ = resampled(labels, scores, predicted)
    together, _ = resampled(labels, scores, predicted, np.arange(480) // 8)
    assert together.n_units == 60
    assert together.values["f1_micro"].std() > 2 * alone.values["f1_micro"].std()


def test_differences_are_paired():
    labels, scores, predicted = sample(300, 2)
    worse = predicted.copy()
    worse[np.arange(300) % 10 == 0] = False
    ours, measures = resampled(labels, scores, predicted)
    theirs, others = resampled(labels, scores, worse)
    gap, low, high = compare_resamples(ours.values, theirs.values, measures.metrics, others.metrics)["f1_micro"]
    assert low < gap < high
    assert low > 0, "what is worse in every resample is worse, though the intervals overlap"
    own = interval(ours.values["f1_micro"], measures.metrics["f1_micro"])
    assert own[0] < others.metrics["f1_micro"] < own[1]
    same = compare_resamples(ours.values, ours.values, measures.metrics, measures.metrics)
    assert set(same.values()) == {(0, 0, 0)}


def test_the_f1_of_a_label_has_an_interval_and_an_empty_one_none():
    labels, scores, predicted = sample(200, 3)
    labels[:, 1] = False
    found, measures = resampled(labels, scores, predicted)
    assert np.isnan(found.label_f1[:, 1]).all()
    live = [0, 2, 3]
    f1 = measures.per_label.f1[live]
    assert (found.label_f1[0, live] < f1).all()
    assert (f1 < found.label_f1[1, live]).all()


def test_the_work_is_bounded(monkeypatch):
    monkeypatch.setattr(bootstrap, "_MOST_PRODUCTS", 200 * 1_500)
    monkeypatch.setattr(bootstrap, "_MOST_STEPS", 1)
    found, measures = resampled(*sample(200, 4))
    assert 200 < found.n_resamples < 1_000
    assert found.n_area_resamples == len(found.values["pr_auc_macro"]) == 20
    low, high = interval(found.values["pr_auc_macro"], measures.metrics["pr_auc_macro"])
    assert low + high == pytest.approx(2 * measures.metrics["pr_auc_macro"]), "few resamples: a normal interval"


def test_what_cannot_vary_has_no_interval():
    labels, scores, predicted = sample(30, 5)
    assert resampled(labels, scores, predicted, np.zeros(30, np.int64))[0] is None
    assert resampled(np.zeros_like(labels), scores, predicted)[0] is None
    assert np.isnan(interval(np.array([0.5]), 0.5)).all()
