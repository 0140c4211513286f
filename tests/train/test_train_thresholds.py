"""Thresholds: the best there are, found on validation alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.metrics import f1_score

from evenly.train.evaluation import ranking
from evenly.train.evaluation.decisions import Decision, DecisionAim, positive_class, tune_decision
from evenly.train.evaluation.logit_adjustment import TAUS, adjusted_classes, tune_tau
from evenly.train.evaluation.thresholds import NO_THRESHOLD, predict_from, tune_global, tune_per_label, tune_steadily


def sparse_of(dense):
    return sparse.csr_matrix(np.asarray(dense, np.int8))


def best_by_trying(scores, labels):
    """Return the best F1 over every threshold that makes a difference, and one above all scores."""
    candidates = [*np.unique(scores), np.inf]
    return max(f1_score(labels, scores >= threshold, zero_division=0) for threshold in candidates)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 6))
def test_no_threshold_does_better(seed, n_rows, levels):
    rng = np.random.default_rng(seed)
    scores = (rng.integers(0, levels + 1, (n_rows, 3)) / levels).astype(np.float32)
    labels = rng.random((n_rows, 3)) < 0.4
    thresholds, f1 = tune_per_label(scores, sparse_of(labels))
    for label in np.flatnonzero(labels.any(axis=0)):
        found = f1_score(labels[:, label], scores[:, label] >= thresholds[label])
        assert found == pytest.approx(f1[label]) == pytest.approx(best_by_trying(scores[:, label], labels[:, label]))
    one, pooled = tune_global(scores, sparse_of(labels))
    if labels.any():
        assert pooled == pytest.approx(best_by_trying(scores.ravel(), labels.ravel()))
        assert pooled == pytest.approx(f1_score(labels.ravel(), scores.ravel() >= one))


def test_threshold_lies_midway_below_the_last_positive_that_pays():
    scores = np.array([[0.9], [0.7], [0.4], [0.1]], np.float32)
    thresholds, f1 = tune_per_label(scores, sparse_of([[1], [1], [0], [0]]))
    assert thresholds[0] == pytest.approx((0.7 + 0.4) / 2)
    assert f1[0] == 1


def test_of_equal_f1_the_highest_threshold_wins():
    # {0.9}: 2*1/(1+2) = 2/3; all four: 2*2/(4+2) = 2/3
    thresholds, _ = tune_per_label(np.array([[0.9], [0.7], [0.4], [0.1]], np.float32), sparse_of([[1], [0], [0], [1]]))
    assert thresholds[0] == pytest.approx(0.8)


def test_a_threshold_separates_neighbouring_floats():
    low = np.float32(0.3)
    scores = np.array([[low], [np.nextafter(low, np.float32(1))]], np.float32)
    thresholds, _ = tune_per_label(scores, sparse_of([[0], [1]]))
    assert predict_from(scores, thresholds).toarray().ravel().tolist() == [0, 1]


def draw_rows(rng, n_rows, share=0.1):
    """Return probabilities of a rare label and who holds it: sure of some rows, of most it is not."""
    logits = rng.normal(np.log(share / (1 - share)), 1.5, (n_rows, 1))
    probability = 1 / (1 + np.exp(-logits))
    return probability.astype(np.float32), rng.random((n_rows, 1)) < probability


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 9))
def test_a_steady_threshold_is_a_midpoint_and_tells_its_f1(seed, n_rows, levels):
    rng = np.random.default_rng(seed)
    scores = (rng.integers(1, levels + 1, (n_rows, 3)) / (levels + 1)).astype(np.float32)
    labels = rng.random((n_rows, 3)) < 0.3
    thresholds, f1 = tune_steadily(scores, sparse_of(labels))
    assert (np.isfinite(thresholds) == labels.any(axis=0)).all()
    for label in np.flatnonzero(labels.any(axis=0)):
        column = scores[:, label].astype(np.float64)
        assert f1_score(labels[:, label], column >= thresholds[label]) == pytest.approx(f1[label])
        above = column[column > thresholds[label]].min()
        below = column[column < thresholds[label]].max(initial=-np.inf)
        assert thresholds[label] == ((above + below) / 2 if np.isfinite(below) else above / 2)
        assert labels[column == above, label].any()
    order = rng.permutation(n_rows)
    again, _ = tune_steadily(scores[order], sparse_of(labels[order]))
    assert np.array_equal(again, thresholds, equal_nan=True)


def test_a_steady_threshold_is_the_best_one_where_the_label_is_told_apart():
    scores = np.array([[0.9], [0.7], [0.4], [0.1]], np.float32)
    thresholds, f1 = tune_steadily(scores, sparse_of([[1], [1], [0], [0]]))
    assert thresholds[0] == pytest.approx((0.7 + 0.4) / 2)
    assert f1[0] == 1


def test_a_steady_threshold_lies_where_resamples_of_all_rows_have_theirs():
    rng = np.random.default_rng(3)
    scores, labels = draw_rows(rng, 300)
    found = []
    for _ in range(300):
        drawn = np.repeat(np.arange(300), rng.poisson(1, 300))
        found.append(tune_per_label(scores[drawn], sparse_of(labels[drawn]))[0][0])
    logits = np.log(found) - np.log1p(-np.array(found))
    steady, best = (tune(scores, sparse_of(labels))[0][0] for tune in (tune_steadily, tune_per_label))
    off, further = (abs(np.log(one / (1 - one)) - logits.mean()) for one in (steady, best))
    assert off < logits.std() / 4 < further


def test_steady_thresholds_do_better_on_other_rows():
    rng = np.random.default_rng(0)
    scores, labels = draw_rows(rng, 50_000)
    gains = []
    for _ in range(150):
        rows = draw_rows(rng, 150)
        steady, best = (tune(rows[0], sparse_of(rows[1]))[0][0] for tune in (tune_steadily, tune_per_label))
        reached = [f1_score(labels, scores >= threshold) for threshold in (steady, best)]
        gains.append(reached[0] - reached[1])
    assert np.mean(gains) > 2 * np.std(gains) / np.sqrt(len(gains))


def test_no_positive_at_all_leaves_the_default():
    scores = np.zeros((4, 2), np.float32)
    assert tune_global(scores, sparse_of(scores))[0] == NO_THRESHOLD
    for tune in (tune_per_label, tune_steadily):
        assert np.isnan(tune(scores, sparse_of(scores))[0]).all()


@pytest.mark.parametrize("cells", [1 << 22, 7], ids=["one block", "many blocks"])
def test_rare_labels_take_the_global_threshold(monkeypatch, cells):
    monkeypatch.setattr(ranking, "BLOCK_CELLS", cells)
    rng = np.random.default_rng(0)
    labels = rng.random((60, 3)) < [0.5, 0.3, 0.03]
    scores = (rng.random((60, 3)) * 0.6 + labels * 0.3).astype(np.float32)
    decision = tune_decision(scores, sparse_of(labels), task="multilabel", train_counts=labels.sum(axis=0))
    assert labels.sum(axis=0)[2] < 5
    assert decision.own.tolist() == [True, True, False]
    assert decision.thresholds[2] == decision.global_threshold == tune_global(scores, sparse_of(labels))[0]
    assert (decision.predict(scores).toarray() == (scores >= decision.thresholds)).all()
    shown = decision.to_json(["a", "b", "c"])
    assert [label["source"] for label in shown["labels"]] == ["label", "label", "global"]


def test_binary_tunes_the_rarer_class():
    assert [positive_class(np.array(counts)) for counts in ([3, 9], [9, 3], [4, 4])] == [0, 1, 1]
    p = np.array([0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.2], np.float32)
    scores = np.stack([p, 1 - p], axis=1)
    holds = p > 0.25
    labels = sparse_of(np.stack([holds, ~holds], axis=1))
    decision = tune_decision(scores, labels, task="binary", train_counts=np.array([10, 90]))
    assert decision.positive == 0
    assert decision.own.tolist() == [True, False]
    predicted = decision.predict(scores).toarray()
    assert (predicted.sum(axis=1) == 1).all()
    assert decision.thresholds[0] == pytest.approx(0.25)
    assert predicted[:, 0].tolist() == [0, 0, 1, 1, 1, 1, 1, 0]


def test_binary_with_few_positives_keeps_one_half():
    scores = np.array([[0.8, 0.2], [0.9, 0.1]], np.float32)
    decision = tune_decision(scores, sparse_of([[1, 0], [0, 1]]), task="binary", train_counts=np.array([5, 2]))
    assert decision.thresholds.tolist() == [NO_THRESHOLD] * 2


def test_multiclass_takes_the_highest_score_and_offers_a_tau():
    rng = np.random.default_rng(2)
    classes = rng.choice(3, 300, p=[0.8, 0.15, 0.05]).astype(np.int32)
    counts = np.bincount(classes, minlength=3)
    logits = rng.normal(size=(300, 3)) + 1.2 * np.eye(3)[classes] + np.log(counts / 300)
    scores = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
    labels = sparse_of(np.eye(3)[classes])
    decision = tune_decision(scores, labels, task="multiclass", train_counts=counts)
    assert (decision.predict(scores).indices == scores.argmax(axis=1)).all()
    offer = decision.offer
    macro = {tau: f1_score(classes, adjusted_classes(scores, counts, tau), average="macro") for tau in TAUS}
    assert offer.f1_macro == pytest.approx(max(macro.values()))
    assert offer.f1_macro_argmax == pytest.approx(macro[0.0])
    assert offer.f1_macro > offer.f1_macro_argmax
    assert offer.f1_micro_argmax == pytest.approx((scores.argmax(axis=1) == classes).mean())
    assert decision.to_json(["a", "b", "c"])["logit_adjustment_offer"]["tau"] == offer.tau > 0


def test_a_class_without_train_rows_gains_nothing_from_tau():
    scores = np.array([[0.5, 0.4, 0.1]], np.float32)
    assert adjusted_classes(scores, np.array([90, 10, 0]), 2.0).tolist() == [1]
    assert tune_tau(scores, np.array([0], np.int32), np.array([90, 10, 0])).tau == 0


def test_a_target_precision_finds_the_most_that_can_be_found_at_it():
    # by rank of label 0: hit, hit, miss, hit, miss: precision 1, 1, 2/3, 3/4, 3/5; of label 1: miss, hit: 0, 1/2
    scores = np.array([[0.9, 0.2], [0.8, 0.9], [0.7, 0.8], [0.6, 0.1], [0.5, 0.0]], np.float32)
    labels = sparse_of([[1, 0], [1, 0], [0, 1], [1, 0], [0, 0]])
    thresholds, reached = tune_per_label(scores, labels, target_precision=0.7)
    assert thresholds == pytest.approx([0.55, 0.5])
    assert reached == pytest.approx([3 / 4, 1 / 2])
    assert tune_per_label(scores, labels, target_precision=0.9)[0][0] == pytest.approx(0.75)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.floats(0.1, 1))
def test_no_threshold_of_that_precision_finds_more(seed, n_rows, target):
    rng = np.random.default_rng(seed)
    scores = (rng.integers(0, 9, (n_rows, 1)) / 8).astype(np.float32)
    labels = rng.random((n_rows, 1)) < 0.5
    if not labels.any():
        return
    thresholds, _ = tune_per_label(scores, sparse_of(labels), target_precision=target)
    tried = []
    for threshold in [*np.unique(scores), thresholds[0]]:
        given = scores[:, 0] >= threshold
        tried.append((labels[given].mean(), labels[given].sum()))
    enough = [found for precision, found in tried if precision >= target]
    assert tried[-1] == (max(tried)[0], tried[-1][1]) if not enough else tried[-1][1] == max(enough)


def test_a_global_threshold_serves_every_label_where_micro_f1_is_the_aim():
    rng = np.random.default_rng(0)
    labels = rng.random((60, 3)) < [0.5, 0.3, 0.2]
    scores = (rng.random((60, 3)) * 0.6 + labels * 0.3).astype(np.float32)
    settled = {"task": "multilabel", "train_counts": labels.sum(axis=0)}
    one = tune_decision(scores, sparse_of(labels), **settled, aim=DecisionAim("global"))
    each = tune_decision(scores, sparse_of(labels), **settled)
    assert set(one.thresholds) == {one.global_threshold}
    micro = [f1_score(labels, rule.predict(scores).toarray(), average="micro") for rule in (one, each)]
    assert micro[0] == pytest.approx(max(f1_score(labels, scores >= t, average="micro") for t in np.unique(scores)))
    assert {label["source"] for label in one.to_json(["a", "b", "c"])["labels"]} == {"global"}


def test_tau_is_applied_where_it_is_asked_for():
    rng = np.random.default_rng(2)
    classes = rng.choice(3, 300, p=[0.8, 0.15, 0.05]).astype(np.int32)
    counts = np.bincount(classes, minlength=3)
    logits = rng.normal(size=(300, 3)) + 1.2 * np.eye(3)[classes] + np.log(counts / 300)
    scores = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
    settled = {"task": "multiclass", "train_counts": counts}
    decision = tune_decision(scores, sparse_of(np.eye(3)[classes]), **settled, aim=DecisionAim(adjust=True))
    assert decision.tau == decision.offer.tau > 0
    assert (decision.predict(scores).indices == adjusted_classes(scores, counts, decision.tau)).all()
    right = decision.predict(scores).indices == classes
    assert decision.offer.f1_micro == pytest.approx(right.mean()), "what it costs is told"


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("adjust", [False, True])
def test_a_rule_that_was_written_predicts_the_same(task, adjust):
    rng = np.random.default_rng(5)
    n_labels = 2 if task == "binary" else 4
    labels = np.eye(n_labels, dtype=bool)[rng.choice(n_labels, 80, p=[0.7, *[0.3 / (n_labels - 1)] * (n_labels - 1)])]
    scores = (rng.random((80, n_labels)) + labels * 0.4).astype(np.float32)
    counts = labels.sum(axis=0)
    decision = tune_decision(scores, sparse_of(labels), task=task, train_counts=counts, aim=DecisionAim(adjust=adjust))
    written = json.loads(json.dumps(decision.to_json([f"label {at}" for at in range(n_labels)])))
    again = Decision.from_json(written, n_labels)
    assert (again.predict(scores) != decision.predict(scores)).nnz == 0


def test_without_validation_rows_there_is_still_a_rule():
    nothing = np.zeros((0, 2), np.float32)
    counts = np.array([3, 9])
    for task in ("binary", "multiclass", "multilabel"):
        decision = tune_decision(nothing, sparse_of(nothing), task=task, train_counts=counts)
        assert isinstance(decision, Decision)
        assert decision.predict(np.array([[0.9, 0.1]], np.float32)).toarray().tolist() == [[1, 0]]
