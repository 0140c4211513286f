"""The arrays of a run: what the model takes in, and what it is to give.

Comes in: the stored rows, and what was asked for. Goes out: arrays with a row for each, in memory that the caller
provides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from evenly.train.feed.options import FeedOptions, Input
    from evenly.train.feed.shards import IdColumn, ShardIndex

__all__ = ["Empty", "fill_inputs", "fill_targets"]


class Empty(Protocol):
    """Gives memory, as `numpy.empty` does."""

    def __call__(self, shape: tuple[int, ...], dtype: Any, /) -> NDArray[Any]:
        """Return an array of any content."""


def fill_inputs(
    index: ShardIndex, options: FeedOptions, stored: NDArray[np.int32], widths: Sequence[int], empty: Empty
) -> list[NDArray[np.int32]]:
    """Return what was asked for of each column of ids, shape (n_rows, width), int32.

    Parameters
    ----------
    index, options
        The stored rows, and what was asked for.
    stored
        Shape (n_rows,): which of them.
    widths
        Of each column.
    empty
        Gives the arrays.
    """
    arrays = []
    for column, width in zip(index.columns, widths, strict=True):
        for kind in options.inputs:
            out = empty((len(stored), width), np.int32)
            _fill_input(kind, column, stored, options, out)
            arrays.append(out)
    return arrays


def _fill_input(
    kind: Input, column: IdColumn, stored: NDArray[np.int32], options: FeedOptions, out: NDArray[np.int32]
) -> None:
    from evenly.train.feed.fill import fill_ids, fill_mask, fill_positions, fill_types

    if kind == "input_ids":
        fill_ids(column.memory, column.start, column.length, stored, options.pad_id, out)
    elif kind == "token_type_ids":
        fill_types(column.memory, column.start, column.length, stored, options.separator_id or 0, out)
    elif kind == "attention_mask":
        fill_mask(column.length, stored, out)
    else:
        fill_positions(column.length, stored, out)


def fill_targets(
    index: ShardIndex, options: FeedOptions, stored: NDArray[np.int32], width: int | None, empty: Empty
) -> NDArray[Any]:
    """Return the targets of the stored rows: shape (n_rows, width), or (n_rows,) where there is no width."""
    from evenly.train.feed.fill import fill_indices, fill_multi_hot

    offsets, label_ids, dtype = index.label_offsets, index.label_ids, options.target_dtype
    if width is None:
        out = empty(stored.shape, dtype)
        out[:] = label_ids[offsets[stored]]
        return out
    out = empty((len(stored), width), dtype)
    if options.labels == "indices":
        fill_indices(offsets, label_ids, stored, out)
        return out
    bits = np.dtype(f"u{dtype.itemsize}")  # the loop writes the bits of 1: numba knows no bfloat16
    fill_multi_hot(offsets, label_ids, stored, np.ones(1, dtype).view(bits)[0], out.view(bits))
    return out
