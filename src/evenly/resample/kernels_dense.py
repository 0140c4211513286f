"""Compiled loops over dense features: from approximate products to the exact nearest rows, and rows between rows.

Exact means: as float64 has it, summed in one fixed order, whatever the machine and the size of the blocks. Kernels
that call one another stand in one file; see `evenly.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from evenly.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Found", "Scores", "fill_between", "take_nearer"]


TILE = 64  # scores that are looked over at once


class Found(NamedTuple):
    """The nearest rows of every seed so far, shape (n_seeds, k), nearest first, equals by place in the bag.

    `distance` is what is ranked by: the squared Euclidean distance, or minus the cosine; infinite where there is none.
    """

    distance: NDArray[np.float64]
    place: NDArray[np.int64]


class Scores(NamedTuple):
    """Products of a block of seeds with a chunk of the bag, and how far they may be from the truth.

    The score of seed a and row b, the higher the nearer, is ``product - offset[b]``, with an error of at most
    ``error * (norm[a] * norm[b] + norm[b]**2)``, plus `tiny` for what float32 cannot hold. ``scale`` turns a distance
    of `Found` into one of scores: ``score = (norm[a]**2 - scale * distance) / 2`` where distances are Euclidean.
    """

    product: NDArray[np.float32]
    offset: NDArray[np.float32]
    seed_norm: NDArray[np.float32]
    norm: NDArray[np.float32]
    error: float
    tiny: float
    scale: float
    by_angle: bool


@compiled
def _squared_distance(left: NDArray[Any], right: NDArray[Any]) -> float:
    """Sum in eight lanes, which a processor can do side by side and every machine in the same order."""
    n = len(left)
    a = b = c = d = e = f = g = h = 0.0
    whole = n - n % 8
    for at in range(0, whole, 8):
        d0 = np.float64(left[at]) - np.float64(right[at])
        d1 = np.float64(left[at + 1]) - np.float64(right[at + 1])
        d2 = np.float64(left[at + 2]) - np.float64(right[at + 2])
        d3 = np.float64(left[at + 3]) - np.float64(right[at + 3])
        d4 = np.float64(left[at + 4]) - np.float64(right[at + 4])
        d5 = np.float64(left[at + 5]) - np.float64(right[at + 5])
        d6 = np.float64(left[at + 6]) - np.float64(right[at + 6])
        d7 = np.float64(left[at + 7]) - np.float64(right[at + 7])
        a += d0 * d0
        b += d1 * d1
        c += d2 * d2
        d += d3 * d3
        e += d4 * d4
        f += d5 * d5
        g += d6 * d6
        h += d7 * d7
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for at in range(whole, n):
        rest = np.float64(left[at]) - np.float64(right[at])
        total += rest * rest
    return total


@compiled
def _product(left: NDArray[Any], right: NDArray[Any]) -> float:
    total = 0.0
    for at in range(len(left)):
        total += np.float64(left[at]) * np.float64(right[at])
    return total


@compiled
def _distance(left: NDArray[Any], right: NDArray[Any], by_angle: bool) -> float:  # noqa: FBT001 - numba takes flags by position
    return -_product(left, right) if by_angle else _squared_distance(left, right)


@compiled
def _insert(distance: NDArray[np.float64], place: NDArray[np.int64], new: float, at_place: int) -> None:
    """Put a row into a full list; the last one falls out. Rows come by place, so an equal one stays behind."""
    at = len(distance) - 1
    while at > 0 and distance[at - 1] > new:
        distance[at], place[at] = distance[at - 1], place[at - 1]
        at -= 1
    distance[at], place[at] = new, at_place


@compiled
def _any_reaches(
    product: NDArray[np.float32],
    offset: NDArray[np.float32],
    norm: NDArray[np.float32],
    share: np.float32,
    error: np.float32,
    least: np.float32,
) -> bool:
    """Tell whether a score of a tile reaches `least`; without a branch, so that it is done several at a time."""
    hits = 0
    for place in range(len(product)):
        hits += product[place] - offset[place] + norm[place] * (share + error * norm[place]) >= least
    return hits > 0


@compiled
def _kth_largest_bound(scores: Scores, seed: int, itself: int, best: NDArray[np.float32]) -> float:
    """Return what the k-th best score of a chunk is at least."""
    best[:] = -np.inf
    last = len(best) - 1
    error = np.float32(scores.error)
    share = error * scores.seed_norm[seed]
    product, offset, norm = scores.product[seed], scores.offset, scores.norm
    for begin in range(0, len(norm), TILE):
        end = min(begin + TILE, len(norm))
        tile = slice(begin, end)
        if not _any_reaches(product[tile], offset[tile], norm[tile], -share, -error, best[last]):
            continue
        for place in range(begin, end):
            bound = product[place] - offset[place] - norm[place] * (share + error * norm[place])
            if bound > best[last] and place != itself:
                at = last
                while at > 0 and best[at - 1] < bound:
                    best[at] = best[at - 1]
                    at -= 1
                best[at] = bound
    return float(best[last])


@compiled
def take_nearer(
    scores: Scores,
    seeds: NDArray[Any],
    chunk: NDArray[Any],
    seed_places: NDArray[np.int64],
    first: int,
    found: Found,
) -> None:
    """Take the rows of a chunk that are nearer than what was found before, exactly.

    Rows whose score, with its error, cannot reach the k-th best are left out; the others are measured in float64.
    Chunks must come in the order of the bag. `seeds` and `chunk` hold the rows to measure (by angle: of length 1),
    `first` is the place of the chunk in the bag.
    """
    best = np.empty(found.distance.shape[1], np.float32)
    last = len(best) - 1
    error = np.float32(scores.error)
    for seed in range(len(seeds)):
        distance, place = found.distance[seed], found.place[seed]
        if distance[last] == 0.0 and not scores.by_angle:
            continue  # as many twins as asked for: no row that comes later is nearer
        itself = seed_places[seed] - first
        norm = float(scores.seed_norm[seed])
        least = _kth_largest_bound(scores, seed, itself, best)
        if distance[last] < np.inf:
            known = -distance[last] if scores.by_angle else 0.5 * (norm * norm - scores.scale * distance[last])
            least = max(least, known - scores.error * norm * norm)
        low = np.float32(least - scores.tiny - 1e-6 * abs(least))
        share = error * scores.seed_norm[seed]
        product, offset, norms = scores.product[seed], scores.offset, scores.norm
        for begin in range(0, len(chunk), TILE):
            end = min(begin + TILE, len(chunk))
            tile = slice(begin, end)
            if not _any_reaches(product[tile], offset[tile], norms[tile], share, error, low):
                continue
            for other in range(begin, end):
                bound = product[other] - offset[other] + norms[other] * (share + error * norms[other])
                if bound >= low and other != itself:
                    exact = _distance(seeds[seed], chunk[other], scores.by_angle)
                    if exact < distance[last]:
                        _insert(distance, place, exact, first + other)
            if distance[last] == 0.0 and not scores.by_angle:
                break


@compiled
def fill_between(
    rng: Any,
    features: NDArray[Any],
    parents: tuple[NDArray[np.int64], NDArray[np.int64]],
    share: NDArray[np.float64],
    by_feature: bool,  # noqa: FBT001 - numba takes flags by position
    made: NDArray[Any],
) -> None:
    """Fill in rows between the two parents of each: by its share, or by a draw for each feature."""
    seed, reference = parents
    shares = np.empty(made.shape[1])
    for row in range(len(made)):
        shares[:] = share[row]
        if by_feature:
            for column in range(len(shares)):
                shares[column] = rng.random()
        left, right, target = features[seed[row]], features[reference[row]], made[row]
        for column in range(len(shares)):
            given, taken, u = np.float64(left[column]), np.float64(right[column]), shares[column]
            between = (1.0 - u) * given + u * taken  # given + u (taken - given), but never too large a number
            target[column] = min(max(between, min(given, taken)), max(given, taken))
