"""Rows of numbers between two rows: what a recipe makes of vectors, dense or sparse.

x_seed + u (x_reference - x_seed), rounded into the box that the two rows span.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from scipy import sparse

from evenly.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.resample.changes import Recipes

__all__ = ["Gap", "interpolate"]

Gap = Literal["feature", "row"]


def interpolate(
    features: Any,
    recipes: Recipes,
    *,
    gap: Gap = "feature",
    random_state: np.random.Generator | int,
    normalize: bool = False,
) -> Any:
    """Return the vectors that recipes make: every value lies between those of the two parents.

    Parameters
    ----------
    features
        Shape (n_rows, n_features), a dense array or a sparse matrix.
    recipes
        Whose `seed` and `reference` are rows of `features`.
    gap
        ``feature``: a share of its own for every feature, as the paper of MLSMOTE draws it: a point in the box that
        the parents span. ``row``: the recipe's share for all of them, as in SMOTE: a point on their segment.
    random_state
        A generator, or the seed of one; draws the shares of ``feature``, row by row, of sparse rows for the columns
        that a parent has.
    normalize
        Scale the vectors to length 1, which a blend of two such rows is below.

    Returns
    -------
    ndarray or CSR matrix, shape (n_recipes, n_features)
        Dense: of the floating type and the order of `features` (integers give float64); a sparse matrix stays sparse:
        a column is stored where a parent has it.

    Raises
    ------
    ConfigError
        `gap` is unknown.

    References
    ----------
    Charte, Rivera, del Jesus, Herrera: MLSMOTE, Knowledge-Based Systems 89 (2015), algorithm 2, line 8.
    """
    if gap not in get_args(Gap):
        raise ConfigError(f"gap is {gap!r}; expected one of {', '.join(get_args(Gap))}.")
    rng = np.random.default_rng(random_state)
    if sparse.issparse(features):
        between = _between_sparse(sparse.csr_matrix(features), recipes, gap, rng)
        if normalize:
            between.data /= np.repeat(_lengths(between.multiply(between).sum(axis=1)), np.diff(between.indptr))
        return between
    made = _between_dense(np.asarray(features), recipes, gap, rng)
    if normalize:
        made /= _lengths(np.square(made).sum(axis=1))[:, None]
    return made


def _lengths(squares: Any) -> NDArray[Any]:
    """Return what to divide rows by: their length, and 1 for rows of zeros."""
    length = np.sqrt(np.asarray(squares).ravel())
    divisors: NDArray[Any] = np.where(length > 0, length, length.dtype.type(1))
    return divisors


def _between_dense(features: NDArray[Any], recipes: Recipes, gap: Gap, rng: np.random.Generator) -> NDArray[Any]:
    from evenly.resample.kernels_dense import fill_between

    dtype = features.dtype if features.dtype.kind == "f" else np.dtype(np.float64)
    known = features if features.dtype in {np.dtype(np.float32), np.dtype(np.float64)} else features.astype(np.float64)
    by_column = features.flags.f_contiguous and not features.flags.c_contiguous
    made = np.empty((len(recipes), features.shape[1]), known.dtype, order="F" if by_column else "C")
    fill_between(rng, known, (recipes.seed, recipes.reference), recipes.share, gap == "feature", made)
    return made.astype(dtype, copy=False)


def _between_sparse(
    features: sparse.csr_matrix, recipes: Recipes, gap: Gap, rng: np.random.Generator
) -> sparse.csr_matrix:
    """Blend the rows over the columns that either has; nothing else is stored."""
    union, given, taken = _aligned(features[recipes.seed], features[recipes.reference])
    share = rng.random(len(given)) if gap == "feature" else np.repeat(recipes.share, np.diff(union.indptr))
    between = ((1 - share) * given + share * taken).clip(np.minimum(given, taken), np.maximum(given, taken))
    union.data = between.astype(features.dtype if features.dtype.kind == "f" else np.float64)
    return union


def _aligned(left: sparse.csr_matrix, right: sparse.csr_matrix) -> tuple[sparse.csr_matrix, NDArray[Any], NDArray[Any]]:
    """Return a matrix that stores what either does, and the values of both in its places."""
    for matrix in (left, right):
        matrix.sum_duplicates()
    ones = [
        sparse.csr_matrix((np.ones(matrix.nnz, np.float32), matrix.indices, matrix.indptr), matrix.shape)
        for matrix in (left, right)
    ]
    union = sparse.csr_matrix(ones[0] + ones[1])
    union.sort_indices()
    places = _places(union)
    values = []
    for matrix in (left, right):
        spread = np.zeros(union.nnz, matrix.dtype)
        spread[np.searchsorted(places, _places(matrix))] = matrix.data
        values.append(spread)
    return union, values[0], values[1]


def _places(matrix: sparse.csr_matrix) -> NDArray[np.int64]:
    """Return where each value stands, as one number; ascending."""
    row = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    places: NDArray[np.int64] = row * matrix.shape[1] + matrix.indices
    return places
