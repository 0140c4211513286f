"""Compiled loops over the words of texts: each run of word characters gets a number, and rows are counted by it.

A run is a longest row of ASCII letters, digits and underscores, in lower case, and of any characters beyond ASCII:
what words such a run holds is left to Python, which is asked once for each distinct run. Kernels that call one another
stand in one file; see `evenly.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from evenly.compiled import compiled
from evenly.resample.units import LONGEST_WORD

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Known", "count_columns", "cut_runs", "fold_runs", "put_runs", "weigh_counts"]

_NOT_ASCII = np.uint8(128)
_SIGMA = (np.uint8(0xCE), np.uint8(0xA3))
_SEED, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_MIX, _LONG = np.uint64(0x9E3779B97F4A7C15), np.uint64(1 << 63)
_BYTE, _HALF = np.uint64(8), np.uint64(32)


def _fold(byte: int) -> int:
    character = chr(byte)
    if byte >= _NOT_ASCII:
        return byte
    return ord(character.lower()) if character.isalnum() or character == "_" else 0


_FOLDED = np.array([_fold(byte) for byte in range(256)], np.uint8)  # 0: belongs to no run


class Known(NamedTuple):
    """The distinct runs that have come up, and a table in which they are found.

    Attributes
    ----------
    keys
        Shape (room,), uint64: the run itself, or a hash of it.
    start, size
        Shape (room,), int64: the bytes of each, where it was found first.
    is_odd
        Shape (room,), bool: whether Python has to look at it: it is long, or holds more than ASCII.
    slots, held
        Shape (a power of 2, more than the room): see `put_runs`.
    """

    keys: NDArray[np.uint64]
    start: NDArray[np.int64]
    size: NDArray[np.int64]
    is_odd: NDArray[np.bool_]
    slots: NDArray[np.int32]
    held: NDArray[np.uint64]


@compiled
def _has_sigma(data: NDArray[np.uint8], begin: int, end: int) -> bool:
    """Tell whether there is a capital sigma, whose lower case depends on what stands around it."""
    seen = np.uint8(0)
    for at in range(begin, end):
        seen |= data[at]
    if seen < _NOT_ASCII:
        return False
    for at in range(begin, end - 1):  # noqa: SIM110 - any() of a generator takes long to compile
        if data[at] == _SIGMA[0] and data[at + 1] == _SIGMA[1]:
            return True
    return False


@compiled
def _are_equal(data: NDArray[np.uint8], one: int, other: int, size: int) -> bool:
    for at in range(size):  # noqa: SIM110 - any() of a generator takes long to compile
        if _FOLDED[data[one + at]] != _FOLDED[data[other + at]]:
            return False
    return True


@compiled
def put_runs(keys: NDArray[np.uint64], slots: NDArray[np.int32], held: NDArray[np.uint64]) -> None:
    """Fill a table with open addressing: numbers of runs, -1 where there is none, and their keys."""
    slots[:] = -1
    for number in range(len(keys)):
        slot = _slot_of(keys[number], slots)
        while slots[slot] >= 0:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot], held[slot] = number, keys[number]


@compiled
def _slot_of(key: Any, slots: NDArray[np.int32]) -> Any:
    return np.int64(((key * _MIX) >> _HALF) & np.uint64(len(slots) - 1))


@compiled
def cut_runs(  # noqa: C901 - one loop over bytes, whose state parts of it would have to hand on
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    first: int,
    known: Known,
    n_known: int,
    numbers: NDArray[np.int32],
    ends: NDArray[np.int64],
) -> tuple[int, int]:
    """Number the runs of texts; stop before the text that may have more new runs than there is room for.

    Growing arrays in here would make every look into the table several times as slow.

    Parameters
    ----------
    data, offsets
        UTF-8, and where each text begins, with the last one's end.
    first
        The text to begin with.
    known, n_known
        Distinct runs, and how many there are.
    numbers, ends
        Written: the number of each run, text after text, and where those of each text end, after a first 0.

    Returns
    -------
    tuple of int
        The text to go on with, and how many distinct runs there are.
    """
    slots, held = known.slots, known.held
    n, n_found = n_known, ends[first]
    for text in range(first, len(offsets) - 1):
        at, end = offsets[text], offsets[text + 1]
        if n + (end - at + 1) // 2 > len(known.keys):
            return text, n
        whole = _has_sigma(data, at, end)
        while at < end:
            begin, packed, code, seen = at, np.uint64(0), _SEED, np.uint8(0)
            while at < end and (whole or _FOLDED[data[at]] != 0):
                byte = _FOLDED[data[at]]
                seen |= byte
                packed = packed << _BYTE | np.uint64(byte)
                code = (code ^ np.uint64(byte)) * _PRIME
                at += 1
            if at == begin:
                at += 1
                continue
            size = at - begin
            is_short = size < 8 and not whole  # noqa: PLR2004 - bytes of a number: then it is the run itself
            key = packed if is_short else code | _LONG
            slot = _slot_of(key, slots)
            while slots[slot] >= 0:
                if held[slot] == key:
                    other = slots[slot]
                    if is_short:
                        break
                    if not whole and known.size[other] == size and _are_equal(data, known.start[other], begin, size):
                        break
                slot = (slot + 1) & (len(slots) - 1)
            if slots[slot] < 0:
                slots[slot], held[slot] = n, key
                known.keys[n], known.start[n], known.size[n] = key, begin, size
                known.is_odd[n] = seen >= _NOT_ASCII or size > LONGEST_WORD
                n += 1
            numbers[n_found] = slots[slot]
            n_found += 1
        ends[text + 1] = n_found
    return len(offsets) - 1, n


@compiled
def fold_runs(data: NDArray[np.uint8], start: NDArray[np.int64], offsets: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Return the bytes of runs in lower case, one after the other; `offsets` says where each is to begin and end."""
    folded = np.empty(offsets[-1], np.uint8)
    for run in range(len(start)):
        for at in range(offsets[run + 1] - offsets[run]):
            folded[offsets[run] + at] = _FOLDED[data[start[run] + at]]
    return folded


