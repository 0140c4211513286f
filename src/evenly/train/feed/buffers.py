"""Memory for batches that TensorFlow takes over as it is, used again once TensorFlow is done with it.

Comes in: a shape and a type. Goes out: an array that begins at a multiple of 64 bytes, which `tf.numpy_function` then
does not copy, and of which every slice that is a multiple of 64 bytes long is not copied either. New memory costs a
page fault every 4 KB, as much time as filling it, so an array that nobody refers to any more is given out again.
"""

from __future__ import annotations

import sys
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Buffers"]

_ALIGNMENT = 64
_KEPT = 32


class Buffers:
    """Arrays whose memory is given out again when every view of it is gone. Safe in several threads."""

    def __init__(self) -> None:
        """Begin with no memory."""
        self._lock = Lock()
        self._owners: list[NDArray[np.uint8]] = []

    def empty(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """Return an array like `numpy.empty`, aligned."""
        dtype = np.dtype(dtype)
        n_bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        with self._lock:
            owner = self._find(n_bytes + _ALIGNMENT)
            first = -owner.ctypes.data % _ALIGNMENT
            # Views of views refer to the owner itself, so the count of its references tells whether one is left.
            array: NDArray[Any] = owner[first : first + n_bytes].view(dtype).reshape(shape)
            return array

    def _find(self, n_bytes: int) -> NDArray[np.uint8]:
        """Return memory that is large enough and free, else new memory; what has no room in the list is forgotten."""
        size = 1 << (n_bytes - 1).bit_length()  # few sizes, each often free; pages never written to take no memory
        for i in range(len(self._owners)):
            if self._owners[i].nbytes == size and sys.getrefcount(self._owners[i]) <= _IDLE:
                return self._owners[i]
        if len(self._owners) >= _KEPT:
            del self._owners[0]
        self._owners.append(np.empty(size, np.uint8))
        return self._owners[-1]


def _count_idle() -> int:
    """Return what `sys.getrefcount` says of an array that only a list holds: it differs between Pythons."""
    held = [np.empty(1, np.uint8)]
    return sys.getrefcount(held[0])


_IDLE = _count_idle()
