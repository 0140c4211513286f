"""Each warning: a case that triggers it, and one like it that does not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from evenly.train.evaluation.decisions import DecisionAim
from evenly.train.evaluation.evaluate import Scored, evaluate
from evenly.train.evaluation.warnings import Circumstances, find_warnings

NAMES = ["a", "b", "c", "d"]
COUNTS = np.array([600, 300, 100, 50])


def scored(labels, scores):
    labels = np.asarray(labels)
    return Scored(np.arange(len(labels)), sparse.csr_matrix(labels.astype(np.int8)), np.asarray(scores, np.float32))


def good(n_rows, *, held=(0.5, 0.4, 0.3, 0.25), task="multilabel", seed=0):
    """Return labels, and scores that tell them well."""
    rng = np.random.default_rng(seed)
    if task == "multilabel":
        labels = rng.random((n_rows, len(held))) < held
    else:
        labels = np.eye(len(held), dtype=bool)[rng.choice(len(held), n_rows, p=held)]
    return labels, np.clip(labels * 0.6 + rng.random(labels.shape) * 0.35, 0, 1)


PLAIN = DecisionAim()


def judged(validation, test, *, task="multilabel", counts=COUNTS, aim=PLAIN, more=None, **given):
    parts = {"validation": scored(*validation), "test": scored(*test)}
    units = np.arange(max(len(part.rows) for part in parts.values()))
    found = evaluate(parts, task=task, train_counts=counts, n_train=1000, units=units, aim=aim)
    metrics = {f"{where}/{name}": value for where, part in found.metrics.items() for name, value in part.items()}
    names = NAMES[: len(counts)]
    return find_warnings(metrics | (more or {}), found, names, train_counts=counts, **given)


def test_a_good_result_needs_no_warning():
    assert judged(good(100), good(100, seed=1)) == []


def test_leaks():
    found = judged(good(100), good(100, seed=1), circumstances=Circumstances(n_leaked_rows=12))
    assert len(found) == 1
    assert found[0].startswith("Leak: 12 validation and test rows have the text")


def test_validation_far_below_training():
    areas = {"train/pr_auc_macro": 0.95, "validation/pr_auc_macro": 0.4}
    (found,) = judged(good(100), good(100, seed=1), more=areas)
    assert found.startswith("Validation is far below training: PR-AUC .400 against .950.")
    near = {"train/pr_auc_macro": 0.6, "validation/pr_auc_macro": 0.4}
    assert judged(good(100), good(100, seed=1), more=near) == []


def rare_class(n_rows, share, seed, *, overlap):
    """Return a class of `share` of the rows whose scores lie by `overlap` among the highest of the other."""
    rng = np.random.default_rng(seed)
    holds = np.arange(n_rows) < n_rows * share
    score = rng.random(n_rows) * 0.9
    score[holds] = rng.random(holds.sum()) * 0.1 + (0.82 if overlap else 0.9)
    labels = np.stack([~holds, holds], axis=1)
    return labels, np.stack([1 - score, score], axis=1)


def test_a_roc_auc_that_few_positives_flatter():
    binary = {"task": "binary", "counts": np.array([3990, 10])}
    found = judged(rare_class(4000, 1 / 400, 0, overlap=True), rare_class(4000, 1 / 400, 1, overlap=True), **binary)
    (sentence,) = [each for each in found if each.startswith("ROC-AUC")]
    assert "with 1 positive in 400 rows" in sentence
    clear = judged(rare_class(4000, 1 / 400, 0, overlap=False), rare_class(4000, 1 / 400, 1, overlap=False), **binary)
    assert not [each for each in clear if each.startswith("ROC-AUC")]
    often = judged(rare_class(4000, 0.3, 0, overlap=True), rare_class(4000, 0.3, 1, overlap=True), **binary)
    assert not [each for each in often if each.startswith("ROC-AUC")]


def test_an_accuracy_that_a_constant_answer_reaches():
    counts = np.array([900, 60, 40])
    parts = [good(300, held=(0.9, 0.06, 0.04), task="multiclass", seed=seed) for seed in (0, 1)]
    (found,) = [each for each in judged(*parts, task="multiclass", counts=counts) if each.startswith("Accuracy")]
    assert "always answering that class" in found
    even = [good(300, held=(0.4, 0.3, 0.3), task="multiclass", seed=seed) for seed in (0, 1)]
    assert judged(*even, task="multiclass", counts=counts) == []


def test_a_hamming_loss_that_predicting_nothing_reaches():
    rng = np.random.default_rng(0)
    held = (0.1, 0.05, 0.05, 0.04)
    labels, scores = good(400, held=held)
    chance = labels, rng.random((400, 4))
    (found,) = [each for each in judged(chance, chance) if "Hamming" in each]
    assert "predicting nothing at all has" in found
    assert not [each for each in judged((labels, scores), (labels, scores)) if "Hamming" in each]


def test_labels_that_are_never_predicted():
    labels, scores = good(100)
    scores[:, 2] = 0.01
    low = scores.copy()
    low[:, 2] = 0.001
    validation = labels.copy()
    validation[:, 2] = False
    validation[:3, 2] = True
    found = judged((validation, scores), (labels, low))
    assert "1 label is never predicted, on validation or test: 'c'." in found
    assert "1 label is held by fewer than 5 validation rows; its threshold is the global one: 'c'." in found


def test_labels_of_so_few_test_rows_that_their_f1_says_little():
    labels, scores = good(100)
    rng = np.random.default_rng(1)
    labels[:, 3] = False
    labels[:4, 3] = True
    scores[:, 3] = rng.random(100) * 0.2
    scores[:2, 3] = 0.9
    (found,) = judged(good(100, seed=1), (labels, scores))
    assert found.startswith("1 label has so few test rows that the F1 says little: with 4 test rows, that of 'd'")
    scores[:4, 3] = 0.9
    assert judged(good(100, seed=1), (labels, scores)) == [], "found without fail, it is known well"
    scores[2:4, 3] = 0.1
    apart = judged(good(100, seed=1), (labels, scores), baseline_f1=np.array([1, 1, 1, -1.0]))
    assert apart == [], "the difference to the baseline is wider than the interval"


def test_a_precision_that_no_threshold_reaches():
    labels, scores = good(100)
    rng = np.random.default_rng(2)
    scores[:, 1] = rng.random(100)
    aim = DecisionAim(target_precision=0.95)
    scores[np.argmax(scores[:, 1]), 1] = 0.5
    best = np.argmax(scores[:, 1])
    labels[best, 1] = False
    found = judged((labels, scores), good(100, seed=1), aim=aim)
    assert found == [
        "1 label is below the precision of .950 at every threshold on validation and takes the most precise one: 'b'."
    ]
    assert judged(good(100), good(100, seed=1), aim=aim) == []


def test_labels_without_train_rows():
    found = judged(good(100), good(100, seed=1), counts=np.array([600, 300, 100, 0]))
    assert found == ["1 label is in no train row, masked in the loss and never learnt: 'd'."]


@pytest.mark.parametrize(("share", "n_sentences"), [(0.4, 1), (0.02, 0)])
def test_truncation(share, n_sentences):
    cut = Circumstances(truncated_rows=share, lost_tokens=share / 2)
    found = judged(good(100), good(100, seed=1), circumstances=cut)
    assert len(found) == n_sentences
    if found:
        assert found[0].startswith("40% of the rows were cut, 20% of all tokens lost")
