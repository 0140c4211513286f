"""MLSMOTE for sparse features: recipes of synthetic rows for rare labels.

A recipe names two original rows that both hold the label it serves, the share of the second, and the labels of the
row to be made. What the row then is (a spliced text, an interpolated vector) is decided elsewhere.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from scipy import sparse

from evenly.errors import ConfigError
from evenly.imbalance import label_counts, label_matrix
from evenly.resample.growth import Bags, Neighbors, grow
from evenly.resample.limits import Limits
from evenly.resample.neighbors import nearest_in_bag
from evenly.resample.targets import above_target

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LabelRule", "Recipes", "mlsmote", "servable_labels"]

LabelRule = Literal["weighted", "ranking", "union", "intersection"]


@dataclasses.dataclass(frozen=True, eq=False)
class Recipes:
    """Synthetic rows before they are realised; arrays of shape (n_recipes,), in the order they were made.

    Attributes
    ----------
    seed, reference
        int64, the rows they are made of; always different.
    share
        float64 in [0, 1): how much of the row the reference gives.
    position
        float64 in [0, 1 - share]: where in the row the reference's part begins.
    label
        int32, the label served; both parents hold it.
    labels
        CSR matrix, shape (n_recipes, n_labels), int8: the labels of the row.
    """

    seed: NDArray[np.int64]
    reference: NDArray[np.int64]
    share: NDArray[np.float64]
    position: NDArray[np.float64]
    label: NDArray[np.int32]
    labels: sparse.csr_matrix

    def __len__(self) -> int:
        """Return the number of synthetic rows."""
        return len(self.seed)

    def part(self, begin: int, end: int) -> Recipes:
        """Return the recipes from `begin` to before `end`."""
        fields = (getattr(self, field.name)[begin:end] for field in dataclasses.fields(self))
        return Recipes(*fields)

    def renumbered(self, rows: NDArray[np.int64]) -> Recipes:
        """Return the same recipes with parents ``rows[parent]``: from places in a part to rows of a table."""
        return dataclasses.replace(self, seed=rows[self.seed], reference=rows[self.reference])

    @classmethod
    def none(cls, n_labels: int) -> Recipes:
        """Return no recipes at all."""
        rows = np.empty(0, np.int64)
        labels = sparse.csr_matrix((0, n_labels), dtype=np.int8)
        return cls(rows, rows, np.empty(0), np.empty(0), rows.astype(np.int32), labels)


def mlsmote(
    labels: Any,
    features: sparse.csr_matrix,
    *,
    target_ir: float,
    max_copies: int,
    max_growth: float,
    k_neighbors: int = 5,
    label_rule: LabelRule = "weighted",
    random_state: np.random.Generator | int,
) -> Recipes:
    """Make recipes for the labels above the target until each has an IRLbl of at most that.

    The seeds of a label are the rows of its bag, one after the other in a random order; the reference is drawn from
    the `k_neighbors` nearest rows of the same bag. The paper makes one row a seed; here seeds repeat, with new
    references, up to the target. With one label a row this is SMOTE within the class.

    Parameters
    ----------
    labels
        Shape (n_rows, n_labels), sparse or dense, 0/1.
    features
        Shape (n_rows, n_features), L2-normalised; only the rows of `servable_labels` are looked at.
    target_ir, max_copies, max_growth
        See `Limits`; a row is a seed at most ``max_copies - 1`` times.
    k_neighbors
        At least 1; a bag of fewer other rows takes all of them.
    label_rule
        ``weighted``: a label is kept when (1 - share) y_seed + share y_reference > 1/2: a label of both parents
        always, one of a single parent when that gives the larger part, never another one. The paper's rules look at
        the seed and all its neighbours: ``ranking`` keeps what more than half of them hold (which may omit a label
        that both parents hold, and add one that neither holds), ``union`` what any holds, ``intersection`` what all
        hold. The label served is kept by every rule.
    random_state
        A generator, or the seed of one.

    Returns
    -------
    Recipes

    Raises
    ------
    ConfigError
        A parameter is out of range.

    References
    ----------
    Charte, Rivera, del Jesus, Herrera: MLSMOTE: Approaching imbalanced multilabel learning through synthetic
    instance generation, Knowledge-Based Systems 89 (2015), algorithm 1.

    Examples
    --------
    >>> rows = [[1, 0]] * 6 + [[1, 1]] * 2
    >>> recipes = mlsmote(rows, sparse.eye(8, format="csr"), target_ir=3, max_copies=9, max_growth=1, random_state=0)
    >>> len(recipes), set(recipes.seed.tolist()), recipes.labels.toarray().tolist()
    (1, {7}, [[1, 1]])
    """
    if label_rule not in get_args(LabelRule):
        raise ConfigError(f"labels is {label_rule!r}; expected one of {', '.join(get_args(LabelRule))}.")
    if k_neighbors < 1:
        raise ConfigError(f"k_neighbors is {k_neighbors!r}; expected at least 1.")
    matrix = label_matrix(labels)
    limits = Limits(target_ir, max_copies, max_growth)
    bags = Bags.of(matrix, servable_labels(matrix, target_ir))
    neighbors = _find_neighbors(matrix, features, bags, k_neighbors, label_rule)
    rng = np.random.default_rng(random_state)
    growth = grow(matrix, bags, limits=limits, random_state=rng, neighbors=neighbors)
    if neighbors.label_sets is None:
        held = matrix[np.where(growth.share < 1 / 2, growth.seed, growth.reference)]
    else:
        held = neighbors.label_sets[growth.entry]
    return Recipes(growth.seed, growth.reference, growth.share, growth.position, growth.label, held)


def servable_labels(labels: sparse.csr_matrix, target_ir: float) -> NDArray[np.bool_]:
    """Return the labels above the target that have two rows or more, shape (n_labels,)."""
    counts = label_counts(labels)
    return above_target(counts, target_ir) & (counts > 1)


def _find_neighbors(
    labels: sparse.csr_matrix, features: sparse.csr_matrix, bags: Bags, k: int, label_rule: LabelRule
) -> Neighbors:
    """Find the neighbours of every entry; bags of fewer than k + 1 rows fill the first columns only."""
    n_neighbors = np.minimum(bags.sizes - 1, k).clip(0)
    rows = np.zeros((len(bags.rows), max(1, int(n_neighbors.max(initial=0)))), np.int64)
    for label in np.flatnonzero(n_neighbors):
        entries = slice(bags.start[label], bags.start[label + 1])
        rows[entries, : n_neighbors[label]] = nearest_in_bag(features, bags.rows[entries], k)
    if label_rule == "weighted":
        return Neighbors(rows, n_neighbors)
    used = np.arange(rows.shape[1]) < n_neighbors[bags.labels][:, None]
    return Neighbors(rows, n_neighbors, _label_sets(labels, bags.rows, rows, used, label_rule))


def _label_sets(
    labels: sparse.csr_matrix,
    seeds: NDArray[np.int64],
    neighbors: NDArray[np.int64],
    used: NDArray[np.bool_],
    label_rule: LabelRule,
) -> sparse.csr_matrix:
    """Return the labels that a seed and its neighbours make together, shape (n_entries, n_labels)."""
    group = np.column_stack([seeds, neighbors])[inside := np.column_stack([np.ones(len(seeds), np.bool_), used])]
    sizes = inside.sum(axis=1)
    start = np.concatenate([[0], np.cumsum(sizes)])
    members = sparse.csr_matrix((np.ones(len(group), np.int32), group, start), shape=(len(seeds), labels.shape[0]))
    held = sparse.csr_matrix(members @ labels.astype(np.int32))  # by how many of the group
    size = np.repeat(sizes, np.diff(held.indptr))
    kept = {"ranking": 2 * held.data > size, "union": held.data > 0, "intersection": held.data == size}
    held.data = kept[label_rule].astype(np.int32)
    return label_matrix(held)
