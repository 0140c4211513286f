"""The loops of this room that need to be compiled: iterative stratification, and the pairs of labels of every row.

Imported only where a split is made, since importing numba costs half a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    _Floats = NDArray[np.float64]
    _Ints = NDArray[np.int32]
    _Longs = NDArray[np.int64]

__all__ = ["assign_units", "list_pairs"]

_TIE = 1e-9  # rows: what rounding may leave of a difference between two equal wishes


@compiled
def _choose(wanted: _Floats, wanted_rows: _Floats, tie: float) -> int:
    """Return the split that most wants the label; ties: that most wants rows; ties: by `tie` in [0, 1)."""
    best, best_rows, n_best = wanted[0], wanted_rows[0], 1
    for split in range(1, len(wanted)):
        more = wanted[split] - best
        more_rows = wanted_rows[split] - best_rows
        if more > _TIE or (more > -_TIE and more_rows > _TIE):
            best, best_rows, n_best = wanted[split], wanted_rows[split], 1
        elif more > -_TIE and more_rows > -_TIE:
            n_best += 1
    turn, chosen = int(tie * n_best), 0
    for split in range(len(wanted)):
        if abs(wanted[split] - best) <= _TIE and abs(wanted_rows[split] - best_rows) <= _TIE and turn >= 0:
            chosen = split
            turn -= 1
    return chosen


@compiled
def _unlink(label: int, remaining: _Longs, head: _Longs, after: _Longs, before: _Longs) -> None:
    """Take a label out of the list of those with as many rows left."""
    if before[label] >= 0:
        after[before[label]] = after[label]
    else:
        head[remaining[label]] = after[label]
    if after[label] >= 0:
        before[after[label]] = before[label]


@compiled
def _link(label: int, remaining: _Longs, head: _Longs, after: _Longs, before: _Longs) -> None:
    """Put a label first in the list of those with as many rows left."""
    first = head[remaining[label]]
    after[label], before[label] = first, -1
    if first >= 0:
        before[first] = label
    head[remaining[label]] = label


@compiled
def _assign_rest(code: NDArray[np.int8], sizes: _Longs, wanted_rows: _Floats, ties: _Floats) -> None:
    """Give units without labels to the splits that most want rows."""
    for unit in range(len(sizes)):
        if code[unit] < 0:
            code[unit] = _choose(wanted_rows, wanted_rows, ties[unit])
            wanted_rows[code[unit]] -= sizes[unit]


@compiled
def assign_units(
    indptr: _Longs,
    indices: _Ints,
    held: _Ints,
    column_indptr: _Longs,
    column_units: _Ints,
    sizes: _Longs,
    remaining: _Longs,
    wanted: _Floats,
    wanted_rows: _Floats,
    ties: _Floats,
) -> NDArray[np.int8]:
    """Give every unit a split.

    Labels wait in lists by how many rows they have left, so that the rarest is found without a search, and
    a label moves to a lower list at the cost of a few writes. O(entries + rows).

    Parameters
    ----------
    indptr, indices, held
        The units as CSR: labels of each unit, and how many of its rows hold them.
    column_indptr, column_units
        The same as CSC: units of each label.
    sizes
        Shape (n_units,): rows of each unit.
    remaining
        Shape (n_labels,): rows of each label not yet given. Used up.
    wanted
        Shape (n_labels, n_splits): rows of the label that each split still wants. Used up.
    wanted_rows
        Shape (n_splits,): rows that each split still wants. Used up.
    ties
        Shape (n_units,), in [0, 1): which of equal splits.

    Returns
    -------
    numpy.ndarray
        Shape (n_units,), int8: the split of each unit.
    """
    code = np.full(len(sizes), -1, np.int8)
    most = 0
    for label in range(len(remaining)):
        most = max(most, remaining[label])
    head = np.full(most + 1, -1, np.int64)
    after = np.full(len(remaining), -1, np.int64)
    before = np.full(len(remaining), -1, np.int64)
    for label in range(len(remaining) - 1, -1, -1):
        _link(label, remaining, head, after, before)
    lowest = 1
    while lowest <= most:
        label = head[lowest]
        if label < 0:
            lowest += 1
            continue
        _unlink(label, remaining, head, after, before)
        for position in range(column_indptr[label], column_indptr[label + 1]):
            unit = column_units[position]
            if code[unit] >= 0:
                continue
            split = _choose(wanted[label], wanted_rows, ties[unit])
            code[unit] = split
            wanted_rows[split] -= sizes[unit]
            for entry in range(indptr[unit], indptr[unit + 1]):
                other = indices[entry]
                wanted[other, split] -= held[entry]
                if other != label:
                    _unlink(other, remaining, head, after, before)
                    remaining[other] -= held[entry]
                    _link(other, remaining, head, after, before)
                    if 0 < remaining[other] < lowest:
                        lowest = remaining[other]
    _assign_rest(code, sizes, wanted_rows, ties)
    return code


@compiled
def list_pairs(indptr: _Longs, indices: _Longs, starts: _Longs, n_labels: int) -> _Longs:
    """Return `label * n_labels + other`, label < other, for every pair of labels of every row.

    Parameters
    ----------
    indptr, indices
        The rows as CSR, indices sorted.
    starts
        Shape (n_rows + 1,): where the pairs of each row begin.
    n_labels
        Number of labels.
    """
    keys = np.empty(starts[-1], np.int64)
    for row in range(len(indptr) - 1):
        place = starts[row]
        for first in range(indptr[row], indptr[row + 1]):
            for second in range(first + 1, indptr[row + 1]):
                keys[place] = indices[first] * n_labels + indices[second]
                place += 1
    return keys
