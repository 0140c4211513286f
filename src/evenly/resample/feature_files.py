"""Features on disk, so that the processes that look for neighbours share them without holding a copy each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["open_features", "write_dense", "write_sparse"]

VALUES, COLUMNS = "values.float32", "columns.int32"


def write_sparse(
    folder: Path, blocks: Iterable[sparse.csr_matrix], n_columns: int, wanted: NDArray[np.bool_] | None = None
) -> Path:
    """Write a CSR matrix, float32, block after block.

    Parameters
    ----------
    folder
        Is made.
    blocks
        The rows, in order.
    n_columns
        The width of the matrix.
    wanted
        Shape (n_rows,): the rows that the blocks are; the others hold nothing. None: all.

    Returns
    -------
    Path
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    held = [np.empty(0, np.int64)]
    with (folder / VALUES).open("wb") as values, (folder / COLUMNS).open("wb") as columns:
        for block in blocks:
            block.data.astype(np.float32, copy=False).tofile(values)
            block.indices.astype(np.int32, copy=False).tofile(columns)
            held.append(np.diff(block.indptr))
    widths = np.concatenate(held)
    if wanted is not None:
        every = np.zeros(len(wanted), np.int64)
        every[wanted] = widths
        widths = every
    np.save(folder / "start.npy", np.concatenate([[0], np.cumsum(widths)]).astype(np.int64))
    np.save(folder / "n_columns.npy", np.int64(n_columns))
    return folder


def write_dense(folder: Path, blocks: Iterable[NDArray[Any]], n_rows: int, n_columns: int) -> Path:
    """Write a dense matrix, float32, block after block; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = np.lib.format.open_memmap(folder / "dense.npy", "w+", np.float32, (n_rows, n_columns))
    at = 0
    for block in blocks:
        whole[at : at + len(block)] = block
        at += len(block)
    return folder


def open_features(folder: Path) -> Any:
    """Open what was written, mapped into memory: a dense array or a CSR matrix."""
    if (folder / "dense.npy").exists():
        return np.load(folder / "dense.npy", mmap_mode="r")
    start = np.load(folder / "start.npy", mmap_mode="r")
    shape = (len(start) - 1, int(np.load(folder / "n_columns.npy")))
    if not start[-1]:
        return sparse.csr_matrix(shape, dtype=np.float32)  # an empty file cannot be mapped
    values, columns = (np.memmap(folder / name, kind, "r") for name, kind in ((VALUES, "f4"), (COLUMNS, "i4")))
    return sparse.csr_matrix((values, columns, start), shape=shape)
