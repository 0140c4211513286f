"""The nearest rows of a bag of sparse features: exact, by products over the columns that few rows have.

What the other columns can add to a product is bounded by the lengths of the parts that lie there (Cauchy and
Schwarz); with TF-IDF that rules out nearly all rows, and common words, which cost most, are never multiplied out.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from evenly.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.resample.kernels_sparse import Bag

__all__ = ["nearest_sparse"]

COMMON = 0.25  # share of the rows above which a column is left to the bound: measured on short and long texts
CHUNK_VALUES = 2**20  # values of the bag, and of the seeds, that are gathered at once: some 60 bytes each


def nearest_sparse(
    features: sparse.csr_matrix,
    rows: NDArray[np.int64],
    seeds: NDArray[np.int64],
    k: int,
    *,
    by_angle: bool,
    common: float = COMMON,
    chunk_values: int = CHUNK_VALUES,
) -> NDArray[np.int64]:
    """Return the places in `rows` of the k rows nearest to each seed, as `nearest_dense` does for dense features.

    `common` is the share of the bag from which a column counts as common, `chunk_values` bounds the scratch; they make
    no difference to the answer.
    """
    from evenly.resample.kernels_sparse import take_nearer_by_bound

    place = np.full((len(seeds), k), len(rows), np.int64)
    distance = np.full((len(seeds), k), np.inf)
    chunks = _cut(features, rows, chunk_values)
    for block in _cut(features, rows[seeds], chunk_values):
        asked, so_far = seeds[block], (distance[block], place[block])
        for chunk in chunks:
            inside = (asked >= chunk.start) & (asked < chunk.stop)
            gathered = np.concatenate([rows[chunk], rows[asked[~inside]]])
            size = chunk.stop - chunk.start
            at = asked - chunk.start
            at[~inside] = size + np.arange(len(asked) - inside.sum())
            bag = _bag(_gather(features, gathered), size, common, by_angle=by_angle)
            take_nearer_by_bound(bag, at, np.where(inside, at, -1), chunk.start, so_far)
    return place


def _cut(features: sparse.csr_matrix, rows: NDArray[np.int64], values: int) -> list[slice]:
    """Return runs of rows that hold about so many values each."""
    held = np.cumsum(features.indptr[rows + 1] - features.indptr[rows])
    cuts = (np.flatnonzero(np.diff(held // values)) + 1).tolist()
    return [slice(begin, end) for begin, end in pairwise([0, *cuts, len(rows)])]


def _bag(inside: sparse.csr_matrix, n_candidates: int, common: float, *, by_angle: bool) -> Bag:
    from evenly.resample.kernels_sparse import Bag, Entries

    columns = inside[:n_candidates].tocsc()
    squares = sparse.csr_matrix((inside.data.astype(np.float64) ** 2, inside.indices, inside.indptr), inside.shape)
    held = np.diff(columns.indptr)
    is_common = held > common * n_candidates
    return Bag(
        n_candidates=n_candidates,
        by_row=Entries(inside.indptr.astype(np.int64), inside.indices, inside.data),
        by_column=Entries(columns.indptr.astype(np.int64), columns.indices, columns.data),
        stop=columns.indptr[:-1] + np.where(is_common, 0, held).astype(np.int64),
        rest=np.sqrt(squares @ is_common.astype(np.float64)),
        length=np.sqrt(squares @ np.ones(len(held))),
        by_angle=by_angle,
    )


def _gather(features: sparse.csr_matrix, rows: NDArray[np.int64]) -> sparse.csr_matrix:
    """Return the rows, with the columns that one of them has, sorted and each once."""
    inside = features[rows]
    inside.sum_duplicates()
    finite = np.isfinite(inside.data)
    if not finite.all():
        wrong = rows[np.searchsorted(inside.indptr, finite.argmin(), side="right") - 1]
        raise DataError(
            f"The features of row {wrong} hold a value that is not finite: neighbours need numbers. Fill or drop such "
            f"values first."
        )
    used, columns = np.unique(inside.indices, return_inverse=True)
    return sparse.csr_matrix(
        (inside.data, columns.astype(np.int32), inside.indptr), shape=(len(rows), max(1, len(used)))
    )
