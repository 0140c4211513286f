"""Cells of a column that stands for one label: is it held.

In: a column of 0 and 1 (one-hot), or of shares in [0, 1] (fractions: of the annotators who gave the label). Out:
`Marks`: where the label is held, where the cell is blank, where it is neither. A share is held from the threshold
on, compared in the precision in which it is stored: a float32 of 0.7 reaches 0.7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evenly.ingest.cells import as_text, blank_mask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["FLAGS", "Marks", "read_flags", "read_shares", "shares_in"]

FLAGS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"


class Marks(NamedTuple):
    """One column of a batch; each array has the shape (n_rows,), bool."""

    held: NDArray[np.bool_]
    blank: NDArray[np.bool_]
    strange: NDArray[np.bool_]


def read_flags(column: pa.ChunkedArray, name: str) -> Marks:
    """Return what a column of 0 and 1, or true and false, says."""
    text = as_text(column, name)
    blank = blank_mask(text)
    known = pa.array(FLAGS.keys(), pa.string())
    flags = pa.array(FLAGS.values(), pa.int8()).take(pc.index_in(pc.utf8_lower(pc.utf8_trim_whitespace(text)), known))
    held = flags.fill_null(0).to_numpy(zero_copy_only=False) == 1
    return Marks(held, _as_bool(blank), _as_bool(pc.and_(flags.is_null(), pc.invert(blank))))


def read_shares(column: pa.ChunkedArray, name: str, threshold: float) -> Marks:
    """Return what a column of shares says; a cell that is no number in [0, 1] is strange."""
    numbers, blank = _as_numbers(column, name)
    inside = (numbers >= 0) & (numbers <= 1)  # false for NaN
    return Marks(inside & (numbers >= threshold), blank, ~inside & ~blank)


def shares_in(shares: Mapping[Any, Any], threshold: float) -> list[str] | None:
    """Return the names in an object of name and share that reach the threshold; None where a value is no share.

    A value that is null is not held.
    """
    held = []
    for name, value in shares.items():
        if value is None:
            continue
        if not isinstance(value, int | float) or not 0 <= value <= 1:
            return None
        if value >= threshold:
            held.append(str(name))
    return held


def _as_numbers(column: pa.ChunkedArray, name: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return a column as floating numbers, NaN where it has none, and where it is blank."""
    if pa.types.is_floating(column.type):
        numbers = column.to_numpy(zero_copy_only=False)
        return numbers, np.isnan(numbers)  # pandas writes what is missing as NaN
    if pa.types.is_boolean(column.type) or pa.types.is_integer(column.type):
        numbers = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return numbers, _as_bool(column.is_null().combine_chunks())
    text = pc.utf8_trim_whitespace(as_text(column, name))
    is_number = pc.match_substring_regex(text, _NUMBER)
    numbers = pc.if_else(is_number, text, None).cast(pa.float64())
    return numbers.to_numpy(zero_copy_only=False), _as_bool(blank_mask(text))


def _as_bool(mask: pa.BooleanArray) -> NDArray[np.bool_]:
    values: NDArray[np.bool_] = mask.to_numpy(zero_copy_only=False)
    return values
