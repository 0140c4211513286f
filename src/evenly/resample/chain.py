"""Features of the rows that come out of a resampling, so that the next step of a chain can look for neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.resample.changes import Changes

__all__ = ["blend", "wanted_before"]


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
    recipes = changes.recipes
    kept = features[changes.rows]
    if sparse.issparse(features):
        given, taken = (sparse.diags_array(weight) for weight in (1 - recipes.share, recipes.share))
        made = given @ features[recipes.seed] + taken @ features[recipes.reference]
        return sparse.vstack([kept, made], format="csr", dtype=features.dtype)
    share = recipes.share[:, None].astype(features.dtype)
    return np.concatenate([kept, (1 - share) * features[recipes.seed] + share * features[recipes.reference]])


def wanted_before(wanted: NDArray[np.bool_], changes: Changes) -> NDArray[np.bool_]:
    """Return which given rows the wanted rows that come out are, or are made of, shape (n_rows,)."""
    rows = changes.rows
    recipes = changes.recipes.take(wanted[len(rows) :])
    needed = np.zeros(len(changes.copies), np.bool_)
    needed[rows[wanted[: len(rows)]]] = True
    needed[recipes.seed] = True
    needed[recipes.reference] = True
    return needed
