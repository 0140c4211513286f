"""Memory for stretches of a file, lent again as soon as nobody refers to it any more.

A stretch and its columns live for some hundredths of a second. Given back to the system in between, their memory
would have to be cleared by it every time, which costs as much as copying the columns.
"""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

__all__ = ["Blocks"]

_STEP = 1 << 16
_LEAST = 1 << 20  # what is smaller is left to NumPy: it must not hold a large block
_MOST_FREE = 24


class Blocks:
    """Lends blocks of bytes; any thread may take one."""

    def __init__(self) -> None:
        """Begin with none."""
        self._free: deque[NDArray[np.uint8]] = deque(maxlen=_MOST_FREE)

    def take(self, size: int) -> memoryview:
        """Return `size` bytes, not cleared, lent for as long as the view lives or anything that was made of it."""
        if size < _LEAST:
            return memoryview(cast("Buffer", np.empty(size, np.uint8)))
        block = self._free.pop() if self._free else np.empty(0, np.uint8)
        if len(block) < size:
            block = np.empty(-(-size // _STEP) * _STEP, np.uint8)
        lent = block[:size]
        weakref.finalize(lent, self._free.append, block).atexit = False
        return memoryview(cast("Buffer", lent))
