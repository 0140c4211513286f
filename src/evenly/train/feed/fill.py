"""The loops that fill a batch, compiled.

Comes in: token ids and labels in flat arrays with offsets. Goes out: padded ids and multi-hot labels. The kernels
let go of Python's global lock, so that several threads of tf.data fill at once. Imported only where batches are
read, since numba takes half a second to load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evenly.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

__all__ = ["fill_ids", "fill_indices", "fill_multi_hot"]


@compiled
def fill_ids(
    values: Array, start: Array, length: Array, target: Array, pad_id: int, out: Array
) -> None:  # pragma: no cover - compiled
    """Copy `length[i]` ids from ``values[start[i]]`` to the row ``out[target[i]]``, and `pad_id` to its rest."""
    for i in range(len(start)):
        row, source = out[target[i]], start[i]
        for j in range(length[i]):
            row[j] = values[source + j]
        row[length[i] :] = pad_id


@compiled
def fill_multi_hot(offsets: Array, label_ids: Array, stored: Array, out: Array) -> None:  # pragma: no cover - compiled
    """Set ``out[i, l]`` to 1 for every label l of the stored row ``stored[i]``, and to 0 for the others."""
    for i in range(len(stored)):
        out[i, :] = 0
        for j in range(offsets[stored[i]], offsets[stored[i] + 1]):
            out[i, label_ids[j]] = 1


@compiled
def fill_indices(offsets: Array, label_ids: Array, stored: Array, out: Array) -> None:  # pragma: no cover - compiled
    """Write the labels of ``stored[i]`` to the front of ``out[i]``, and -1 to the rest."""
    for i in range(len(stored)):
        out[i, :] = -1
        first = offsets[stored[i]]
        for j in range(offsets[stored[i] + 1] - first):
            out[i, j] = label_ids[first + j]
