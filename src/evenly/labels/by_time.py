"""A split by time: the oldest rows train, the newest test.

Comes in: the time and the unit of every row, and the shares. Goes out: a split for every row. A unit (rows of one
text or group) goes by its *latest* row: so that train has nothing that is as new as validation, whatever is copied
or continued later, and validation nothing as new as test. Older rows of such a unit go with it. Rows of one time are
not divided: the borders are the times nearest to the shares asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["TimeSplit", "split_by_time"]


@dataclass(frozen=True)
class TimeSplit:
    """What `split_by_time` finds.

    Attributes
    ----------
    code
        Shape (n_rows,), int8: index into the shares.
    first
        Of each split, the row with which it begins: the first row of its oldest unit's time.
    older
        Shape (n_rows,), bool: rows older than the beginning of their split, there because of their unit.
    """

    code: NDArray[np.int8]
    first: tuple[int, ...]
    older: NDArray[np.bool_]


def split_by_time(times: NDArray[Any], unit: NDArray[np.int64], shares: Sequence[float]) -> TimeSplit:
    """Split rows by time.

    Parameters
    ----------
    times
        Shape (n_rows,), int64 or float64.
    unit
        Shape (n_rows,), int64: rows with the same number stay together.
    shares
        Of the splits, the oldest first.

    Raises
    ------
    DataError
        There are fewer times than splits.
    """
    _, of_row = np.unique(unit, return_inverse=True)
    latest = np.full(of_row.max(initial=-1) + 1, times.min(initial=0), times.dtype)
    np.maximum.at(latest, of_row, times)
    moments, moment, n_rows = np.unique(latest[of_row], return_inverse=True, return_counts=True)
    if len(moments) < len(shares):
        raise DataError(
            f"The rows have {len(moments)} different times (each unit by its latest row), too few for {len(shares)} "
            f"splits in a row: use a finer column, or leave split.by out."
        )
    begins = _borders(n_rows, shares)
    code = (np.searchsorted(begins, moment, side="right") - 1).astype(np.int8)
    first = tuple(int(np.flatnonzero((moment == begin) & (times == moments[begin]))[0]) for begin in begins)
    return TimeSplit(code, first, times < moments[begins][code])


def _borders(n_rows: NDArray[np.int64], shares: Sequence[float]) -> NDArray[np.int64]:
    """Return with which moment each split begins: nearest to its share, and every split with at least one."""
    before = np.concatenate([[0], np.cumsum(n_rows)])
    wanted = np.cumsum([0.0, *shares[:-1]]) * before[-1]
    begins: NDArray[np.int64] = np.abs(before[:-1, None] - wanted).argmin(axis=0)
    for split in range(1, len(begins)):
        begins[split] = np.clip(begins[split], begins[split - 1] + 1, len(n_rows) - len(begins) + split)
    return begins
