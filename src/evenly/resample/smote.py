"""SMOTE and its kin for one label a row, as recipes: seed and reference of one class, and a share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import sparse

from evenly.errors import ConfigError
from evenly.resample.changes import Recipes
from evenly.resample.limits import UNBOUNDED
from evenly.resample.neighborhoods import as_search, nearest_among

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from evenly.resample.neighborhoods import Search

__all__ = ["SeedRule", "smote"]

SeedRule = Literal["any", "border", "adaptive"]
ENOUGH = 2  # rows of a class: a seed and a reference


def smote(
    classes: NDArray[np.int64],
    features: Any,
    n_added: Mapping[int, int],
    *,
    n_classes: int,
    k_neighbors: int = 5,
    seed_rule: SeedRule = "any",
    m_neighbors: int = 10,
    max_copies: int = UNBOUNDED,
    random_state: np.random.Generator | int,
) -> Recipes:
    """Make recipes within classes, with the distribution of imbalanced-learn's samplers.

    Parameters
    ----------
    classes
        Shape (n_rows,), integers from 0.
    features
        Shape (n_rows, n_features): sparse (compared by angle), or dense floats. Or a `Search`, which has them.
    n_added
        Rows to make of each class. A class of fewer than two rows gets none.
    n_classes
        Columns of the label matrix.
    k_neighbors
        References are drawn from so many nearest rows of the class; a smaller class gives all others.
    seed_rule
        ``any``: every row of the class alike (SMOTE); ``border``: those of which half or more, but not all, of the
        `m_neighbors` nearest rows are of other classes (BorderlineSMOTE); ``adaptive``: in proportion to the rows of
        other classes among the `m_neighbors` nearest (ADASYN).
    m_neighbors
        See `seed_rule`.
    max_copies
        A row is a seed at most one time fewer (only with the seed rule ``any``).
    random_state
        A generator, or the seed of one.

    Returns
    -------
    Recipes
        Class by class.

    References
    ----------
    Chawla, Bowyer, Hall, Kegelmeyer: SMOTE, JAIR 16 (2002). Han, Wang, Mao: Borderline-SMOTE, ICIC 2005. He, Bai,
    Garcia, Li: ADASYN, IJCNN 2008.

    Examples
    --------
    >>> recipes = smote(np.array([0, 0, 0, 1, 1]), np.arange(5.0)[:, None], {1: 1}, n_classes=2, random_state=0)
    >>> sorted([recipes.seed.item(), recipes.reference.item()])
    [3, 4]
    """
    if k_neighbors < 1:
        raise ConfigError(f"k_neighbors is {k_neighbors!r}; expected at least 1.")
    rng, search = np.random.default_rng(random_state), as_search(features)
    over_sampled = np.isin(classes, [label for label, n in n_added.items() if n > 0])
    others = None if seed_rule == "any" else _others(classes, over_sampled, search, m_neighbors)
    seeds, references, labels = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for label, n in n_added.items():
        rows = np.flatnonzero(classes == label)
        if len(rows) < ENOUGH or n < 1:
            continue
        if others is None:
            places = _alike(len(rows), n, max_copies, rng)
        else:
            places = _by_others(others[rows], n, seed_rule, rng)
        used, again = np.unique(places, return_inverse=True)
        nearest = nearest_among(search, rows, k_neighbors, used)
        seeds.append(rows[places])
        references.append(nearest[again, rng.integers(0, nearest.shape[1], len(places))])
        labels.append(np.full(len(places), label))
    seed, held_label = np.concatenate(seeds), np.concatenate(labels)
    share = rng.random(len(seed))
    held = sparse.csr_matrix(
        (np.ones(len(seed), np.int8), held_label, np.arange(len(seed) + 1)), (len(seed), n_classes)
    )
    position = (1 - share) * rng.random(len(seed))
    return Recipes(seed, np.concatenate(references), share, position, held_label.astype(np.int32), held)


def _others(
    classes: NDArray[np.int64], asked: NDArray[np.bool_], search: Search, m_neighbors: int
) -> NDArray[np.float64]:
    """Return the share of rows of other classes among the nearest of the rows asked for, shape (n_rows,)."""
    nearest = nearest_among(search, np.arange(len(classes)), m_neighbors, np.flatnonzero(asked))
    shares = np.zeros(len(classes))
    shares[asked] = (classes[nearest] != classes[asked][:, None]).mean(axis=1)
    return shares


def _by_others(others: NDArray[np.float64], n: int, rule: SeedRule, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return places within the class, about `n` of them, by the share of other classes around them."""
    if rule == "border":
        danger = np.flatnonzero((others >= 1 / 2) & (others < 1))
        return danger[rng.integers(0, len(danger), n)] if len(danger) else danger
    if not others.any():
        return np.empty(0, np.int64)
    return np.repeat(np.arange(len(others)), np.rint(others / others.sum() * n).astype(np.int64))


def _alike(size: int, n: int, max_copies: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw places with replacement; where a bound might be met, without, pass after pass."""
    if max_copies == UNBOUNDED:
        return rng.integers(0, size, n)
    n = min(n, size * (max_copies - 1))
    passes = [rng.permutation(size) for _ in range(-(-n // size))]
    return np.concatenate([np.empty(0, np.int64), *passes])[:n]
