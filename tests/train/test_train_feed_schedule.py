from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenly.errors import ConfigError, DataError
from evenly.train.feed.arrange import arrange
from evenly.train.feed.copies import read_copies
from evenly.train.feed.options import FeedOptions
from evenly.train.feed.runs import Group, cut_runs
from evenly.train.feed.schedule import EpochsAhead, Schedule
from evenly.train.feed.widths import choose_widths, join_small_buckets, round_width
from token_tables import write_plan


def make_schedule(copies: list[int], lengths: list[int] | None = None, **options) -> Schedule:
    entries = np.repeat(np.arange(len(copies), dtype=np.int32), copies)
    length = np.array(lengths or [1] * len(copies), np.int32)
    size = {} if "batch_tokens" in options else {"batch_size": 4}
    asked = FeedOptions(**{"split": "train", "n_labels": 1, "pad_id": 0, "shuffle": True, **size, **options})
    return arrange(entries, length, asked, row_bytes=8, n_columns=1)[0]


schedules = st.builds(
    lambda copies, **options: make_schedule(copies, [1 + 7 * i % 11 for i in range(len(copies))], **options),
    st.lists(st.integers(0, 3), max_size=60),
    batch_size=st.integers(1, 9),
    shuffle=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
    buckets=st.sampled_from(["window", None, (3, 8), (11,)]),
    drop_remainder=st.booleans(),
)


@settings(max_examples=100, deadline=None)
@given(schedules, st.integers(0, 3))
def test_every_copy_once_in_the_order_and_every_step_once_in_the_sequence(schedule, number):
    epoch, again = schedule.epoch(number), schedule.epoch(number)
    np.testing.assert_array_equal(np.sort(epoch.order), np.sort(schedule.entries))
    np.testing.assert_array_equal(epoch.order, again.order)
    np.testing.assert_array_equal(epoch.sequence, again.sequence)
    assert sorted(epoch.sequence.tolist()) == list(range(schedule.n_runs))
    assert epoch.bounds[-1] == schedule.steps_per_epoch
    assert np.all(np.diff(epoch.bounds) >= 1)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=4),
    st.integers(2, 9),
    st.integers(1, 4),
    st.integers(1, 3),
    st.booleans(),
)
def test_runs_cover_each_group_and_leave_no_worker_without_rows(counts, size, run_steps, n_workers, drop_remainder):
    groups = [Group(0 if n < n_workers else n, size, 8) for n in counts]
    runs = cut_runs(groups, run_steps=[run_steps] * len(groups), n_workers=n_workers, drop_remainder=drop_remainder)
    assert np.all(runs.n_rows >= n_workers)
    assert np.all(runs.n_rows <= size * n_workers)
    assert np.all((runs.n_steps >= 1) & (runs.n_steps <= run_steps))
    n_covered = runs.n_steps * runs.n_rows
    covered = [first + i for first, n in zip(runs.first, n_covered, strict=True) for i in range(n)]
    whole, first = [], 0
    for group in groups:
        kept = group.n_rows - group.n_rows % (size * n_workers) if drop_remainder else group.n_rows
        whole += range(first, first + kept)
        first += group.n_rows
    assert covered == whole


@pytest.mark.parametrize(
    ("n_rows", "size", "n_workers", "steps"),
    [
        (9, 4, 2, [7, 2]),  # 8 + 1: one row is too few for two workers, so one of the eight goes with it
        (10, 4, 2, [8, 2]),
        (8, 4, 2, [8]),
        (5, 4, 1, [4, 1]),
        (3, 8, 2, [3]),
    ],
)
def test_the_last_steps_by_hand(n_rows, size, n_workers, steps):
    runs = cut_runs([Group(n_rows, size, 8)], run_steps=[5], n_workers=n_workers, drop_remainder=False)
    assert np.repeat(runs.n_rows, runs.n_steps).tolist() == steps


@pytest.mark.parametrize(("n_rows", "size"), [(3, 1), (1, 4)])
def test_rows_that_cannot_be_divided_are_refused(n_rows, size):
    with pytest.raises(ConfigError, match=rf"{n_rows} rows cannot be divided .* drop_remainder=True"):
        cut_runs([Group(n_rows, size, 8)], run_steps=[1], n_workers=2, drop_remainder=False)


def test_order_depends_on_seed_and_epoch_alone():
    copies = [1] * 50
    first = make_schedule(copies, seed=3)
    np.testing.assert_array_equal(first.epoch(2).order, make_schedule(copies, seed=3).epoch(2).order)
    assert not np.array_equal(first.epoch(0).order, first.epoch(1).order)
    assert not np.array_equal(first.epoch(0).order, make_schedule(copies, seed=4).epoch(0).order)


def test_without_shuffle_rows_ascend_and_copies_stand_together():
    schedule = make_schedule([1, 0, 3, 1], shuffle=False)
    assert schedule.epoch(0).order.tolist() == schedule.epoch(5).order.tolist() == [0, 2, 2, 2, 3]
    assert np.repeat(schedule.runs.n_rows, schedule.runs.n_steps).tolist() == [4, 1]


