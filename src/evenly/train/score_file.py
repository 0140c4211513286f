"""Scores on disk: float32, row by row, so that a split of any size is judged block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["open_scores"]


def open_scores(path: Path, n_rows: int, n_labels: int, *, mode: Literal["r", "w+"]) -> NDArray[np.float32]:
    """Map a file as a matrix, shape (n_rows, n_labels), float32; an empty one has no file, for none can be mapped."""
    if n_rows == 0:
        return np.zeros((0, n_labels), np.float32)
    return np.memmap(path, np.float32, mode=mode, shape=(n_rows, n_labels))
