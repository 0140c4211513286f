"""The neighbours of many rows in many bags: here, or by whatever processes a stage has.

An *entry* is a place in `Bags.rows`: a row within the bag of a label.
"""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy import sparse

from evenly.executor import usable_cores
from evenly.resample.chain import blend, blend_blocks
from evenly.resample.feature_files import open_features, write_dense, write_sparse
from evenly.resample.growth import Bags
from evenly.resample.neighbors import nearest_in_bag

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.resample.changes import Changes
    from evenly.resample.neighbors import Metric
    from evenly.workspace import Workspace

__all__ = ["MappedSearch", "Search", "SearchHere", "as_search", "nearest_among"]

PAIRS_AT_ONCE = 5 * 10**7  # pairs of rows that a partition compares: a second of work or so
PAIRS_OF_A_THREAD = 10**6
SEEDS_OF_A_THREAD = 1_000  # at least, in a large bag, which each thread gathers anew
ROWS_AT_ONCE = 10_000


class Search(Protocol):
    """Finds neighbours of entries within their bags."""

    @property
    def features(self) -> Any:
        """What it looks at: shape (n_rows, n_features), dense or sparse."""
        ...

    def after(self, changes: Changes) -> Search:
        """Return a search among the rows that come out of changes."""
        ...

    def __call__(self, bags: Bags, entries: NDArray[np.int64], k: int) -> NDArray[np.int64]:
        """Return row numbers, nearest first, shape (n_entries, k), int64.

        `entries` must be ascending. Bags of fewer than k other rows fill the first columns only; the rest holds the
        row itself.
        """
        ...


@dataclass(frozen=True, eq=False)
class SearchHere:
    """Looks for neighbours in this process, bags side by side in threads.

    Attributes
    ----------
    features
        Shape (n_rows, n_features), dense or sparse.
    metric
        See `nearest_in_bag`.
    threads
        None: as many as cores. The products within a thread use one.
    """

    features: Any
    metric: Metric | None = None
    threads: int | None = None

    def __call__(self, bags: Bags, entries: NDArray[np.int64], k: int) -> NDArray[np.int64]:
        """Go through the bags, large ones in blocks of seeds."""
        found = np.repeat(bags.rows[entries][:, None], k, axis=1)
        pairs = max(PAIRS_OF_A_THREAD, SEEDS_OF_A_THREAD * int(bags.sizes.max(initial=0)))
        blocks = cut_evenly(bags, entries, pairs)
        with _blas().limit(limits=1, user_api="blas"), ThreadPoolExecutor(self.threads or usable_cores()) as pool:
            deque(pool.map(partial(self._fill, bags, entries, found), blocks), maxlen=0)  # raises what a thread raised
        return found

    def after(self, changes: Changes) -> Search:
        """Return a search among the rows that come out of changes."""
        if changes.nothing:
            return self
        return replace(self, features=blend(self.features, changes))

    def _fill(self, bags: Bags, entries: NDArray[np.int64], found: NDArray[np.int64], block: tuple[int, int]) -> None:
        """Find the neighbours of a block of entries."""
        chosen, into = entries[slice(*block)], found[slice(*block)]
        ends = np.searchsorted(chosen, bags.start)
        for label in np.flatnonzero(np.diff(ends)):
            seeds = slice(ends[label], ends[label + 1])
            bag = bags.rows[bags.start[label] : bags.start[label + 1]]
            near = nearest_in_bag(
                self.features, bag, into.shape[1], metric=self.metric, seeds=chosen[seeds] - bags.start[label]
            )
            into[seeds, : near.shape[1]] = near


