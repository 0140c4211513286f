"""Lists of label numbers, as a table holds them.

In: numbers and the row of each. Out: for every row its distinct numbers, ascending.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from evenly.formats import LABELS_TYPE

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["label_lists"]


def label_lists(numbers: NDArray[np.int32 | np.int64], rows: NDArray[np.int64], *, n_rows: int) -> pa.ListArray:
    """Return list<int32>, shape (n_rows,); numbers below 0 are left out.

    Parameters
    ----------
    numbers, rows
        Shape (n,), in any order; rows from 0.
    """
    named = numbers >= 0
    if not named.all():
        numbers, rows = numbers[named], rows[named]
    width = int(numbers.max(initial=0)) + 1
    kind = np.dtype(np.int32 if n_rows * width <= np.iinfo(np.int32).max else np.int64)  # half as wide, twice as fast
    keys = np.multiply(rows, width, dtype=kind, casting="unsafe")
    keys += numbers.astype(kind, copy=False)
    keys.sort()
    is_first = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
    if not is_first.all():
        keys = keys[is_first]
    row_of_each, values = np.divmod(keys, kind.type(width))
    offsets = np.zeros(n_rows + 1, np.int32)
    np.cumsum(np.bincount(row_of_each, minlength=n_rows), out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.astype(np.int32, copy=False))).cast(LABELS_TYPE)
