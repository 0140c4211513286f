"""How rows that may share a batch are divided into batches, over one worker or several.

Comes in: a number of rows, the rows of a batch, the number of workers. Goes out: runs, each of some steps with the
same number of rows. In a step every worker has a batch, and none is empty: so all take the same number of steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Group", "Runs", "cut_runs"]


@dataclass(frozen=True)
class Group:
    """Rows that may share a batch, and stand together in the order of an epoch.

    Attributes
    ----------
    n_rows
        How many there are.
    batch_size
        Rows a batch of one worker.
    width
        Of its batches at most, in ids.
    """

    n_rows: int
    batch_size: int
    width: int


@dataclass(frozen=True)
class Runs:
    """Runs of steps of one shape; every array has the shape (n_runs,), int64.

    Attributes
    ----------
    first
        Where the rows of the run begin in the order of an epoch.
    n_steps
        Steps of the run.
    n_rows
        Rows of each step, over all workers.
    width
        As in `Group`.
    full
        Whether the batches have as many rows as their group allows, bool.
    """

    first: NDArray[np.int64]
    n_steps: NDArray[np.int64]
    n_rows: NDArray[np.int64]
    width: NDArray[np.int64]
    full: NDArray[np.bool_]


def cut_runs(groups: Sequence[Group], *, run_steps: Sequence[int], n_workers: int, drop_remainder: bool) -> Runs:
    """Return the runs of all groups, which stand one after the other in the order of an epoch.

    Parameters
    ----------
    groups
        What is divided.
    run_steps
        For each group, of how many steps a run is at most.
    n_workers
        Among whom each step is divided.
    drop_remainder
        Leave out the smaller steps.

    Raises
    ------
    ConfigError
        The rows cannot be divided so that every worker has as many batches as the others.
    """
    cut: list[tuple[int, int, int, int, bool]] = []
    first = 0
    for group, at_most in zip(groups, run_steps, strict=True):
        place, most = first, group.batch_size * n_workers
        for steps, n_rows in _divide(group, n_workers, drop_remainder=drop_remainder):
            for done in range(0, steps, at_most):
                n_steps = min(at_most, steps - done)
                cut.append((place, n_steps, n_rows, group.width, n_rows == most))
                place += n_steps * n_rows
        first += group.n_rows
    columns = np.array(cut, np.int64).reshape(-1, 5).T
    return Runs(columns[0], columns[1], columns[2], columns[3], columns[4].astype(bool))


def _divide(group: Group, n_workers: int, *, drop_remainder: bool) -> list[tuple[int, int]]:
    """Return (steps, rows a step) of the full steps and of the others."""
    most = group.batch_size * n_workers
    n_full, rest = divmod(group.n_rows, most)
    tail = [] if drop_remainder or not rest else [rest]
    if tail and rest < n_workers:  # the last two steps together have a row for every worker, or none has
        if not n_full or most + rest < 2 * n_workers:
            raise ConfigError(
                f"{group.n_rows} rows cannot be divided into batches of {group.batch_size} so that each of "
                f"{n_workers} workers has as many as the others and none is empty. Use drop_remainder=True, larger "
                f"batches or fewer workers."
            )
        n_full, tail = n_full - 1, [most + rest - n_workers, n_workers]
    return [(n_full, most), *((1, n_rows) for n_rows in tail)]
