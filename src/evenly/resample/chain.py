"""Features of the rows that come out of a resampling, so that the next step of a chain can look for neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from evenly.resample.changes import Changes, Recipes

__all__ = ["blend", "blend_blocks", "wanted_before"]


def blend(features: Any, changes: Changes) -> Any:
    """Return (1 - share) x_seed + share x_reference below the features of the rows kept.

    For spliced texts this is what their words are in expectation.

    Parameters
    ----------
    features
        Shape (n_rows, n_features), sparse or dense.
    changes
        What was done to the rows.

    Returns
    -------
    array or CSR matrix, shape (n_rows_out, n_features)
    """
    blocks = list(blend_blocks(features, changes, max(1, len(changes.rows), len(changes.recipes))))
    if sparse.issparse(features):
        return sparse.vstack(blocks, format="csr", dtype=features.dtype)
    return np.concatenate(blocks)


def blend_blocks(features: Any, changes: Changes, n_rows: int) -> Iterator[Any]:
    """Yield what `blend` returns, at most so many rows at a time."""
    rows, recipes = changes.rows, changes.recipes
    yield features[rows[:n_rows]]
    for begin in range(n_rows, len(rows), n_rows):
        yield features[rows[begin : begin + n_rows]]
    for begin in range(0, len(recipes), n_rows):
        yield _between(features, recipes.part(begin, begin + n_rows))


def _between(features: Any, recipes: Recipes) -> Any:
    if sparse.issparse(features):
        given, taken = (sparse.diags_array(weight) for weight in (1 - recipes.share, recipes.share))
        return sparse.csr_matrix(given @ features[recipes.seed] + taken @ features[recipes.reference])
    share = recipes.share[:, None].astype(features.dtype)
    return (1 - share) * features[recipes.seed] + share * features[recipes.reference]


def wanted_before(wanted: NDArray[np.bool_], changes: Changes) -> NDArray[np.bool_]:
    """Return which given rows the wanted rows that come out are, or are made of, shape (n_rows,)."""
    rows = changes.rows
    recipes = changes.recipes.take(wanted[len(rows) :])
    needed = np.zeros(len(changes.copies), np.bool_)
    needed[rows[wanted[: len(rows)]]] = True
    needed[recipes.seed] = True
    needed[recipes.reference] = True
    return needed
