"""The sentence for each outcome: it follows from the corrected intervals alone."""

from __future__ import annotations

import pytest

from evenly.comparison.recommendation import recommend


def difference(value, half=0.01, p_holm=None):
    known = None if half is None else half
    return {
        "value": value,
        "low": None if known is None else value - known,
        "high": None if known is None else value + known,
        "p": None if known is None else p_holm,
        "p_holm": None if known is None else p_holm,
    }


def strategy(name, f1=None, micro=None, *, same=False):
    found = {} if f1 is None else {"f1_macro": f1, **({} if micro is None else {"f1_micro": micro})}
    return {"name": name, "differences": found, "same_as": "none" if same else None}


def figures(*rivals, baseline=None, seeds=3, task="multilabel"):
    return {
        "task": task,
        "reference": "none",
        "metric": "f1_macro",
        "metrics": ["f1_macro", "f1_micro"],
        "seeds": list(range(seeds)),
        "n_test_rows": 450,
        "n_test_units": 440,
        "strategies": [strategy("none"), *rivals],
        "baseline": baseline,
    }


def test_where_nothing_is_established_the_reference_stays():
    found = recommend(
        figures(strategy("weights", difference(0.008, p_holm=0.4)), strategy("over", difference(-0.003, p_holm=0.9)))
    )
    assert found == ["No strategy beats tuned thresholds on this data; keep `none`."]


def test_one_label_a_row_has_no_thresholds_to_speak_of():
    found = recommend(figures(strategy("weights", difference(0.0, p_holm=0.9)), task="multiclass"))
    assert found == ["No strategy beats the plain model on this data; keep `none`."]


def test_what_is_ahead_only_before_the_correction_is_told_as_such():
    found = recommend(
        figures(strategy("weights", difference(0.015, p_holm=0.09)), strategy("over", difference(0.0, p_holm=1.0)))
    )
    assert found[0] == "No strategy beats tuned thresholds on this data; keep `none`."
    assert found[1] == (
        "`weights` is ahead by 1.5 points of macro-F1 (95 % interval 0.5 to 2.5) when it is looked at alone, not when "
        "all 2 strategies are taken into account (Holm: p .090). More seeds (--seeds) or test rows would tell."
    )
    assert len(found) == 2


def test_the_one_that_helps_is_recommended_with_what_it_costs():
    rival = strategy("mlsmote", difference(0.021, p_holm=0.0004), micro=difference(-0.012, 0.005, 0.01))
    assert recommend(figures(rival)) == [
        "Use `mlsmote`: it beats `none` by 2.1 points of macro-F1 (95 % interval 1.1 to 3.1) (Holm: p < .001).",
        "It costs 1.2 points of micro-F1 (95 % interval 0.7 to 1.7).",
    ]


def test_of_several_that_help_the_largest_is_named_and_the_others_too():
    found = recommend(
        figures(strategy("weights", difference(0.02, p_holm=0.01)), strategy("loss", difference(0.03, p_holm=0.02)))
    )
    assert (
        found[0] == "Use `loss`: it beats `none` by 3.0 points of macro-F1 (95 % interval 2.0 to 4.0) (Holm: p .020)."
    )
    assert found[1] == (
        "Better than `none`, too: `weights` (2.0 points of macro-F1 (95 % interval 1.0 to 3.0)); which of them is best "
        "is not tested."
    )
    assert len(found) == 2


def test_what_harms_is_named():
    found = recommend(figures(strategy("over", difference(-0.04, p_holm=0.001))))
    assert found[-1] == "Worse than `none`: `over` (by 4.0 points of macro-F1 (95 % interval 3.0 to 5.0))."


def test_what_changed_nothing_is_no_rival():
    found = recommend(figures(strategy("over", same=True), strategy("smote", same=True)))
    assert found == [
        "No strategy changed anything on this data; keep `none`.",
        "`over`, `smote` give the very predictions of `none`: there was nothing to change.",
    ]


@pytest.mark.parametrize(("value", "verb", "points"), [(0.05, "beats", "5.0"), (-0.05, "loses to", "5.0")])
def test_the_baseline_is_told_where_it_differs(value, verb, points):
    baseline = {"name": "TF-IDF + logistic regression", "differences": {"f1_macro": difference(value, p_holm=0.01)}}
    found = recommend(figures(strategy("weights", difference(0.0, p_holm=0.9)), baseline=baseline))
    assert found[-1].startswith(
        f"TF-IDF + logistic regression, the baseline, {verb} the network without a remedy (`none`) by {points} points"
    )


def test_wide_intervals_and_a_single_seed_are_limits():
    found = recommend(figures(strategy("weights", difference(0.02, 0.06, 0.5)), seeds=1))
    assert found[1].startswith("Every interval is wider than ±3 points with 450 test rows and 1 seed: smaller")
    assert found[2] == "With one seed the intervals leave out how much another seed would change: use three or more."
    assert len(found) == 3


def test_too_few_test_rows_for_intervals():
    found = recommend(figures(strategy("weights", difference(0.3, None))))
    assert found[0] == "No strategy beats tuned thresholds on this data; keep `none`."
    assert "too few for intervals" in found[1]
