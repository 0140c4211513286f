"""Which rows stand in which batch: a function of the seed and the epoch alone.

Comes in: how often each stored row is to be read (the copies of a plan) and how long it is. Goes out: for every epoch
the order of the rows, of which batch k takes the k-th `batch_size`. Hence a run can stop anywhere and go on with the
very next batch: nothing but (epoch, step) is needed.

Rows of like length stand together, so that little is padded: the shuffled order is cut into windows, each window is
sorted by length and cut into runs of some batches. The runs of a window change places at random, and so do the rows
within a run. The batches of a run have one shape and are filled together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

from evenly.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Schedule", "read_copies"]


@dataclass(frozen=True)
class Schedule:
    """The batches of every epoch.

    Attributes
    ----------
    entries
        Shape (n_entries,), int64: indices of stored rows, ascending, a row with n copies n times.
    length
        Shape (n_stored,), int32: ids of each stored row.
    batch_size
        Rows a batch; the last one of an epoch has the rest.
    shuffle
        False: every epoch is `entries` in order.
    seed
        Of the orders.
    window_rows
        Rows sorted by length together; below two runs none are, and batches mix all lengths.
    run_batches
        Batches of one shape in a row.
    drop_remainder
        Leave out the rest, other rows in each epoch.
    """

    entries: NDArray[np.int64]
    length: NDArray[np.int32]
    batch_size: int
    shuffle: bool
    seed: int
    window_rows: int
    run_batches: int
    drop_remainder: bool

    @property
    def rows_per_epoch(self) -> int:
        """Rows that an epoch reads, copies counted."""
        n_entries = len(self.entries)
        return n_entries - n_entries % self.batch_size if self.drop_remainder else n_entries

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch."""
        return -(-self.rows_per_epoch // self.batch_size)

    @cached_property
    def run_bounds(self) -> NDArray[np.int64]:
        """Where runs begin and end in an epoch, in batches, shape (n_runs + 1,).

        The last full run may be shorter; a last, smaller batch is a run of its own.
        """
        n_full = self.rows_per_epoch // self.batch_size
        return np.unique([*range(0, n_full, self.run_batches), n_full, self.steps_per_epoch])

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return the stored rows of an epoch in the order of its batches, shape (rows_per_epoch,)."""
        if not self.shuffle:
            return self.entries[: self.rows_per_epoch]
        rng = np.random.default_rng([self.seed, epoch])
        order = rng.permutation(self.entries)[: self.rows_per_epoch]
        run = self.run_batches * self.batch_size
        n_sorted = len(order) - len(order) % run  # what is left, drawn at random too, comes last
        step = self.window_rows // run * run
        for first in range(0, n_sorted, step) if step > run else ():
            window = order[first : min(first + step, n_sorted)]  # a view: assigning to it changes `order`
            by_length = window[np.argsort(self.length[window], kind="stable")]
            window[:] = rng.permuted(rng.permutation(by_length.reshape(-1, run)), axis=1).ravel()
        return order


def read_copies(plan: Path, row: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return how often each row of the train split is to be read, shape (n_stored,).

    Parameters
    ----------
    plan
        The folder with ``plan.parquet`` (rows of the table) and ``synthetic.parquet`` (whose rows are read once).
    row
        Shape (n_stored,), ascending: the rows that are in the shards.

    Raises
    ------
    DataError
        The plan and the shards do not have the same rows.
    """
    table = pq.read_table(plan / "plan.parquet", columns=["row", "copies"])
    synthetic = pq.read_table(plan / "synthetic.parquet", columns=["row"])["row"].to_numpy()
    planned = np.concatenate([table["row"].to_numpy(), synthetic])
    copies = np.concatenate([table["copies"].to_numpy(), np.ones(len(synthetic), np.int32)])
    order = np.argsort(planned, kind="stable")
    if not np.array_equal(planned[order], row):
        odd = np.setxor1d(planned, row)
        raise DataError(
            f"The plan {plan} has {len(planned)} rows and the shards of the train split have {len(row)}; row "
            f"{odd[0] if len(odd) else planned[0]} is not once in both. Give the shards (and the synthetic shards) "
            f"of the run that made the plan."
        )
    return copies[order].astype(np.int32)
