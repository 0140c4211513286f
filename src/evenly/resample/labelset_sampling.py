"""LP-ROS and LP-RUS: whole rows of rare labelsets cloned, of frequent ones removed.

A labelset (a combination of labels) is a class here, its rows a bag. Where most rows have a labelset of their own
there is nothing to be even about, and both say so.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.imbalance import label_matrix
from evenly.labelsets import labelset_keys
from evenly.resample.limits import OWN_RATIO, Amount, Limits, ResamplingWarning
from evenly.resample.single_label import level_copies, random_over, random_under

if TYPE_CHECKING:
    from typing import Unpack

    from numpy.typing import NDArray

__all__ = ["lp_ros", "lp_rus"]


def lp_ros(labels: Any, *, random_state: np.random.Generator | int, **amount: Unpack[Amount]) -> NDArray[np.int32]:
    """Clone random rows of the labelsets with fewer rows than the mean.

    The paper's rule: with T rows to add (a quarter of the rows, `n_samples` or `ratio`) and n labelsets below the
    mean of rows, each gets round(T / n) clones, from the largest of them down; what would lift one above the mean
    is handed on to random smaller ones. With `target_ir` every labelset grows to 1 / `target_ir` of the largest.

    Parameters
    ----------
    labels
        Shape (n_rows, n_labels), sparse or dense, 0/1.
    random_state
        A generator, or the seed of one.
    **amount
        See `Amount`; nothing: the paper's rule.

    Returns
    -------
    ndarray, shape (n_rows,), int32
        How often each row is to stand in the data; at least 1.

    Warns
    -----
    ResamplingWarning
        More than half of the rows have a labelset of their own.

    References
    ----------
    Charte, Rivera, del Jesus, Herrera: Addressing imbalance in multilabel classification, Neurocomputing 163 (2015),
    algorithm 1.

    Examples
    --------
    >>> lp_ros([[1, 0]] * 5 + [[0, 1]], n_samples=1, random_state=0)
    array([1, 1, 1, 1, 1, 2], dtype=int32)
    """
    limits, rng = Limits.stated(**amount), np.random.default_rng(random_state)
    bag = _bags(labels, "LP-ROS")
    if limits.target_ir is not None:
        return random_over(bag, random_state=rng, **amount)
    copies = np.ones(len(bag), np.int32)
    sizes = np.bincount(bag)
    room = np.minimum(np.floor(len(bag) / max(1, len(sizes)) - sizes), (limits.max_copies - 1) * sizes)
    below = np.flatnonzero(len(bag) > sizes * len(sizes))  # |bag| < N / |LS|
    order = below[np.argsort(-sizes[below], kind="stable")]
    quotas = _hand_out(room[order].astype(np.int64), limits.budget(len(bag), OWN_RATIO), rng)
    for members, quota in zip(_members(bag, order), quotas, strict=True):
        np.add.at(copies, rng.choice(members, quota), 1)
        level_copies(copies, members, limits.max_copies, rng)
    return copies


def lp_rus(labels: Any, *, random_state: np.random.Generator | int, **amount: Unpack[Amount]) -> NDArray[np.int32]:
    """Remove random rows of the labelsets with more rows than the mean: the mirror of `lp_ros`.

    Of T rows to remove, each of the n labelsets above the mean loses round(T / n), from the smallest of them up;
    what would bring one below the mean is handed on to random larger ones. With `target_ir` no labelset keeps more
    than that times the rows of the rarest.

    Parameters
    ----------
    labels
        Shape (n_rows, n_labels), sparse or dense, 0/1.
    random_state
        A generator, or the seed of one.
    **amount
        See `Amount`; nothing: the paper's rule. `max_copies` means nothing here.

    Returns
    -------
    ndarray, shape (n_rows,), int32
        0 for rows that go, 1 for rows that stay.

    Warns
    -----
    ResamplingWarning
        More than half of the rows have a labelset of their own.

    References
    ----------
    Charte, Rivera, del Jesus, Herrera: Addressing imbalance in multilabel classification, Neurocomputing 163 (2015),
    algorithm 2.

    Examples
    --------
    >>> lp_rus([[1, 0]] * 5 + [[0, 1]], n_samples=1, random_state=0).sum().item()
    5
    """
    limits, rng = Limits.stated(**amount), np.random.default_rng(random_state)
    bag = _bags(labels, "LP-RUS")
    if limits.target_ir is not None:
        return random_under(bag, random_state=rng, **amount)
    copies = np.ones(len(bag), np.int32)
    sizes = np.bincount(bag)
    above = np.flatnonzero(len(bag) < sizes * len(sizes))
    order = above[np.argsort(sizes[above], kind="stable")]
    room = np.floor(sizes - len(bag) / max(1, len(sizes)))[order].astype(np.int64)
    quotas = _hand_out(room, limits.budget(len(bag), OWN_RATIO), rng)
    for members, quota in zip(_members(bag, order), quotas, strict=True):
        copies[rng.choice(members, quota, replace=False)] = 0
    return copies


def _bags(labels: Any, method: str) -> NDArray[np.int64]:
    """Return the number of the labelset of every row, shape (n_rows,), and warn where that means nothing."""
    _, bag, sizes = np.unique(labelset_keys(label_matrix(labels)), return_inverse=True, return_counts=True)
    alone = int((sizes == 1).sum())
    if 2 * alone > len(bag) and len(sizes) > 1:
        warnings.warn(
            f"{method}: {alone:,} of {len(bag):,} rows have a labelset that no other row has, so evening out "
            f"labelsets means nothing here; the ML methods look at labels instead.",
            ResamplingWarning,
            stacklevel=4,
        )
    return bag.astype(np.int64)


def _hand_out(room: NDArray[np.int64], total: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return round(total / n) for every bag, within its room; the remainder goes to random bags that follow."""
    n = len(room)
    quotas = np.full(n, round(min(total, int(room.sum())) / max(1, n)), np.int64)
    for at in range(n):
        over = int(quotas[at] - room[at])
        if over > 0:
            quotas[at] = room[at]
            np.add.at(quotas, rng.integers(at + 1, n, over if at + 1 < n else 0), 1)
    return quotas


def _members(bag: NDArray[np.int64], wanted: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the rows of the wanted bags, ascending."""
    order = np.argsort(bag, kind="stable")
    start = np.searchsorted(bag[order], np.stack([wanted, wanted + 1]))
    return [order[begin:end] for begin, end in start.T]
