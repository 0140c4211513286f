"""Growth that looks for neighbours of those rows only that come up as seeds.

A large bag needs few seeds: it is near the target. Which ones, depends on the labels of the rows made before, hence
on their references. So a growth is run with what is known, notes whose neighbours it lacks, and is run again, from
the same state of the generator, once they are found. The last run lacks none: it is the run that would have come of
all neighbours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.resample.growth import grow

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.resample.growth import Bags, Growth, Neighbors
    from evenly.resample.limits import Limits
    from evenly.resample.neighborhoods import Search

__all__ = ["grow_lazily", "search_entries"]

SMALL_BAG = 200  # rows: all its neighbours are found at once, for less than another run costs
AHEAD = 0.1  # share of the seeds found so far by which each search looks ahead


def grow_lazily(
    labels: sparse.csr_matrix,
    bags: Bags,
    *,
    limits: Limits,
    k_neighbors: int,
    search: Search,
    neighbors_of: Callable[[NDArray[np.int64]], Neighbors],
    random_state: np.random.Generator,
    small_bag: int = SMALL_BAG,
) -> tuple[Growth, Neighbors]:
    """Run `grow` with recipes, searching as little as it takes; the outcome is that of searching everything.

    Parameters
    ----------
    labels, bags, limits, random_state
        See `grow`.
    k_neighbors
        At least 1.
    search
        Finds neighbours.
    neighbors_of
        Turns rows of shape (n_entries, k), with -1 for entries that are not known, into `Neighbors`.
    small_bag
        Up to this size, all neighbours of a bag are found before the first run.
    """
    start = random_state.bit_generator.state
    lacking = np.flatnonzero(np.repeat(bags.sizes <= small_bag, bags.sizes))
    rows = search_entries(bags, lacking, k_neighbors, search)
    while True:
        random_state.bit_generator.state = start
        neighbors = neighbors_of(rows)
        growth = grow(labels, bags, limits=limits, random_state=random_state, neighbors=neighbors)
        if not growth.wanted.any():
            return growth, neighbors
        random_state.bit_generator.state = start
        order = bags.shuffled(random_state)
        lacking = _look_ahead(bags, order, growth.wanted, rows[:, 0] >= 0)
        rows[lacking] = search(bags, lacking, rows.shape[1])


def search_entries(bags: Bags, entries: NDArray[np.int64], k_neighbors: int, search: Search) -> NDArray[np.int64]:
    """Return the neighbours of the given entries, and -1 for all others, shape (n_entries, k), int64.

    k is `k_neighbors`, or fewer where no bag has so many other rows.
    """
    k = max(1, min(k_neighbors, int(bags.sizes.max(initial=0)) - 1))
    rows = np.full((len(bags.rows), k), -1, np.int64)
    if len(entries):
        rows[entries] = search(bags, entries, k)
    return rows


def _look_ahead(
    bags: Bags, order: NDArray[np.int64], wanted: NDArray[np.bool_], known: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the wanted entries, and in their bags those that come next in `order`; ascending."""
    n_wanted, n_used = (np.bincount(bags.labels[mask], minlength=len(bags.sizes)) for mask in (wanted, wanted | known))
    ahead = np.where(n_wanted > 0, (AHEAD * n_used).astype(np.int64) + 1, 0)
    later = order[~(wanted | known)[order]]  # label by label, as entries are
    label = bags.labels[later]
    place = np.arange(len(later)) - np.searchsorted(label, label)
    return np.union1d(np.flatnonzero(wanted), later[place < ahead[label]])
