"""The sentences about a result: they say so when the network loses."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import sparse

from evenly.train.evaluation.evaluate import Scored, evaluate
from evenly.train.evaluation.verdict import headline, judge, shown

NAMES = ["a", "b", "c", "d"]
COUNTS = np.array([60, 30, 10, 0])


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    parts = {}
    for split, n_rows in (("validation", 50), ("test", 40)):
        labels = rng.random((n_rows, 4)) < [0.6, 0.3, 0, 0]
        if split == "validation":
            labels[:3, 2] = True
        scores = (rng.random((n_rows, 4)) * [1, 1, 0, 0]).astype(np.float32)
        parts[split] = Scored(np.arange(n_rows), sparse.csr_matrix(labels.astype(np.int8)), scores)
    return evaluate(parts, task="multilabel", train_counts=COUNTS)


def judged(found, metrics):
    predicted = sum(each.predicted for each in found.per_label.values())
    return judge(metrics, found, NAMES, train_counts=COUNTS, seen_labels=predicted)


@pytest.mark.parametrize(
    ("network", "expected"),
    [(0.5, "beats .* by 10.0 points"), (0.402, "is level"), (0.355, "loses to .* by 4.5 points")],
    ids=["wins", "level", "loses"],
)
def test_it_says_who_wins(found, network, expected):
    sentences = judged(found, {"test/f1_macro": network, "baseline/f1_macro": 0.4})
    assert len(sentences) == 4
    assert re.search(expected, sentences[0])


def test_labels_that_cannot_be_trusted_are_named(found):
    sentences = judged(found, {})
    assert sentences == [
        "1 label is never predicted, on validation or test: 'c'.",
        "1 label is held by fewer than 5 validation rows; its threshold is the global one: 'c'.",
        "1 label is in no train row, masked in the loss and never learnt: 'd'.",
    ]


def test_learning_by_heart_is_said(found):
    far = judged(found, {"train/pr_auc_macro": 0.95, "validation/pr_auc_macro": 0.4})
    assert far[0].startswith("Validation is far below training: PR-AUC .400 against .950.")
    near = judged(found, {"train/pr_auc_macro": 0.6, "validation/pr_auc_macro": 0.4})
    assert not any("far below" in sentence for sentence in near)


def test_headline_names_the_baseline_once():
    metrics = {"test/f1_macro": 0.4123, "test/f1_micro": 1.0, "test/pr_auc_macro": 0.05}
    assert headline(metrics) == "test: macro-F1 .412, micro-F1 1.000, PR-AUC .050"
    beside = metrics | {f"baseline/{name}": 0.3 for name in ("f1_macro", "f1_micro", "pr_auc_macro")}
    assert headline(beside) == (
        "test: macro-F1 .412 (baseline TF-IDF + logistic regression .300), micro-F1 1.000 (.300), PR-AUC .050 (.300)"
    )
    assert "nothing can be measured" in headline({"test/n_rows": 0})
    assert shown(0.9996) == "1.000"
