"""MLSMOTE: recipes of synthetic rows for rare labels.

A recipe names two original rows that both hold the label it serves, the share of the second, and the labels of the
row to be made. What the row then is (a spliced text, an interpolated vector) is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from scipy import sparse

from evenly.errors import ConfigError
from evenly.imbalance import label_counts, label_matrix
from evenly.resample.changes import Recipes
from evenly.resample.growth import Bags, Growth, Neighbors
from evenly.resample.lazy_growth import grow_lazily, search_entries
from evenly.resample.limits import Amount, Limits
from evenly.resample.neighborhoods import as_search
from evenly.resample.targets import above_target, aim_of

if TYPE_CHECKING:
    from typing import Unpack

    from numpy.typing import NDArray

__all__ = ["LabelRule", "RankingTies", "Recipes", "mix_labels", "mlsmote", "servable_labels"]

LabelRule = Literal["weighted", "soft", "ranking", "union", "intersection", "seed"]
RankingTies = Literal["drop", "half"]


def mlsmote(
    labels: Any,
    features: Any,
    *,
    k_neighbors: int = 5,
    label_rule: LabelRule = "weighted",
    ranking_ties: RankingTies = "drop",
    random_state: np.random.Generator | int,
    **amount: Unpack[Amount],
) -> Recipes:
    """Make recipes for the labels in the minority: those above the target, or else above the MeanIR.

    The paper's rule makes one row of each row of a minority label's bag, with a reference drawn from the
    `k_neighbors` nearest rows of the same bag. It at best halves an IRLbl. With `target_ir`, `n_samples` or `ratio`
    the seeds of a label are its rows one after the other in a random order, and they repeat with new references.
    With one label a row this is SMOTE within the class.

    Parameters
    ----------
    labels
        Shape (n_rows, n_labels), sparse or dense, 0/1.
    features
        Shape (n_rows, n_features): sparse (compared by angle), or dense floats; only the rows of `servable_labels` are
        looked at. Or a `Search`, which has them.
    k_neighbors
        At least 1; a bag of fewer other rows takes all of them.
    label_rule
        ``weighted``: a label is kept when (1 - share) y_seed + share y_reference > 1/2: a label of both parents
        always, one of a single parent when that gives the larger part, never another one. ``soft``: the same, and
        those values are the `Recipes.targets`. The paper's rules look at the seed and all its neighbours:
        ``ranking`` keeps what more than half of them hold (which may omit a label that both parents hold, and add
        one that neither holds), ``union`` what any holds, ``intersection`` what all hold. ``seed``: the labels of
        the seed, for rows that repeat its text. The label served is kept by every rule.
    ranking_ties
        What ``ranking`` does with a label that exactly half of them hold: ``drop`` it as the paper does, or keep it
        (``half``) as Mulan does.
    random_state
        A generator, or the seed of one.
    **amount
        See `Amount`; nothing: the paper's rule. A row is a seed at most ``max_copies - 1`` times.

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
    _check_options(k_neighbors, label_rule, ranking_ties)
    matrix = label_matrix(labels)
    limits = Limits.stated(**amount)
    bags = Bags.of(matrix, servable_labels(matrix, aim_of(limits, label_counts(matrix))))
    rng = np.random.default_rng(random_state)
    search = as_search(features)
    neighbors_of = partial(_as_neighbors, matrix, bags, k_neighbors, label_rule=label_rule, ranking_ties=ranking_ties)
    if limits.own_rule:
        entries = _pick_entries(bags, limits, matrix.shape[0], rng)
        neighbors = neighbors_of(search_entries(bags, entries, k_neighbors, search))
        growth = _one_row_a_seed(bags, entries, neighbors, rng)
    else:
        growth, neighbors = grow_lazily(
            matrix,
            bags,
            limits=limits,
            k_neighbors=k_neighbors,
            search=search,
            neighbors_of=neighbors_of,
            random_state=rng,
        )
    if neighbors.label_sets is not None:
        held = neighbors.label_sets[growth.entry]
    else:
        held = matrix[np.where(growth.share < 1 / 2, growth.seed, growth.reference)]
    used = np.arange(neighbors.rows.shape[1]) < neighbors.n_neighbors[growth.label][:, None]
    near = np.where(used, neighbors.rows[growth.entry], -1)
    made = (growth.seed, growth.reference, growth.share, growth.position, growth.label, held)
    recipes = Recipes(*made, neighbors=near)
    return mix_labels(recipes, matrix) if label_rule == "soft" else recipes


