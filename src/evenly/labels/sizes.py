"""The sizes of the splits, evened out where many small labels have pulled them off.

A label of two rows wants both in train at 70/15/15 %, one of five wants 3, 1 and 1: a table of such labels alone
would end at 100/0/0 % or 60/20/20 %. The guarantees pull at sizes too. Where a split is off by more than a hundredth
of all rows, units that nothing ties move to the splits that lack rows, first those whose labels the one split has
most too many of and the other most too few. At first only moves that keep every label within one row of its share;
where those do not do it, others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.labels.placement import Placement

__all__ = ["even_out_sizes"]

_OFF = 0.01  # share of all rows that a split may have too many or too few
_FEW_ROWS = 3  # so far off, no label is moved away from its share for the size
_ROUNDS = 16  # labels are looked at anew so often on the way


def even_out_sizes(placement: Placement) -> None:
    """Move units so that every split has the share of the rows asked for, as far as nothing ties them."""
    for strict in (True, False):
        off = _excess(placement)
        if np.abs(off).max(initial=0) <= max(_OFF * placement.rows.sum(), 0 if strict else _FEW_ROWS):
            return
        for source in np.argsort(-off, kind="stable").tolist():
            for target in np.argsort(off, kind="stable").tolist():
                _pour(placement, source, target, strict=strict)


def _pour(placement: Placement, source: int, target: int, *, strict: bool) -> None:
    """Move units from a split with too many rows to one with too few, in rounds."""
    portion = _room(placement, source, target) / _ROUNDS
    while (room := _room(placement, source, target)) >= 1:
        before = int(placement.rows[source])
        for unit in _ranked(placement, source, target, room, strict=strict):
            if before - placement.rows[source] >= portion:
                break
            fits = placement.sizes[unit] <= _room(placement, source, target)
            gentle = not strict or placement.stays_within_a_row(unit, target)
            if fits and gentle and not len(placement.ties(unit)):
                placement.move(unit, target)
        if placement.rows[source] == before:
            return


def _ranked(placement: Placement, source: int, target: int, room: float, *, strict: bool) -> list[int]:
    """Return the units of `source` that may move, of at most `room` rows, the best to move first."""
    units = placement.untied(source)
    units = units[placement.sizes[units] <= room]
    if strict:
        units = units[placement.labels[units].astype(bool) @ placement.at_limit(source, target) == 0]
    total = np.maximum(placement.counts, 1)
    surplus, lack = (placement.label_rows[split] / total - placement.shares[split] for split in (source, target))
    held = placement.labels[units].astype(bool)
    score = held @ (surplus - lack) / np.maximum(np.diff(held.indptr), 1)
    ranked: list[int] = units[np.argsort(-score, kind="stable")].tolist()
    return ranked


def _excess(placement: Placement) -> NDArray[np.float64]:
    """Return the rows that each split has too many, shape (n_splits,)."""
    excess: NDArray[np.float64] = placement.rows - placement.shares * placement.rows.sum()
    return excess


def _room(placement: Placement, source: int, target: int) -> float:
    """Return the rows that may move from `source` to `target` before the one lacks some or the other has enough."""
    excess = _excess(placement)
    return float(min(excess[source], -excess[target]))
