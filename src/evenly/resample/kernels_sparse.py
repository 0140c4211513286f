"""Compiled loops of the neighbour search among sparse rows.

Products are first summed in float32, over the columns that few rows have; those over the others come from the BLAS
library. What may be among the nearest, given how far such a sum can be off, is then measured in float64, with all
sums over the columns in ascending order: the answer depends on nothing else. Kernels that call one another stand in
one file; see `evenly.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from evenly.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "NOT_ASCENDING",
    "NOT_FINITE",
    "SOUND",
    "Postings",
    "Rows",
    "check_rows",
    "common_parts",
    "post_rows",
    "take_nearer",
]

ROUNDING = 1e-9  # of float64 sums, with room to spare
SUM_ROUNDING = 2.0**-23  # of a float32 sum, a term: twice what is possible
SMALLEST, LARGEST = 1e-140, 1e140  # lengths beyond are not trusted to a sum of float32
SOUND, NOT_FINITE, NOT_ASCENDING = 0, 1, 2


class Rows(NamedTuple):
    """Rows of a compressed sparse matrix: those of a bag.

    Attributes
    ----------
    begin, end
        Shape (n_rows,), int64: where the values of each row are.
    column, value
        Of the whole matrix; columns ascend within a row.
    length
        Shape (n_rows,), float64: the Euclidean length of each row.
    """

    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    column: NDArray[Any]
    value: NDArray[Any]
    length: NDArray[np.float64]


class Postings(NamedTuple):
    """Some rows of a bag by column, each scaled to length 1.

    Attributes
    ----------
    start, stop
        Shape (n_columns,), int64: where the entries of a column are, if few rows have it.
    row, value
        Shape (n_entries,): the entries, rows counted from the first of these.
    dense
        Shape (n_rows, n_common), float32: the columns that many rows have.
    place
        Shape (n_columns,), int32: the column of `dense`, or -1.
    """

    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    row: NDArray[np.int32]
    value: NDArray[np.float32]
    dense: NDArray[np.float32]
    place: NDArray[np.int32]


@compiled
def check_rows(rows: Rows) -> tuple[int, int]:
    """Write the length of each row; return what is wrong with the rows, and with which one."""
    for row in range(len(rows.begin)):
        squares, last = 0.0, np.int64(-1)
        for at in range(rows.begin[row], rows.end[row]):
            value, column = np.float64(rows.value[at]), np.int64(rows.column[at])
            if not np.isfinite(value):
                return NOT_FINITE, row
            if column <= last:
                return NOT_ASCENDING, row
            squares += value * value
            last = column
        rows.length[row] = np.sqrt(squares)
    return SOUND, 0


@compiled
def _scaled(rows: Rows, row: int, at: int) -> Any:
    length = rows.length[row]
    return np.float32(np.float64(rows.value[at]) / length) if length > 0.0 else np.float32(0.0)


@compiled
def post_rows(rows: Rows, first: int, last: int, n_columns: int, common: float) -> Postings:
    """Return the rows from `first` up to `last` by column; a column is common that more than this share of them has."""
    held = np.zeros(n_columns, np.int32)
    start, stop = np.zeros(n_columns, np.int64), np.zeros(n_columns, np.int64)
    place = np.full(n_columns, -1, np.int32)
    for row in range(first, last):
        for at in range(rows.begin[row], rows.end[row]):
            held[rows.column[at]] += 1
    n_entries, n_common = 0, 0
    for row in range(first, last):
        for at in range(rows.begin[row], rows.end[row]):
            column = rows.column[at]
            if held[column] > common * (last - first):
                place[column] = n_common
                n_common += 1
            elif held[column] > 0:
                start[column] = stop[column] = n_entries
                n_entries += held[column]
            held[column] = 0  # seen
    entry_row, entry_value = np.empty(n_entries, np.int32), np.empty(n_entries, np.float32)
    dense = np.zeros((last - first, n_common), np.float32)
    for row in range(first, last):
        for at in range(rows.begin[row], rows.end[row]):
            column = rows.column[at]
            if place[column] >= 0:
                dense[row - first, place[column]] = _scaled(rows, row, at)
            else:
                entry = stop[column]
                entry_row[entry], entry_value[entry] = row - first, _scaled(rows, row, at)
                stop[column] += 1
    return Postings(start, stop, entry_row, entry_value, dense, place)


@compiled
def common_parts(rows: Rows, seeds: NDArray[np.int64], postings: Postings) -> NDArray[np.float32]:
    """Return the part of each seed, scaled to length 1, in the common columns; shape (n_seeds, n_common)."""
    parts = np.zeros((len(seeds), postings.dense.shape[1]), np.float32)
    for number in range(len(seeds)):
        seed = seeds[number]
        for at in range(rows.begin[seed], rows.end[seed]):
            place = postings.place[rows.column[at]]
            if place >= 0:
                parts[number, place] = _scaled(rows, seed, at)
    return parts


@compiled
def _add_rare(rows: Rows, seed: int, postings: Postings, cosine: NDArray[np.float32]) -> None:
    """Add the products of a seed with all candidates over the columns that few have."""
    for at in range(rows.begin[seed], rows.end[seed]):
        column = rows.column[at]
        if postings.start[column] < postings.stop[column]:
            value = _scaled(rows, seed, at)
            for entry in range(postings.start[column], postings.stop[column]):
                cosine[postings.row[entry]] += value * postings.value[entry]


@compiled
def _product(rows: Rows, left: int, right: int) -> float:
    total = 0.0
    at, end = rows.begin[left], rows.end[left]
    other, other_end = rows.begin[right], rows.end[right]
    while at < end and other < other_end:
        column, other_column = rows.column[at], rows.column[other]
        if column == other_column:
            total += np.float64(rows.value[at]) * np.float64(rows.value[other])
        at += column <= other_column
        other += other_column <= column
    return total


@compiled
def _squared_distance(rows: Rows, left: int, right: int) -> float:
    total = 0.0
    at, end = rows.begin[left], rows.end[left]
    other, other_end = rows.begin[right], rows.end[right]
    while at < end or other < other_end:
        column = np.int64(rows.column[at]) if at < end else np.int64(2**62)
        other_column = np.int64(rows.column[other]) if other < other_end else np.int64(2**62)
        gap = 0.0
        if column <= other_column:
            gap += np.float64(rows.value[at])
            at += 1
        if other_column <= column:
            gap -= np.float64(rows.value[other])
            other += 1
        total += gap * gap
    return total


@compiled
def _distance(rows: Rows, left: int, right: int, by_angle: bool) -> float:  # noqa: FBT001 - numba takes flags by position
    """Return what is ranked by: minus the cosine (0 with a row of zeros), or the squared Euclidean distance."""
    if not by_angle:
        return _squared_distance(rows, left, right)
    lengths = rows.length[left] * rows.length[right]
    return -_product(rows, left, right) / lengths if lengths > 0.0 else 0.0


@compiled
def _least_distance(cosine: float, margin: float, length: float, other_length: float, by_angle: bool) -> float:  # noqa: FBT001 - as above
    """Return what a distance is at least, where the cosine may be off by `margin`."""
    lengths = length * other_length
    if lengths == 0.0 and by_angle:
        return 0.0
    if lengths != 0.0 and not (SMALLEST < lengths < LARGEST):
        return -np.inf
    if by_angle:
        return -cosine - margin
    squares = length * length + other_length * other_length
    return squares - 2.0 * lengths * (cosine + margin) - ROUNDING * squares


@compiled
def _insert(distance: NDArray[np.float64], place: NDArray[np.int64], new: float, new_place: int) -> None:
    """Put a row into a full list where it belongs, equals by place; the last one falls out."""
    at = len(distance)
    while at > 0 and (distance[at - 1] > new or (distance[at - 1] == new and place[at - 1] > new_place)):
        at -= 1
    for later in range(len(distance) - 1, at, -1):
        distance[later], place[later] = distance[later - 1], place[later - 1]
    if at < len(distance):
        distance[at], place[at] = new, new_place


@compiled
def take_nearer(
    rows: Rows,
    seeds: NDArray[np.int64],
    postings: Postings,
    first: int,
    cosines: NDArray[np.float32],
    by_angle: bool,  # noqa: FBT001 - as above
    distances: NDArray[np.float64],
    places: NDArray[np.int64],
) -> None:
    """Take the candidates that are nearer to a seed than what was found before, exactly; nearest first, ties by place.

    The k candidates with the least distances are measured first, then each whose least distance is not above the
    k-th distance.

    Parameters
    ----------
    rows
        Of the bag.
    seeds
        Shape (n_seeds,): which of them are asked for.
    postings, first
        The candidates, and which row of the bag is the first of them.
    cosines
        Shape (n_seeds, n_candidates): the products over the common columns; those over the others are added to it.
    by_angle
        Rank by cosine instead of Euclidean distance.
    distances, places
        Shape (n_seeds, k), changed in place: what was found so far; infinite where there is none yet.
    """
    k, n_candidates = distances.shape[1], cosines.shape[1]
    least = np.empty(n_candidates)
    lowest, lowest_place = np.empty(k), np.empty(k, np.int64)
    for number in range(len(seeds)):
        seed, distance, place, cosine = seeds[number], distances[number], places[number], cosines[number]
        _add_rare(rows, seed, postings, cosine)
        margin = (rows.end[seed] - rows.begin[seed] + 8) * SUM_ROUNDING
        lowest[:] = distance[k - 1]
        lowest_place[:] = -1
        for other in range(n_candidates):
            bound = _least_distance(cosine[other], margin, rows.length[seed], rows.length[first + other], by_angle)
            least[other] = bound
            if bound < lowest[k - 1] and first + other != seed:
                _insert(lowest, lowest_place, bound, other)
        if first <= seed < first + n_candidates:
            least[seed - first] = np.inf
        for at in range(k):
            candidate: int = lowest_place[at]
            if candidate >= 0:
                _insert(distance, place, _distance(rows, seed, first + candidate, by_angle), first + candidate)
                least[candidate] = np.inf
        for other in range(n_candidates):
            if least[other] <= distance[k - 1] and least[other] < np.inf:
                _insert(distance, place, _distance(rows, seed, first + other, by_angle), first + other)
