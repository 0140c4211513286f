"""Intervals: Student's t by hand, scipy's paired test, Holm's own numbers, and coverage in a simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evenly.comparison.intervals import estimate, holm, pooled_spread

N_UNITS = 100


def flat(by_seed, n_replicates=50):
    """Return replicates on which the rows make no difference at all."""
    return np.repeat(np.asarray(by_seed, float)[:, None], 1 + n_replicates, axis=1)


def test_with_certain_rows_it_is_the_paired_t_test():
    ours, theirs = np.array([0.52, 0.55, 0.50]), np.array([0.49, 0.51, 0.48])
    found = estimate(flat(ours - theirs), N_UNITS, pooled_spread(np.stack([ours, theirs])))
    expected = stats.ttest_rel(ours, theirs)
    bounds = expected.confidence_interval(0.95)
    assert found.value == pytest.approx(0.03)
    assert (found.low, found.high, found.p) == pytest.approx((bounds.low, bounds.high, expected.pvalue))


def test_with_one_seed_it_is_the_spread_over_the_rows():
    drawn = np.array([0.01, 0.03, 0.05, 0.03])  # variance 8/3 e-4
    found = estimate(np.concatenate([[0.03], drawn])[None], N_UNITS)
    half = stats.t.ppf(0.975, N_UNITS - 1) * np.sqrt(8e-4 / 3)
    assert (found.low, found.high) == pytest.approx((0.03 - half, 0.03 + half))


def test_variances_of_seeds_and_rows_add_with_satterthwaites_degrees_of_freedom():
    by_seed = np.array([0.01, 0.02, 0.03])
    replicates = np.concatenate([by_seed[:, None], by_seed[:, None] + np.array([[-0.02, 0.0, 0.02]])], axis=1)
    of_seeds, of_rows = 1e-4 / 3, 4e-4
    freedom = (of_seeds + of_rows) ** 2 / (of_seeds**2 / 2 + of_rows**2 / (N_UNITS - 1))
    half = stats.t.ppf(0.975, freedom) * np.sqrt(of_seeds + of_rows)
    assert estimate(replicates, N_UNITS).high == pytest.approx(0.02 + half)


def test_the_pooled_spread_is_the_residual_of_the_block_design():
    # rows: strategies, columns: seeds; row means 2, 3, 4, column means 2, 4, 3, total 3
    values = np.array([[1.0, 3.0, 2.0], [2.0, 4.0, 3.0], [3.0, 5.0, 4.0]])
    assert pooled_spread(values).variance == pytest.approx(0.0)
    values[0, 0] += 9.0  # residuals 4, -2, -2, -2, 1, 1, -2, 1, 1: squares sum to 36, over 2 * 2
    found = pooled_spread(values)
    assert (found.variance, found.freedom) == (pytest.approx(2 * 36 / 4 / 3), 4)


def test_pooled_spread_takes_two_strategies_and_two_seeds():
    assert pooled_spread(np.ones((4, 1))) is None
    assert pooled_spread(np.ones((1, 4))) is None


def test_a_strategy_that_is_clearly_less_steady_keeps_its_own_spread():
    calm = pooled_spread(np.array([[0.0, 0.001, 0.0], [0.001, 0.0, 0.0], [0.0, 0.0, 0.001]]))
    wild = flat([-0.3, 0.0, 0.36])
    alone, pooled = estimate(wild, N_UNITS), estimate(wild, N_UNITS, calm)
    assert (pooled.low, pooled.high) == (alone.low, alone.high)
    steady = flat([0.0200, 0.0201, 0.0199])
    assert estimate(steady, N_UNITS, calm).high - 0.02 == pytest.approx(
        stats.t.ppf(0.975, calm.freedom) * calm.variance**0.5
    )


def test_few_rows_give_no_interval():
    found = estimate(flat([0.1, 0.2, 0.3]), 9)
    assert (found.value, found.low, found.high, found.p) == (pytest.approx(0.2), None, None, None)


def test_what_is_not_defined_on_the_test_rows_has_no_estimate_and_replicates_without_it_are_left_out():
    assert estimate(np.full((2, 5), np.nan), N_UNITS) is None
    replicates = np.array([[0.1, 0.0, np.nan, 0.2]])
    assert estimate(replicates, N_UNITS).high == estimate(replicates[:, [0, 1, 3]], N_UNITS).high


def test_no_difference_at_all_is_no_difference():
    found = estimate(flat([0.0, 0.0]), N_UNITS)
    assert (found.low, found.high, found.p) == (0.0, 0.0, 1.0)


def test_holm_has_the_numbers_of_its_definition():
    # sorted .005 .01 .03 .04 times 4 3 2 1: .02 .03 .06 .04, made to ascend
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_p_and_bonferroni_and_keeps_the_order(p_values):
    adjusted = np.array(holm(p_values))
    assert (adjusted >= np.array(p_values) - 1e-12).all()
    assert (adjusted <= np.minimum(1, len(p_values) * np.array(p_values)) + 1e-12).all()
    assert (np.diff(adjusted[np.argsort(p_values, kind="stable")]) >= 0).all()


def test_the_interval_covers_the_true_difference_about_as_often_as_it_says():
    rng, covered, n = np.random.default_rng(0), 0, 400
    for _ in range(n):
        rows = rng.normal(0, 1, (1, 80)) + 0.3 * rng.normal(0, 1, (3, 80)) + 0.1 * rng.normal(0, 1, (3, 1))
        drawn = rng.integers(80, size=(120, 80))
        replicates = np.concatenate([rows.mean(axis=1)[:, None], rows[:, drawn].mean(axis=2)], axis=1)
        found = estimate(replicates, 80)
        covered += found.low <= 0 <= found.high
    assert 0.93 <= covered / n <= 0.99