def test_what_is_dropped_changes_from_epoch_to_epoch():
    schedule = make_schedule([1] * 7, drop_remainder=True)
    assert (schedule.steps_per_epoch, schedule.rows_per_epoch) == (1, 4)
    seen = {row for epoch in range(20) for row in schedule.epoch(epoch).order[:4].tolist()}
    assert seen == set(range(7))


def test_a_run_holds_rows_of_like_length():
    lengths = np.random.default_rng(0).integers(1, 1000, 256).tolist()
    schedule = make_schedule([1] * 256, lengths, batch_size=4)  # one window of 16 runs of 16 rows
    assert schedule.runs.n_steps.tolist() == [4] * 16
    epoch = schedule.epoch(0)
    runs = schedule.length[epoch.order].reshape(16, 16)
    np.testing.assert_array_equal(np.sort(runs, axis=None), np.sort(lengths))
    assert np.all(runs[:-1].max(axis=1) <= runs[1:].min(axis=1))  # runs are slices of the sorted window
    assert any(not np.all(np.diff(run) >= 0) for run in runs)  # within which rows are in random order
    assert not np.all(np.diff(epoch.sequence) >= 0)  # as are the runs
    mixed = make_schedule([1] * 256, lengths, buckets=None)
    spread = np.ptp(mixed.length[mixed.epoch(0).order].reshape(16, 16), axis=1)
    assert np.median(spread) > 5 * np.median(np.ptp(runs, axis=1))


def test_a_budget_makes_batches_of_short_rows_large_ones_of_long_rows_small():
    lengths = [8] * 100 + [16] * 100 + [40] * 7
    schedule = make_schedule([1] * 207, lengths, batch_tokens=80, buckets=(8, 16, 40))
    steps = set(zip(schedule.runs.width.tolist(), schedule.runs.n_rows.tolist(), strict=True))
    assert steps == {(8, 10), (16, 5), (40, 2), (40, 1)}
    assert schedule.steps_per_epoch == 10 + 20 + 4
    assert {schedule.epoch(number).bounds[-1] for number in range(3)} == {34}


def test_widths_grow_by_an_eighth_and_end_with_the_longest_row():
    assert choose_widths(None, 100).tolist() == [8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 100]
    assert choose_widths(None, 210).tolist()[-5:] == [144, 160, 176, 192, 210]  # 192 / 8 = 24, but no row needs 216
    assert choose_widths((16, 64), 100).tolist() == [16, 64, 100]
    assert choose_widths((16, 128), 100).tolist() == [16, 128]
    assert [round_width(n) for n in (0, 1, 8, 9)] == [8, 8, 8, 16]


@pytest.mark.parametrize("given_widths", [(), (0, 4), (8, 8), (16, 8)])
def test_widths_that_do_not_ascend_are_refused(given_widths):
    with pytest.raises(ConfigError, match=r"expected widths that ascend"):
        choose_widths(given_widths, 10)


@pytest.mark.parametrize(
    ("counts", "at_least", "n_workers", "kept"),
    [
        ([5, 5, 5], 5, 1, [0, 1, 2]),
        ([2, 5, 5], 5, 1, [1, 2]),  # the two narrow rows are read with the next
        ([5, 0, 1], 1, 1, [0, 2]),  # an empty bucket is none
        ([5, 5, 1], 2, 2, [0, 2]),  # the widest has one row for two workers: the one before joins it
        ([0, 0, 0], 1, 1, [2]),
    ],
)
def test_small_buckets_join_the_next(counts, at_least, n_workers, kept):
    found = join_small_buckets(np.array(counts), np.full(3, at_least), n_workers)
    assert found.tolist() == kept


def test_the_next_epoch_is_made_ahead():
    class Counted:
        made: list[int]

        def __init__(self) -> None:
            self.made = []

        def epoch(self, number: int) -> int:
            self.made.append(number)
            return number * 10

    schedule = Counted()
    epochs = EpochsAhead(schedule)
    assert [epochs.get(0, ahead=True), epochs.get(0, ahead=True), epochs.get(1), epochs.get(0)] == [0, 0, 10, 0]
    assert schedule.made == [0, 1]
    assert epochs.get(7) == 70
    assert schedule.made == [0, 1, 7]


def test_copies_of_a_plan_and_of_its_synthetic_rows(tmp_path):
    plan = write_plan(tmp_path / "plan", {7: 0, 2: 3, 5: 1}, [(11, "a", [0]), (10, "b", [0])])
    assert read_copies(plan, np.array([2, 5, 7, 10, 11])).tolist() == [3, 1, 0, 1, 1]
    assert read_copies(plan, np.array([2, 2, 5, 7, 7, 10, 11])).tolist() == [3, 3, 1, 0, 0, 1, 1]  # windows


@pytest.mark.parametrize("rows", [[2, 5], [2, 5, 7, 8], [2, 5, 8]], ids=["too few", "too many", "others"])
def test_a_plan_of_other_rows_is_refused(tmp_path, rows):
    plan = write_plan(tmp_path / "plan", {2: 3, 5: 1, 7: 1}, [])
    with pytest.raises(DataError, match=r"row [78] is not once in both"):
        read_copies(plan, np.array(rows))
