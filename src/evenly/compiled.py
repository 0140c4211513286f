"""Compile a loop with numba: at its first call, kept on disk, free of Python's global lock.

The machine code is kept beside the source or, where that folder cannot be written (a read-only install), in the
user's cache folder; numba writes it by rename, so processes may compile at the same time. Kernels that call one
another must stand in one file: numba's cache looks at the file of the outermost one only. Import this only where a
loop runs: numba takes half a second to load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

    F = TypeVar("F", bound=Callable[..., Any])

__all__ = ["compiled"]


def compiled(function: F) -> F:
    """Return `function` compiled at its first call; without a cache where no folder for one can be written."""
    try:
        return cast("F", numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # numba's word for: neither the package's folder nor the user's
        return cast("F", numba.njit(nogil=True)(function))
