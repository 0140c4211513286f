"""The loops that fill a run of batches, compiled.

Comes in: token ids and labels in flat arrays, and which stored rows are wanted. Goes out: padded ids, what a model
may ask for beside them, and labels. The kernels let go of Python's global lock, so that several threads of tf.data
fill at once. Imported only where batches are read, since numba takes half a second to load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evenly.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

__all__ = ["fill_ids", "fill_indices", "fill_mask", "fill_multi_hot", "fill_positions", "fill_types"]


@compiled
def fill_ids(
    memory: Array, start: Array, length: Array, stored: Array, pad_id: int, out: Array
) -> None:  # pragma: no cover - compiled
    """Copy the ids of the row ``stored[i]`` to ``out[i]``, and `pad_id` to its rest."""
    for i in range(len(stored)):
        first, n = start[stored[i]], length[stored[i]]
        ids, head, tail = memory[first : first + n], out[i, :n], out[i, n:]
        for j in range(len(head)):  # over slices, which the compiler sees to begin at 0: so it copies many at once
            head[j] = ids[j]
        for j in range(len(tail)):
            tail[j] = pad_id


@compiled
def fill_mask(length: Array, stored: Array, out: Array) -> None:  # pragma: no cover - compiled
    """Write 1 where ``stored[i]`` has an id, and 0 where it is padded."""
    for i in range(len(stored)):
        n = length[stored[i]]
        out[i, :n] = 1
        out[i, n:] = 0


@compiled
def fill_positions(length: Array, stored: Array, out: Array) -> None:  # pragma: no cover - compiled
    """Number the ids of ``stored[i]`` from 0, and write 0 where it is padded."""
    for i in range(len(stored)):
        n = length[stored[i]]
        for j in range(n):
            out[i, j] = j
        out[i, n:] = 0


@compiled
def fill_types(
    memory: Array, start: Array, length: Array, stored: Array, separator_id: int, out: Array
) -> None:  # pragma: no cover - compiled
    """Write 0 up to the first separator of ``stored[i]``, 1 behind it, and 0 where it is padded."""
    for i in range(len(stored)):
        first, n, kind = start[stored[i]], length[stored[i]], 0
        for j in range(n):
            out[i, j] = kind
            if memory[first + j] == separator_id:
                kind = 1
        out[i, n:] = 0


@compiled
def fill_multi_hot(
    offsets: Array, label_ids: Array, stored: Array, one: int, out: Array
) -> None:  # pragma: no cover - compiled
    """Set ``out[i, l]`` to `one` for every label l of the stored row ``stored[i]``, and to 0 for the others."""
    for i in range(len(stored)):
        row = out[i]
        row[:] = 0
        for j in range(offsets[stored[i]], offsets[stored[i] + 1]):
            row[label_ids[j]] = one


@compiled
def fill_indices(offsets: Array, label_ids: Array, stored: Array, out: Array) -> None:  # pragma: no cover - compiled
    """Write the labels of ``stored[i]`` to the front of ``out[i]``, and -1 to the rest."""
    for i in range(len(stored)):
        out[i, :] = -1
        first = offsets[stored[i]]
        for j in range(offsets[stored[i] + 1] - first):
            out[i, j] = label_ids[first + j]
