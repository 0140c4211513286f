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

PARTS = ("data", "indices", "indptr")


def write_sparse(folder: Path, blocks: Iterable[sparse.csr_matrix], widths: NDArray[np.int64], n_columns: int) -> None:
    """Write a CSR matrix, float32, block after block.

    Parameters
    ----------
    folder
        Is made.
    blocks
        The rows that hold something, in order.
    widths
        Shape (n_rows,): the values of every row, also of those that are in no block and hold nothing.
    n_columns
        The width of the matrix.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
    np.save(folder / "indptr.npy", start)
    np.save(folder / "n_columns.npy", np.int64(n_columns))
    data, indices = (
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype, (max(1, int(start[-1])),))
        for name, dtype in (("data", np.float32), ("indices", np.int32))
    )
    at = 0
    for block in blocks:
        data[at : at + block.nnz], indices[at : at + block.nnz] = block.data, block.indices
        at += block.nnz


def write_dense(folder: Path, features: NDArray[Any]) -> None:
    """Write a dense matrix, as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "dense.npy", features)


def open_features(folder: Path) -> Any:
    """Open what was written, mapped into memory: a dense array or a CSR matrix."""
    if (folder / "dense.npy").exists():
        return np.load(folder / "dense.npy", mmap_mode="r")
    data, indices, start = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in PARTS)
    shape = (len(start) - 1, int(np.load(folder / "n_columns.npy")))
    return sparse.csr_matrix((data[: start[-1]], indices[: start[-1]], start), shape=shape)
