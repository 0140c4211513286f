"""How often each stored row is read in an epoch: the copies of a plan.

Comes in: a plan, and which rows are in the shards. Goes out: a number a stored row; 0 leaves it out. The windows of
one row are read as often as their row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["read_copies"]

_MOST_ROWS = 2**31 - 1  # they are numbered by int32


def read_copies(plan: Path, row: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return how often each row of the train split is to be read, shape (n_stored,).

    Parameters
    ----------
    plan
        The folder with ``plan.parquet`` (rows of the table) and ``synthetic.parquet`` (whose rows are read once).
    row
        Shape (n_stored,), ascending: the rows that are in the shards, once a window.

    Raises
    ------
    DataError
        The plan and the shards do not have the same rows, or its copies are no numbers that can be read.
    """
    table = pq.read_table(plan / "plan.parquet", columns=["row", "copies"])
    _check_copies(plan, table["copies"])
    synthetic = pq.read_table(plan / "synthetic.parquet", columns=["row"])["row"].to_numpy()
    planned = np.concatenate([table["row"].to_numpy(), synthetic])
    copies = np.concatenate([table["copies"].to_numpy(), np.ones(len(synthetic), np.int32)])
    order = np.argsort(planned, kind="stable")
    stored, window_of = np.unique(row, return_inverse=True)
    if not np.array_equal(planned[order], stored):
        odd = np.setxor1d(planned, stored)
        raise DataError(
            f"The plan {plan} has {len(planned)} rows and the shards of the train split have {len(stored)}; row "
            f"{odd[0] if len(odd) else planned[0]} is not once in both. Give the shards (and the synthetic shards) "
            f"of the run that made the plan."
        )
    found: NDArray[np.int32] = copies[order].astype(np.int32)[window_of]
    return found


def _check_copies(plan: Path, copies: pa.ChunkedArray) -> None:
    """Raise where a plan asks for less than no row, or for more than can be numbered."""
    if copies.null_count or not pa.types.is_integer(copies.type):
        raise DataError(f"The plan {plan} has rows without a whole number of copies. Remove its folder and run again.")
    counts = copies.to_numpy()
    if len(counts) and (counts.min() < 0 or counts.sum(dtype=np.float64) > _MOST_ROWS):
        raise DataError(
            f"The plan {plan} asks for {counts.min()} to {counts.max()} copies of a row; expected at least 0, and no "
            f"more than {_MOST_ROWS:,} rows in all. Remove its folder and run again."
        )
