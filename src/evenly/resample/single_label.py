"""Random over- and under-sampling of a table with one label a row, as imbalanced-learn has it, as copies of rows.

How many rows each class shall have follows from the target and the bounds. Rows to be removed are drawn by
imbalanced-learn; rows to be added, by the same rule, here, a class at a time: it would list all rows that come out,
some 40 bytes each, where a number beside each row that goes in is all that is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.resample.limits import Amount, Limits
from evenly.resample.targets import above_target

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from numpy.typing import ArrayLike, NDArray

__all__ = ["draw_seed", "level_copies", "over_strategy", "random_over", "random_under", "under_strategy"]

EVEN = 1.0  # imbalanced-learn's aim: all classes of one size


def random_over(
    classes: ArrayLike, *, random_state: np.random.Generator | int, **amount: Unpack[Amount]
) -> NDArray[np.int32]:
    """Over-sample the rare classes as imbalanced-learn's RandomOverSampler does: by rows drawn with replacement.

    Parameters
    ----------
    classes
        Shape (n_rows,), integers from 0: the class of every row.
    random_state
        A generator, or the seed of one.
    **amount
        See `Amount`; nothing: every class gets as many rows as the largest, which is imbalanced-learn's own rule.
        Rows that the draw, which is with replacement, takes more than `max_copies` times hand the rest on to other
        rows of their class.

    Returns
    -------
    ndarray, shape (n_rows,), int32
        How often each row is to stand in the data; at least 1.

    Examples
    --------
    >>> random_over([0, 0, 0, 0, 1], target_ir=2, random_state=0)
    array([1, 1, 1, 1, 2], dtype=int32)
    """
    y = np.asarray(classes, np.int64)
    limits = Limits.stated(**amount)
    strategy = over_strategy(np.bincount(y), limits)
    if not strategy:
        return np.ones(len(y), np.int32)
    rng = np.random.default_rng(random_state)
    copies = np.ones(len(y), np.int32)
    by_class = np.argsort(y, kind="stable")
    ends = np.cumsum(np.bincount(y))
    for label, size in strategy.items():
        members = by_class[ends[label - 1] if label else 0 : ends[label]]
        drawn = rng.integers(0, len(members), size - len(members))  # a class at a time: its rows are never all listed
        copies[members] += np.bincount(drawn, minlength=len(members)).astype(np.int32)
        level_copies(copies, members, limits.max_copies, rng)
    return copies


def random_under(
    classes: ArrayLike, *, random_state: np.random.Generator | int, **amount: Unpack[Amount]
) -> NDArray[np.int32]:
    """Under-sample the frequent classes with imbalanced-learn's RandomUnderSampler.

    Parameters
    ----------
    classes
        Shape (n_rows,), integers from 0: the class of every row.
    random_state
        A generator, or the seed of one.
    **amount
        See `Amount`; nothing: no class keeps more rows than the rarest has, which is imbalanced-learn's own rule.
        `max_growth`, `n_samples` and `ratio` count rows removed; the largest classes lose theirs first.

    Returns
    -------
    ndarray, shape (n_rows,), int32
        0 for rows that go, 1 for rows that stay.

    Examples
    --------
    >>> random_under([0] * 6 + [1], target_ir=2, max_growth=1, random_state=0).sum().item()
    3
    """
    y = np.asarray(classes, np.int64)
    strategy = under_strategy(np.bincount(y), Limits.stated(**amount))
    if not strategy:
        return np.ones(len(y), np.int32)
    from imblearn.under_sampling import RandomUnderSampler

    rng = np.random.default_rng(random_state)
    sampler = RandomUnderSampler(sampling_strategy=strategy, random_state=draw_seed(rng))
    sampler.fit_resample(np.arange(len(y)).reshape(-1, 1), y)
    return np.bincount(sampler.sample_indices_, minlength=len(y)).astype(np.int32)


def over_strategy(counts: NDArray[np.int64], limits: Limits) -> dict[int, int]:
    """Return imbalanced-learn's `sampling_strategy`: the rows that each rare class shall have.

    What may be added is handed out one row a class and round, rarest first, until a class has what it needs.
    """
    target_ir = limits.target_ir or EVEN
    aim = np.ceil(counts.max(initial=0) / target_ir - 1e-9).astype(np.int64)
    need = np.minimum(aim - counts, (limits.max_copies - 1) * counts)
    need[~above_target(counts, target_ir)] = 0
    added = _share_out(need, limits.budget(int(counts.sum())), counts)
    return {int(label): int(counts[label] + added[label]) for label in np.flatnonzero(added)}


def _share_out(need: NDArray[np.int64], budget: int, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what round after round of one each gives every class, shape (n_classes,)."""
    rounds = _largest(lambda level: int(np.minimum(need, level).sum()) <= budget, int(need.max(initial=0)))
    given = np.minimum(need, rounds)
    unserved = np.flatnonzero(need > rounds)
    last = unserved[np.argsort(counts[unserved], kind="stable")][: budget - int(given.sum())]
    given[last] += 1
    return given


def under_strategy(counts: NDArray[np.int64], limits: Limits) -> dict[int, int]:
    """Return imbalanced-learn's `sampling_strategy`: the rows that each frequent class shall keep."""
    target_ir = limits.target_ir or EVEN
    if not above_target(counts, target_ir).any():
        return {}
    highest = int(counts.max())
    aim = int(target_ir * counts[counts > 0].min() + 1e-9)
    budget = limits.budget(int(counts.sum()))
    cut = _largest(lambda depth: int((counts - (highest - depth)).clip(0).sum()) <= budget, highest - aim)
    level = highest - cut
    return {int(label): level for label in np.flatnonzero(counts > level)}


def _largest(fits: Callable[[int], bool], highest: int) -> int:
    """Return the largest number from 0 to `highest` that fits; 0 does, and no number above one that does not."""
    low = 0
    while low < highest:
        middle = (low + highest + 1) // 2
        low, highest = (middle, highest) if fits(middle) else (low, middle - 1)
    return low


def level_copies(
    copies: NDArray[np.int32], members: NDArray[np.int64], max_copies: int, rng: np.random.Generator
) -> None:
    """Move what is above `max_copies` to members that have room, in place; the sum stays."""
    excess = int((copies[members] - max_copies).clip(0).sum())
    if excess:
        copies[members] = copies[members].clip(max=max_copies)
        room = np.repeat(members, max_copies - copies[members])
        np.add.at(copies, rng.choice(room, excess, replace=False), 1)


def draw_seed(rng: np.random.Generator) -> int:
    """Return a seed for imbalanced-learn, which takes no `numpy.random.Generator`."""
    return int(rng.integers(2**32, dtype=np.uint64))