@compiled
def count_columns(
    columns: NDArray[np.int32], ends: NDArray[np.int64], n_columns: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Return rows of columns, in any order and repeated, as a CSR matrix of counts: starts, columns, counts.

    Sorted by counting, twice: first by column, then by row, which keeps the order of the columns.
    """
    start = np.zeros(n_columns + 1, np.int64)
    for at in range(len(columns)):
        start[columns[at] + 1] += 1
    for column in range(n_columns):
        start[column + 1] += start[column]
    rows = np.empty(len(columns), np.int32)
    place = start[:-1].copy()
    for row in range(len(ends) - 1):
        for at in range(ends[row], ends[row + 1]):
            rows[place[columns[at]]] = row
            place[columns[at]] += 1
    sorted_columns, counts = np.empty(len(columns), np.int32), np.empty(len(columns), np.int32)
    fill = ends[:-1].copy()
    for column in range(n_columns):
        for at in range(start[column], start[column + 1]):
            row = rows[at]
            last = fill[row] - 1
            if last >= ends[row] and sorted_columns[last] == column:
                counts[last] += 1
            else:
                sorted_columns[last + 1], counts[last + 1] = column, 1
                fill[row] += 1
    return _close_gaps(ends, fill, sorted_columns, counts)


@compiled
def _close_gaps(
    ends: NDArray[np.int64], fill: NDArray[np.int64], columns: NDArray[np.int32], counts: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Move the values of each row, from its first place up to `fill`, behind those of the row before, in place."""
    starts = np.zeros(len(ends), np.int64)
    n = 0
    for row in range(len(fill)):
        for at in range(ends[row], fill[row]):
            columns[n], counts[n] = columns[at], counts[at]
            n += 1
        starts[row + 1] = n
    return starts, columns[:n], counts[:n]


@compiled
def weigh_counts(
    starts: NDArray[np.int64],
    columns: NDArray[np.int32],
    counts: Any,
    place: NDArray[np.int32],
    weight: NDArray[np.float64],
    of_count: NDArray[np.float64],
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the final columns and the values of rows, each of length 1; `of_count` is what a count stands for."""
    final, values = np.empty(len(columns), np.int32), np.empty(len(columns), np.float32)
    for row in range(len(starts) - 1):
        squares = 0.0
        for at in range(starts[row], starts[row + 1]):
            final[at] = place[columns[at]]
            value = of_count[counts[at]] * weight[final[at]]
            squares += value * value
        length = np.sqrt(squares)
        for at in range(starts[row], starts[row + 1]):
            values[at] = of_count[counts[at]] * weight[final[at]] / length
    return final, values
