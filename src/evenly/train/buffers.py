"""Memory for batches that is used again: fresh pages from the kernel cost more than what is written to them.

Comes in: shapes. Goes out: arrays whose data begins at a multiple of 64 bytes, which TensorFlow takes without a copy.
"""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BufferPool"]

_ALIGNMENT = 64


class BufferPool:
    """Hands out uninitialised arrays and takes their memory back once nobody, TensorFlow included, holds a view."""

    def __init__(self) -> None:
        """Begin with no memory."""
        self._free: deque[NDArray[np.uint8]] = deque()

    def take(self, *shape: int, dtype: type[np.generic]) -> NDArray[Any]:
        """Return an array of this shape, its content undefined."""
        n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        memory = self._find(n_bytes + _ALIGNMENT)
        skip = -memory.ctypes.data % _ALIGNMENT
        lease = memory.data[skip : skip + n_bytes]  # every view of the array keeps it alive
        weakref.finalize(lease, self._free.append, memory).atexit = False
        return np.frombuffer(lease, dtype).reshape(shape)

    def _find(self, n_bytes: int) -> NDArray[np.uint8]:
        """Return free memory that is large enough, forgetting what is too small, or new memory with some to spare."""
        while self._free:
            try:
                memory = self._free.popleft()
            except IndexError:  # another thread was faster
                break
            if len(memory) >= n_bytes:
                return memory
        return np.empty(n_bytes + n_bytes // 8, np.uint8)
