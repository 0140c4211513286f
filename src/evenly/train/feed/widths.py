"""How wide batches may be: the buckets of rows of like length.

Comes in: the lengths of rows, and what was asked for. Goes out: widths, ascending, of which each row belongs to the
narrowest that holds it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from evenly.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["choose_widths", "join_small_buckets", "round_width"]

_STEP = 8  # ids: widths are multiples of it, few distinct shapes and aligned rows
_GROWTH = 1.125  # from one width to the next at most: no row is padded by more than an eighth of it, or 8 ids


def round_width(longest: int) -> int:
    """Return the next multiple of 8, at least 8."""
    return max(_STEP, -(-longest // _STEP) * _STEP)


def choose_widths(given: Sequence[int] | None, longest: int) -> NDArray[np.int64]:
    """Return the widths of buckets: those given and, where they are too small or none are, up to the longest row.

    Raises
    ------
    ConfigError
        The widths given do not ascend from 1 on.
    """
    if given is None:
        widths = [_STEP]
        while widths[-1] < longest:
            widths.append(max(widths[-1] + _STEP, int(widths[-1] * _GROWTH) // _STEP * _STEP))
        return np.minimum(widths, max(longest, 1))
    widths = list(given)
    if not widths or widths[0] < 1 or any(low >= high for low, high in pairwise(widths)):
        raise ConfigError(f"buckets is {given!r}, expected widths that ascend from at least 1, like (64, 128, 256).")
    return np.array(widths if widths[-1] >= longest else [*widths, longest])


def join_small_buckets(counts: NDArray[np.int64], at_least: NDArray[np.int64], n_workers: int) -> NDArray[np.int64]:
    """Return which buckets stay when those with too few rows are read with the next wider one, ascending.

    Parameters
    ----------
    counts, at_least
        Shape (n_buckets,), int64: the rows of each, and how many it must have to stand alone. The widest may have
        fewer, but not fewer than `n_workers`: else the one before joins it.
    n_workers
        Among whom each batch is divided.
    """
    kept: list[int] = []
    held = 0
    for bucket, (count, least) in enumerate(zip(counts.tolist(), at_least.tolist(), strict=True)):
        held += count
        if held >= max(least, 1) and bucket < len(counts) - 1:
            kept.append(bucket)
            held = 0
    if kept and 0 < held < n_workers:
        kept.pop()
    return np.array([*kept, len(counts) - 1], np.int64)
