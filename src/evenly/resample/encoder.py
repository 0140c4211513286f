"""A user's encoder: texts in, a row of numbers for each out, some at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from evenly.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["ENCODED_AT_ONCE", "encode_texts"]

ENCODED_AT_ONCE = 1_024
MATRIX = 2  # dimensions


def encode_texts(encoder: Callable[[list[str]], Any], texts: Sequence[str], wanted: NDArray[np.bool_]) -> Any:
    """Return what an encoder makes of the wanted texts; the other rows are zero.

    Parameters
    ----------
    encoder
        Takes a list of texts and returns numbers, shape (n_texts, n_features), in an array, what becomes one, or a
        scipy sparse matrix; n_features is the same each time.
    texts, wanted
        Of shape (n_rows,).

    Returns
    -------
    ndarray or CSR matrix, shape (n_rows, n_features)

    Raises
    ------
    DataError
        What the encoder returns has another shape, or holds no numbers.
    """
    rows = np.flatnonzero(wanted)
    blocks: list[Any] = []
    for begin in range(0, len(rows), ENCODED_AT_ONCE):
        batch = [texts[row] for row in rows[begin : begin + ENCODED_AT_ONCE].tolist()]
        found = encoder(batch)
        found = found.tocsr() if sparse.issparse(found) else np.asarray(found)
        expected = (len(batch), blocks[0].shape[1] if blocks else None)
        if found.ndim != MATRIX or found.dtype.kind not in "fiub" or not _fits(found.shape, expected):
            raise DataError(
                f"The encoder given as features returned the shape {found.shape} and the type {found.dtype} for "
                f"{len(batch):,} texts; expected numbers of the shape ({expected[0]}, {expected[1] or 'n_features'})."
            )
        blocks.append(found)
    return _spread(blocks, rows, len(texts))


def _fits(shape: tuple[int, ...], expected: tuple[int, int | None]) -> bool:
    return shape[0] == expected[0] and expected[1] in {None, shape[1]}


def _spread(blocks: list[Any], rows: NDArray[np.int64], n_rows: int) -> Any:
    """Return the blocks as those rows of a matrix."""
    if not blocks:
        return np.zeros((n_rows, 1))
    if sparse.issparse(blocks[0]):
        found = sparse.vstack(blocks, format="csr")
        widths = np.zeros(n_rows, np.int64)
        widths[rows] = np.diff(found.indptr)
        start = np.concatenate([[0], np.cumsum(widths)])
        return sparse.csr_matrix((found.data, found.indices, start), shape=(n_rows, found.shape[1]))
    whole = np.zeros((n_rows, blocks[0].shape[1]), np.result_type(*blocks))
    whole[rows] = np.concatenate(blocks)
    return whole
