"""The sentences about a result: they say so when the network loses, or when nothing is established."""

from __future__ import annotations

import re

import pytest

from evenly.train.evaluation.verdict import compare_with_baseline, headline, shown


@pytest.mark.parametrize(
    ("network", "bounds", "expected"),
    [
        (0.5, None, "beats .* by 10.0 points"),
        (0.402, None, "is level"),
        (0.355, None, "loses to .* by 4.5 points"),
        (0.5, (0.1, 0.02, 0.18), r"^The network beats .* by 10.0 points .* difference \+2.0 to \+18.0 points\)"),
        (0.5, (0.1, -0.02, 0.22), r"does not beat .*: the difference of \+10.0 points may be chance .* -2.0 to \+22.0"),
        (0.355, (-0.045, -0.08, -0.01), r"loses to .* by 4.5 points .* -8.0 to -1.0"),
        (0.355, (-0.045, -0.1, 0.01), r"does not beat .*: the difference of -4.5 points may be chance"),
    ],
    ids=["wins", "level", "loses", "wins clearly", "wins by chance", "loses clearly", "loses by chance"],
)
def test_it_says_who_wins(network, bounds, expected):
    differences = None if bounds is None else {"f1_macro": bounds}
    (sentence,) = compare_with_baseline({"test/f1_macro": network, "baseline/f1_macro": 0.4}, differences)
    assert re.search(expected, sentence)
    assert f"{shown(network)} against .400" in sentence


def test_without_a_baseline_there_is_nothing_to_compare():
    assert compare_with_baseline({"test/f1_macro": 0.4}) == []


def test_headline_names_the_baseline_once():
    metrics = {"test/f1_macro": 0.4123, "test/f1_micro": 1.0, "test/pr_auc_macro": 0.05}
    assert headline(metrics) == "test: macro-F1 .412, micro-F1 1.000, PR-AUC .050"
    beside = metrics | {f"baseline/{name}": 0.3 for name in ("f1_macro", "f1_micro", "pr_auc_macro")}
    assert headline(beside) == (
        "test: macro-F1 .412 (baseline TF-IDF + logistic regression .300), micro-F1 1.000 (.300), PR-AUC .050 (.300)"
    )
    assert "nothing can be measured" in headline({"test/n_rows": 0})
    assert shown(0.9996) == "1.000"