@cache
def _blas() -> Any:
    """Return what sets the threads of the BLAS that NumPy has loaded; looking for it takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@dataclass(frozen=True, eq=False)
class MappedSearch:
    """Looks for neighbours over partitions; a large bag is cut into blocks of seeds.

    Attributes
    ----------
    work
        Maps the partitions; what they find goes to its `scratch`, and a build that was cut off goes on there.
    folder
        For `open_features`.
    metric
        See `nearest_in_bag`.
    """

    work: Workspace
    folder: Path
    metric: Metric | None = None

    @property
    def features(self) -> Any:
        """What it looks at, mapped into memory."""
        return open_features(self.folder)

    def after(self, changes: Changes) -> Search:
        """Return a search among the rows that come out of changes; their features are written block by block."""
        if changes.nothing:
            return self
        recipes = changes.recipes
        key = _digest(self.folder.name, changes.copies, recipes.seed, recipes.reference, recipes.share)
        folder = self.folder.with_name(f"features-{key}")
        given = self.features
        blocks = blend_blocks(given, changes, ROWS_AT_ONCE)
        if sparse.issparse(given):
            return replace(self, folder=write_sparse(folder, blocks, given.shape[1]))
        n_rows = len(changes.rows) + len(recipes)
        return replace(self, folder=write_dense(folder, blocks, n_rows, given.shape[1]))

    def __call__(self, bags: Bags, entries: NDArray[np.int64], k: int) -> NDArray[np.int64]:
        """Cut the entries into partitions of about equal work and map them."""
        step = f"neighbors-{_digest(f'{self.folder.name} {k}', bags.start, bags.rows, entries)}"
        task = self.work.scratch / f"{step}.task"
        task.mkdir(exist_ok=True)
        for name, values in (("start", bags.start), ("rows", bags.rows), ("entries", entries)):
            np.save(task / f"{name}.npy", values)
        function = partial(
            _search_partition,
            task=task,
            features=self.folder,
            metric=self.metric,
            k=k,
            threads=1 if self.work.executor.workers > 1 else None,  # else processes would share the cores
        )
        names = self.work.map(function, cut_evenly(bags, entries), name=step, keep=False)
        found = [np.load(self.work.scratch / step / name) for name in names]
        return np.concatenate([np.empty((0, k), np.int64), *found])


def _search_partition(
    item: tuple[int, int],
    folder: Path,
    *,
    task: Path,
    features: Path,
    metric: Metric | None,
    k: int,
    threads: int | None,
) -> str:
    begin, end = item
    bags = Bags(np.load(task / "start.npy"), np.load(task / "rows.npy", mmap_mode="r"))
    entries = np.load(task / "entries.npy", mmap_mode="r")[begin:end]
    name = f"{begin:012d}.npy"
    np.save(folder / name, SearchHere(open_features(features), metric, threads)(bags, np.asarray(entries), k))
    return name


def as_search(features: Any) -> Search:
    """Return a search among features: a matrix, or what is a search already."""
    found: Search = features if callable(features) else SearchHere(features)
    return found


def nearest_among(
    search: Search, rows: NDArray[np.int64], k: int, seeds: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Return the nearest others of a single bag, as `nearest_in_bag` does.

    Parameters
    ----------
    search
        Among features.
    rows
        Shape (n_bag,): the bag, ascending.
    k
        At least 1; a bag of fewer others gives all of them.
    seeds
        Shape (n_seeds,): the places in `rows` that are asked for, ascending; None: all of them.

    Returns
    -------
    ndarray, shape (n_seeds, min(k, n_bag - 1)), int64
        Row numbers, nearest first.
    """
    entries = np.arange(len(rows)) if seeds is None else np.asarray(seeds, np.int64)
    k = min(k, len(rows) - 1)
    if k < 1 or not len(entries):
        return np.empty((len(entries), max(0, k)), np.int64)
    return search(Bags(np.array([0, len(rows)]), np.asarray(rows, np.int64)), entries, k)


def _digest(name: str, *arrays: NDArray[Any]) -> str:
    """Return what tells one search or matrix of a build from the others."""
    found = hashlib.sha256(name.encode())
    for array in arrays:
        found.update(array.tobytes())
    return found.hexdigest()[:12]


def cut_evenly(bags: Bags, entries: NDArray[np.int64], pairs: int = PAIRS_AT_ONCE) -> list[tuple[int, int]]:
    """Return begin and end of runs of entries that are compared with about `pairs` rows together; entries ascend."""
    if not len(entries):
        return []
    work_done = np.cumsum(bags.sizes[np.searchsorted(bags.start, entries, side="right") - 1])
    cuts = (np.flatnonzero(np.diff(work_done // pairs)) + 1).tolist()
    return list(zip([0, *cuts], [*cuts, len(entries)], strict=True))
