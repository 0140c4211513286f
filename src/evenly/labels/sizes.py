"""The sizes of the splits, evened out where many small labels have pulled them off.

A label of two rows wants both in train at 70/15/15 %, one of five wants 3, 1 and 1: a table of such labels alone
would end at 100/0/0 % or 60/20/20 %. The guarantees pull at sizes too. Where a split is off by more than a hundredth
of all rows, units that nothing ties move to the splits that lack rows, first those whose labels the one split has
most too many of and the other most too few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.labels.placement import rows_held

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.labels.placement import Placement

__all__ = ["even_out_sizes"]

_OFF = 0.01  # share of all rows that a split may have too many or too few
_ROUNDS = 16  # labels are looked at anew so often on the way


def even_out_sizes(placement: Placement, shares: NDArray[np.float64]) -> None:
    """Move units so that every split has the share of the rows asked for, as far as nothing ties them."""
    off = _excess(placement, shares)
    if np.abs(off).max() <= _OFF * placement.rows.sum():
        return
    for source in np.argsort(-off, kind="stable").tolist():
        for target in np.argsort(off, kind="stable").tolist():
            _pour(placement, shares, source, target)


def _pour(placement: Placement, shares: NDArray[np.float64], source: int, target: int) -> None:
    """Move units from a split with too many rows to one with too few, in rounds."""
    portion = _room(placement, shares, source, target) / _ROUNDS
    while (room := _room(placement, shares, source, target)) >= 1:
        before = int(placement.rows[source])
        for unit in _ranked(placement, shares, source, target, room):
            if before - placement.rows[source] >= portion:
                break
            fits = placement.sizes[unit] <= _room(placement, shares, source, target)
            if fits and not len(placement.ties(unit)):
                placement.move(unit, target)
        if placement.rows[source] == before:
            return


def _ranked(placement: Placement, shares: NDArray[np.float64], source: int, target: int, room: float) -> list[int]:
    """Return the untied units of `source` of at most `room` rows, the best to move first."""
    units = placement.untied(source)
    units = units[placement.sizes[units] <= room]
    total = np.maximum(placement.counts, 1)
    surplus, lack = (
        rows_held(placement.labels[placement.code == split]) / total - shares[split] for split in (source, target)
    )
    held = placement.labels[units].astype(bool)
    score = held @ (surplus - lack) / np.maximum(np.diff(held.indptr), 1)
    ranked: list[int] = units[np.argsort(-score, kind="stable")].tolist()
    return ranked


def _excess(placement: Placement, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows that each split has too many, shape (n_splits,)."""
    excess: NDArray[np.float64] = placement.rows - shares * placement.rows.sum()
    return excess


def _room(placement: Placement, shares: NDArray[np.float64], source: int, target: int) -> float:
    """Return the rows that may move from `source` to `target` before the one lacks some or the other has enough."""
    excess = _excess(placement, shares)
    return float(min(excess[source], -excess[target]))
