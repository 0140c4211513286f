"""Which rows stand in which batch: a function of the seed and the epoch alone.

Comes in: which stored rows are to be read (a row with n copies n times), how long each is, and what shapes batches
may have. Goes out: for every epoch the order of the rows, and of the runs of batches that are cut from it. Hence a
run can stop anywhere and go on with the very next batch: nothing but (epoch, step) is needed, and nothing that was
skipped is read. The number of batches is the same in every epoch.

Rows of like length stand together, so that little is padded, in one of two ways. In windows: the shuffled order is
cut into windows, each is sorted by length and cut into runs. In buckets of fixed widths: each is shuffled by itself
and cut into runs. The rows of a run are in random order, and so are the runs of an epoch.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from evenly.train.feed.runs import Runs

__all__ = ["Epoch", "EpochsAhead", "Schedule"]


@dataclass(frozen=True)
class Epoch:
    """What one epoch reads.

    Attributes
    ----------
    order
        Shape (n_entries,), int32: the stored rows, of which each run takes a slice.
    sequence
        Shape (n_runs,), int64: the runs in the order in which they are read.
    bounds
        Shape (n_runs + 1,), int64: the step with which each run begins, and the number of steps.
    """

    order: NDArray[np.int32]
    sequence: NDArray[np.int64]
    bounds: NDArray[np.int64]


@dataclass(frozen=True)
class Schedule:
    """The batches of every epoch.

    Attributes
    ----------
    entries
        Shape (n_entries,), int32: indices of stored rows, group by group.
    group_bounds
        Shape (n_groups + 1,), int64: where each group begins in `entries`.
    length
        Shape (n_stored,), int32: ids of each stored row.
    runs
        What is cut from the order of an epoch.
    shuffle
        False: every epoch is `entries` in order.
    seed
        Of the orders.
    window_rows
        Rows of a group that are sorted by length together; 0: none are.
    """

    entries: NDArray[np.int32]
    group_bounds: NDArray[np.int64]
    length: NDArray[np.int32]
    runs: Runs
    shuffle: bool
    seed: int
    window_rows: int

    @cached_property
    def steps_per_epoch(self) -> int:
        """Batches an epoch, of each worker."""
        return int(self.runs.n_steps.sum())

    @cached_property
    def rows_per_epoch(self) -> int:
        """Rows that all workers together read in an epoch, copies counted."""
        return int(self.runs.n_steps @ self.runs.n_rows)

    @property
    def n_runs(self) -> int:
        """Runs an epoch."""
        return len(self.runs.first)

    def epoch(self, number: int) -> Epoch:
        """Return the order of an epoch."""
        if self.shuffle:
            rng = np.random.default_rng([self.seed, number])
            order, sequence = self._shuffle_rows(rng), self._shuffle_runs(rng)
        else:
            order, sequence = self.entries, np.arange(self.n_runs)
        return Epoch(order, sequence, np.concatenate([[0], np.cumsum(self.runs.n_steps[sequence])]))

    def _shuffle_rows(self, rng: np.random.Generator) -> NDArray[np.int32]:
        groups = np.split(self.entries, self.group_bounds[1:-1])
        order = np.concatenate([rng.permutation(group) for group in groups])
        if self.window_rows and len(self.runs.first):
            run = int(self.runs.n_steps[0] * self.runs.n_rows[0])
            self._sort_windows(order, run, self.window_rows // run * run)
        return order

    def _sort_windows(self, order: NDArray[np.int32], run_rows: int, window_rows: int) -> None:
        """Cut runs of like length from each window of the order; what is no whole run at its end stays as it is."""
        n_sorted = len(order) - len(order) % run_rows
        short = self.length.max(initial=0) < np.iinfo(np.uint16).max
        length = self.length.astype(np.uint16) if short else self.length  # which numpy sorts by radix
        for first in range(0, n_sorted, window_rows) if window_rows > run_rows else ():
            window = order[first : min(first + window_rows, n_sorted)]
            by_length = np.argsort(length[window], kind="stable").reshape(-1, run_rows)
            window[:] = window[np.sort(by_length, axis=1).ravel()]  # within a run the random order from before

    def _shuffle_runs(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the runs in random order; with one group, what is no full batch comes last."""
        if len(self.group_bounds) > 2:  # noqa: PLR2004 - that is, more than one group
            return rng.permutation(self.n_runs)
        full = np.flatnonzero(self.runs.full)
        return np.concatenate([rng.permutation(full), np.flatnonzero(~self.runs.full)])


class EpochsAhead:
    """The epochs of a schedule, of which the next is made while one is read. Safe in several threads."""

    def __init__(self, schedule: Schedule) -> None:
        """Begin with none made."""
        self._schedule = schedule
        self._lock = Lock()
        self._made: dict[int, Future[Epoch]] = {}
        self._thread: ThreadPoolExecutor | None = None

    def get(self, number: int, *, ahead: bool = False) -> Epoch:
        """Return an epoch; `ahead`: and begin with the one after it."""
        with self._lock:
            found = self._begin(number)
            if ahead:
                self._begin(number + 1)
        return found.result()

    def _begin(self, number: int) -> Future[Epoch]:
        if number not in self._made:
            self._thread = self._thread or ThreadPoolExecutor(1, "evenly-epochs")
            self._made[number] = self._thread.submit(self._schedule.epoch, number)
            for old in sorted(self._made, key=lambda made: abs(made - number))[2:]:
                del self._made[old]
        return self._made[number]
