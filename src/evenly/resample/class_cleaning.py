"""imbalanced-learn's cleaning samplers, one label a row, on our own search for neighbours.

Which rows go is decided as imbalanced-learn decides it, parameters and stopping rules included; the neighbours are
exact, come from partitions that several processes look through, and never need the distances of all pairs at once.
Twins of a row are neighbours like any other: imbalanced-learn may take a twin for the row itself and leave it out.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.resample.neighborhoods import nearest_among

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from evenly.resample.neighborhoods import Search

    Rows = NDArray[np.int64]
    Clean = Callable[[Any, NDArray[np.int64], Search], Rows]

__all__ = ["CLEANERS", "clean"]


def clean(sampler: Any, classes: NDArray[np.int64], search: Search) -> NDArray[np.int32]:
    """Return which rows one of `CLEANERS` keeps: 1 or 0, shape (n_rows,)."""
    copies = np.zeros(len(classes), np.int32)
    copies[CLEANERS[type(sampler).__name__](sampler, classes, search)] = 1
    return copies


def _tomek_links(sampler: Any, classes: NDArray[np.int64], search: Search) -> Rows:
    """Drop rows of the cleaned classes that are in a pair of nearest rows of different classes."""
    rows = np.arange(len(classes))
    nearest = nearest_among(search, rows, 1)[:, 0]
    linked = (nearest[nearest] == rows) & (classes[nearest] != classes)
    return np.flatnonzero(~(linked & np.isin(classes, _cleaned(sampler, classes))))


def _edited(sampler: Any, classes: NDArray[np.int64], search: Search) -> Rows:
    """Drop rows of the cleaned classes whose neighbours (`kind_sel`: all, or most of them) are of another class."""
    return _edit(np.arange(len(classes)), sampler, classes, search, sampler.n_neighbors)


def _repeatedly_edited(sampler: Any, classes: NDArray[np.int64], search: Search) -> Rows:
    """Edit what is left, until nothing changes or a class becomes too small."""
    rows = np.arange(len(classes))
    for _ in range(sampler.max_iter):
        before = len(rows)
        rows = _edit(rows, sampler, classes, search, sampler.n_neighbors)
        if len(rows) == before or _is_too_far(classes, rows, allow_minority=False):
            break
    return rows


def _edited_by_more_and_more(sampler: Any, classes: NDArray[np.int64], search: Search) -> Rows:
    """Edit what is left with one neighbour, then with two, and so on."""
    rows = np.arange(len(classes))
    for k in range(1, sampler.n_neighbors + 1):
        rows = _edit(rows, sampler, classes, search, k)
        if _is_too_far(classes, rows, allow_minority=sampler.allow_minority):
            break
    return rows


def _neighbourhood_cleaned(sampler: Any, classes: NDArray[np.int64], search: Search) -> Rows:
    """Edit; and drop the neighbours of minority rows that their neighbourhood would take for another class."""
    k, rows = sampler.n_neighbors, np.arange(len(classes))
    editor = sampler.edited_nearest_neighbours or sampler
    edited = _edit(rows, editor, classes, search, editor.n_neighbors, kind=getattr(editor, "kind_sel", "mode"))
    counts = Counter(classes.tolist())
    minority = min(counts, key=counts.__getitem__)
    large = [label for label, count in counts.items() if count > counts[minority] * sampler.threshold_cleaning]
    asked = np.flatnonzero(classes == minority)
    near = nearest_among(search, rows, k, asked)
    group = np.column_stack([asked, near])[:, :k]  # a row is the nearest to itself
    harmed = near[_most_frequent(classes[group]) != minority]
    cleaned = np.intersect1d(large, _cleaned(sampler, classes))
    return np.setdiff1d(edited, harmed[np.isin(classes[harmed], cleaned)])


CLEANERS: dict[str, Clean] = {
    "AllKNN": _edited_by_more_and_more,
    "EditedNearestNeighbours": _edited,
    "NeighbourhoodCleaningRule": _neighbourhood_cleaned,
    "RepeatedEditedNearestNeighbours": _repeatedly_edited,
    "TomekLinks": _tomek_links,
}


def _edit(
    rows: Rows, sampler: Any, classes: NDArray[np.int64], search: Search, k: int, *, kind: str | None = None
) -> Rows:
    """Return the rows that stay of some rows, whose neighbours are looked for among them."""
    held = classes[rows]
    asked = np.flatnonzero(np.isin(held, _cleaned(sampler, held)))
    near = classes[nearest_among(search, rows, k, asked)]
    stays = np.ones(len(rows), np.bool_)
    if near.shape[1] and (kind or sampler.kind_sel) == "mode":
        stays[asked] = _most_frequent(near) == held[asked]
    else:
        stays[asked] = (near == held[asked][:, None]).all(axis=1)
    return rows[stays]


def _cleaned(sampler: Any, classes: NDArray[np.int64]) -> list[int]:
    """Return the classes that the sampler's strategy means."""
    from imblearn.utils import check_sampling_strategy

    return list(check_sampling_strategy(sampler.sampling_strategy, classes, "clean-sampling"))


def _most_frequent(classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the most frequent class of every row, of several the lowest, shape (n,)."""
    ordered = np.sort(classes, axis=1)
    frequency = (ordered[:, :, None] == ordered[:, None, :]).sum(axis=2)
    found: NDArray[np.int64] = ordered[np.arange(len(ordered)), frequency.argmax(axis=1)]
    return found


def _is_too_far(classes: NDArray[np.int64], rows: Rows, *, allow_minority: bool) -> bool:
    """Tell whether another class has become smaller than the minority class was, or is gone."""
    before, left = Counter(classes.tolist()), Counter(classes[rows].tolist())
    minority = min(before, key=before.__getitem__)
    smaller = any(count < before[minority] for label, count in left.items() if label != minority)
    return (smaller and not allow_minority) or len(left) < len(before)
