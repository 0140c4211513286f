"""Compiled loops of the neighbour search among sparse rows: exact, and most rows are ruled out by a bound.

All sums run over the columns in ascending order, so the answer does not depend on which columns the bound leaves out.
Kernels that call one another stand in one file; see `evenly.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from evenly.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Bag", "Entries", "take_nearer_by_bound"]

ROUNDING = 1e-9  # of float64 sums, with room to spare


class Entries(NamedTuple):
    """A compressed sparse matrix; by row, `position` says the column, ascending; by column, the row."""

    start: NDArray[np.int64]
    position: NDArray[np.int32]
    value: NDArray[Any]


class Bag(NamedTuple):
    """Candidates and, behind them, the seeds that are none.

    Attributes
    ----------
    n_candidates
        How many rows of `by_row`, the first ones, may be neighbours.
    by_row
        The values of all rows.
    by_column
        Those of the candidates.
    stop
        Shape (n_columns,): where the values end that are multiplied out: of a column that is left to the bound, at
        once.
    rest
        Shape (n_rows,): the length of each row's part in those columns, which bounds its products there.
    length
        Shape (n_rows,): the length of each row.
    by_angle
        Rank by cosine instead of Euclidean distance.
    """

    n_candidates: int
    by_row: Entries
    by_column: Entries
    stop: NDArray[np.int64]
    rest: NDArray[np.float64]
    length: NDArray[np.float64]
    by_angle: bool


@compiled
def _product(rows: Entries, left: int, right: int) -> float:
    total = 0.0
    at, end = rows.start[left], rows.start[left + 1]
    other, other_end = rows.start[right], rows.start[right + 1]
    while at < end and other < other_end:
        column, other_column = rows.position[at], rows.position[other]
        if column == other_column:
            total += np.float64(rows.value[at]) * np.float64(rows.value[other])
        at += column <= other_column
        other += other_column <= column
    return total


@compiled
def _squared_distance(rows: Entries, left: int, right: int) -> float:
    total = 0.0
    at, end = rows.start[left], rows.start[left + 1]
    other, other_end = rows.start[right], rows.start[right + 1]
    while at < end or other < other_end:
        column = rows.position[at] if at < end else np.int32(2**31 - 1)
        other_column = rows.position[other] if other < other_end else np.int32(2**31 - 1)
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
def _distance(bag: Bag, left: int, right: int) -> float:
    """Return what is ranked by: minus the cosine (0 with a row of zeros), or the squared Euclidean distance."""
    if not bag.by_angle:
        return _squared_distance(bag.by_row, left, right)
    lengths = bag.length[left] * bag.length[right]
    return -_product(bag.by_row, left, right) / lengths if lengths > 0.0 else 0.0


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
def _multiply_rare(bag: Bag, seed: int, product: NDArray[np.float64]) -> None:
    """Fill in the products of a seed with all candidates over the rare columns."""
    product[:] = 0.0
    rows, columns = bag.by_row, bag.by_column
    for at in range(rows.start[seed], rows.start[seed + 1]):
        column, value = rows.position[at], np.float64(rows.value[at])
        for other in range(columns.start[column], bag.stop[column]):
            product[columns.position[other]] += value * np.float64(columns.value[other])


@compiled
def _bound_distances(bag: Bag, seed: int, product: NDArray[np.float64]) -> None:
    """Turn products over the rare columns into what the distances are at least, in place."""
    length, rest = bag.length[seed], bag.rest[seed]
    for other in range(len(product)):
        most = product[other] + rest * bag.rest[other]
        other_length = bag.length[other]
        if bag.by_angle:
            lengths = length * other_length
            product[other] = -most / lengths - ROUNDING if lengths > 0.0 else 0.0
        else:
            squares = length * length + other_length * other_length
            product[other] = squares - 2.0 * most - ROUNDING * squares


@compiled
def take_nearer_by_bound(bag: Bag, seeds: NDArray[np.int64], itself: NDArray[np.int64], first: int, found: Any) -> None:
    """Take the candidates that are nearer to a seed than what was found before, exactly; nearest first, ties by place.

    The k candidates with the lowest bounds are measured first, then each whose bound is not above the k-th distance.
    Memory is one number a candidate.

    `seeds` are rows of `bag.by_row`, of which the first ones are the candidates; `itself` says which of these the seed
    is, or -1; `first` is added to the places of candidates. `found` holds distances, infinite where there is none yet,
    and places, each of shape (n_seeds, k).
    """
    distances, places = found
    k = distances.shape[1]
    bound = np.empty(bag.n_candidates)
    lowest, lowest_place = np.empty(k), np.empty(k, np.int64)
    for number in range(len(seeds)):
        seed, distance, place = seeds[number], distances[number], places[number]
        _multiply_rare(bag, seed, bound)
        _bound_distances(bag, seed, bound)
        if itself[number] >= 0:
            bound[itself[number]] = np.inf
        lowest[:] = distance[k - 1]
        lowest_place[:] = -1
        for other in range(len(bound)):
            if bound[other] < lowest[k - 1]:
                _insert(lowest, lowest_place, bound[other], other)
        for other in lowest_place:
            if other >= 0:
                _insert(distance, place, _distance(bag, seed, other), first + other)
                bound[other] = np.inf
        for other in range(len(bound)):
            if bound[other] <= distance[k - 1] and bound[other] < np.inf:
                _insert(distance, place, _distance(bag, seed, other), first + other)
