"""Budgets: what is cut first, in which steps, and what is said."""

from __future__ import annotations

import pytest

from evenly.comparison.budget import Speed, fit_budget

SPEED = Speed(start_s=10.0, row_epoch_s=0.001)


def test_the_speed_is_the_line_through_two_runs():
    # 1,000 rows read in 12 s, 4,000 in 15 s: a ms a row, 11 s to start
    found = Speed.between((1_000, 12.0), (4_000, 15.0))
    assert (found.start_s, found.row_epoch_s) == (pytest.approx(11.0), pytest.approx(0.001))


def test_noise_never_gives_negative_seconds():
    found = Speed.between((1_000, 15.0), (4_000, 14.0))
    assert (found.start_s, found.row_epoch_s) == (15.0, 0.0)


@pytest.mark.parametrize(
    ("minutes", "epochs", "rows"),
    [
        (20.0, 30, None),  # 80 s a run: 10 + .001 * 1.25 * 1,800 * 30 = 77.5
        (15.0, 20, None),  # 60 s: 55 at 20
        (10.0, 10, None),  # 40 s: 32.5 at 10
    ],
)
def test_epochs_are_cut_first(minutes, epochs, rows):
    cut = fit_budget(minutes, SPEED, n_runs=15, n_rows=1_800, epochs=30)
    assert (cut.epochs, cut.rows) == (epochs, rows)


def test_then_rows_and_then_the_rest_of_the_epochs():
    # 40 s a run: 30 s for 1.25 ms * rows * epochs: 2,400 rows at 10 epochs
    assert fit_budget(10.0, SPEED, n_runs=15, n_rows=90_000, epochs=30).rows == 2_000
    # 16 s a run: 2,000 rows at 2 epochs take 15
    cut = fit_budget(4.0, SPEED, n_runs=15, n_rows=90_000, epochs=30)
    assert (cut.epochs, cut.rows) == (2, 2_000)


def test_what_was_cut_is_said():
    cut = fit_budget(10.0, SPEED, n_runs=15, n_rows=90_000, epochs=30)
    [sentence] = cut.sentences
    assert sentence == (
        "To train 15 models in 10 minutes, each got 10 epochs at most instead of 30 and a sample of 2,000 of the "
        "90,000 train rows (and as large a share of the others)."
    )
    assert fit_budget(60.0, SPEED, n_runs=15, n_rows=1_800, epochs=30).sentences == ()


def test_a_budget_that_nothing_meets_is_told():
    cut = fit_budget(0.5, SPEED, n_runs=15, n_rows=1_000, epochs=3)
    assert (cut.epochs, cut.rows) == (1, None)
    assert "longer than 0.5 minutes" in cut.sentences[-1]