def servable_labels(labels: sparse.csr_matrix, target_ir: float) -> NDArray[np.bool_]:
    """Return the labels above the target that have two rows or more, shape (n_labels,)."""
    counts = label_counts(labels)
    return above_target(counts, target_ir) & (counts > 1)


def mix_labels(recipes: Recipes, labels: sparse.csr_matrix) -> Recipes:
    """Return the recipes with soft labels: (1 - share) y_seed + share y_reference."""
    given, taken = (sparse.diags_array(weight) for weight in (1 - recipes.share, recipes.share))
    mixed = given @ labels[recipes.seed] + taken @ labels[recipes.reference]
    return replace(recipes, targets=sparse.csr_matrix(mixed, dtype=np.float32))


def _check_options(k_neighbors: int, label_rule: str, ranking_ties: str) -> None:
    if label_rule not in get_args(LabelRule):
        raise ConfigError(f"label_rule is {label_rule!r}; expected one of {', '.join(get_args(LabelRule))}.")
    if ranking_ties not in get_args(RankingTies):
        raise ConfigError(f"ranking_ties is {ranking_ties!r}; expected one of {', '.join(get_args(RankingTies))}.")
    if k_neighbors < 1:
        raise ConfigError(f"k_neighbors is {k_neighbors!r}; expected at least 1.")


def _pick_entries(bags: Bags, limits: Limits, n_rows: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the seeds of the paper's rule: every entry; where `limits` say less, a random part of them, ascending."""
    entries = np.arange(len(bags.rows))
    most = limits.budget(n_rows) if limits.max_copies > 1 else 0
    return np.sort(rng.permutation(entries)[:most]) if len(entries) > most else entries


def _one_row_a_seed(bags: Bags, entries: NDArray[np.int64], neighbors: Neighbors, rng: np.random.Generator) -> Growth:
    """Make one row of each of the entries, as the paper does."""
    label = bags.labels[entries]
    reference = neighbors.rows[entries, (rng.random(len(entries)) * neighbors.n_neighbors[label]).astype(np.int64)]
    share = rng.random(len(entries))
    position = (1 - share) * rng.random(len(entries))
    return Growth(bags.rows[entries], reference, share, position, label.astype(np.int32), entries)


def _as_neighbors(
    labels: sparse.csr_matrix,
    bags: Bags,
    k: int,
    rows: NDArray[np.int64],
    *,
    label_rule: LabelRule,
    ranking_ties: RankingTies,
) -> Neighbors:
    """Add to the neighbours what rows made of them hold; with -1 for entries that have not been looked at."""
    n_neighbors = np.minimum(bags.sizes - 1, k).clip(0)
    if label_rule in {"weighted", "soft"}:
        return Neighbors(rows, n_neighbors)
    if label_rule == "seed":
        return Neighbors(rows, n_neighbors, labels[bags.rows])
    used = (np.arange(rows.shape[1]) < n_neighbors[bags.labels][:, None]) & (rows >= 0)
    return Neighbors(
        rows, n_neighbors, _label_sets(labels, bags.rows, rows, used, label_rule=label_rule, ranking_ties=ranking_ties)
    )


def _label_sets(
    labels: sparse.csr_matrix,
    seeds: NDArray[np.int64],
    neighbors: NDArray[np.int64],
    used: NDArray[np.bool_],
    *,
    label_rule: LabelRule,
    ranking_ties: RankingTies,
) -> sparse.csr_matrix:
    """Return the labels that a seed and its neighbours make together, shape (n_entries, n_labels)."""
    group = np.column_stack([seeds, neighbors])[inside := np.column_stack([np.ones(len(seeds), np.bool_), used])]
    sizes = inside.sum(axis=1)
    start = np.concatenate([[0], np.cumsum(sizes)])
    members = sparse.csr_matrix((np.ones(len(group), np.int32), group, start), shape=(len(seeds), labels.shape[0]))
    held = sparse.csr_matrix(members @ labels.astype(np.int32))  # by how many of the group
    size = np.repeat(sizes, np.diff(held.indptr))
    kept = {
        "ranking": 2 * held.data >= size if ranking_ties == "half" else 2 * held.data > size,
        "union": held.data > 0,
        "intersection": held.data == size,
    }
    held.data = kept[label_rule].astype(np.int32)
    return label_matrix(held)
