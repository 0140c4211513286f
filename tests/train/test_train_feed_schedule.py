from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenly.errors import DataError
from evenly.train.feed.schedule import Schedule, read_copies
from token_tables import write_plan


def make_schedule(copies: list[int], lengths: list[int] | None = None, **options) -> Schedule:
    entries = np.repeat(np.arange(len(copies)), copies)
    length = np.array(lengths or [1] * len(copies), np.int32)
    settings = {"batch_size": 4, "shuffle": True, "seed": 0, "window_rows": 64, "run_batches": 2}
    return Schedule(entries, length, **{**settings, "drop_remainder": False, **options})


schedules = st.builds(
    lambda copies, **options: make_schedule(copies, [1 + 7 * i % 11 for i in range(len(copies))], **options),
    st.lists(st.integers(0, 3), max_size=60),
    batch_size=st.integers(1, 9),
    shuffle=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
    window_rows=st.integers(0, 70),
    run_batches=st.integers(1, 5),
    drop_remainder=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(schedules, st.integers(0, 3))
def test_every_copy_once_an_epoch(schedule, epoch):
    order = schedule.order(epoch)
    kept = len(schedule.entries)
    if schedule.drop_remainder:
        kept -= kept % schedule.batch_size
        assert np.all(np.isin(order, schedule.entries))
        n_copies = np.bincount(schedule.entries, minlength=100)
        assert np.all(np.bincount(order, minlength=100) <= n_copies)
    else:
        np.testing.assert_array_equal(np.sort(order), schedule.entries)
    assert len(order) == schedule.rows_per_epoch == kept
    np.testing.assert_array_equal(order, schedule.order(epoch))


@settings(max_examples=100, deadline=None)
@given(schedules)
def test_runs_partition_the_batches_and_hold_full_ones_but_for_the_last(schedule):
    bounds = schedule.run_bounds
    assert bounds[0] == 0
    assert bounds[-1] == schedule.steps_per_epoch
    assert np.all(np.diff(bounds) >= 1)
    assert np.all(np.diff(bounds) <= schedule.run_batches)
    if schedule.rows_per_epoch % schedule.batch_size and len(bounds) > 1:
        assert bounds[-1] - bounds[-2] == 1


def test_order_depends_on_seed_and_epoch_alone():
    copies = [1] * 50
    first = make_schedule(copies, seed=3)
    np.testing.assert_array_equal(first.order(2), make_schedule(copies, seed=3).order(2))
    assert not np.array_equal(first.order(0), first.order(1))
    assert not np.array_equal(first.order(0), make_schedule(copies, seed=4).order(0))


def test_without_shuffle_rows_ascend_and_copies_stand_together():
    schedule = make_schedule([1, 0, 3, 1], shuffle=False)
    assert schedule.order(0).tolist() == schedule.order(5).tolist() == [0, 2, 2, 2, 3]
    assert schedule.run_bounds.tolist() == [0, 1, 2]  # one full batch, one of the rest


def test_what_is_dropped_changes_from_epoch_to_epoch():
    schedule = make_schedule([1] * 7, batch_size=4, drop_remainder=True)
    assert schedule.steps_per_epoch == 1
    seen = {row for epoch in range(20) for row in schedule.order(epoch).tolist()}
    assert seen == set(range(7))


def test_a_run_holds_rows_of_like_length():
    lengths = np.random.default_rng(0).integers(1, 1000, 256).tolist()
    schedule = make_schedule([1] * 256, lengths, window_rows=256, run_batches=4)  # 16 runs of 16 rows
    runs = schedule.length[schedule.order(0)].reshape(16, 16)
    np.testing.assert_array_equal(np.sort(runs, axis=None), np.sort(lengths))
    by_length = runs[np.argsort(runs[:, 0])]
    assert np.all(by_length[:-1].max(axis=1) <= by_length[1:].min(axis=1))  # runs are slices of the sorted window
    assert not np.all(np.diff(runs[:, 0]) >= 0)  # in an order of their own
    assert any(not np.all(np.diff(run) >= 0) for run in runs)  # as are the rows within them
    mixed = make_schedule([1] * 256, lengths, window_rows=0, run_batches=4)
    assert np.median(np.ptp(mixed.length[mixed.order(0)].reshape(16, 16), axis=1)) > 5 * np.median(np.ptp(runs, axis=1))


def test_copies_of_a_plan_and_of_its_synthetic_rows(tmp_path):
    plan = write_plan(tmp_path / "plan", {7: 0, 2: 3, 5: 1}, [(11, "a", [0]), (10, "b", [0])])
    assert read_copies(plan, np.array([2, 5, 7, 10, 11])).tolist() == [3, 1, 0, 1, 1]


@pytest.mark.parametrize("rows", [[2, 5], [2, 5, 7, 8], [2, 5, 8]], ids=["too few", "too many", "others"])
def test_a_plan_of_other_rows_is_refused(tmp_path, rows):
    plan = write_plan(tmp_path / "plan", {2: 3, 5: 1, 7: 1}, [])
    with pytest.raises(DataError, match=r"row [78] is not once in both"):
        read_copies(plan, np.array(rows))
