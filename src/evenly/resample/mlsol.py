"""MLSOL: recipes whose seeds lie where a label is locally rare.

What counts is a label's minority class, which for a label that more than half of the rows hold is its absence. A row
that holds the minority class of a label is safe, on the border, rare or an outlier by the share of its neighbours
that do not; outliers are no seeds, and the type decides how far a label reaches towards the reference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from scipy import sparse

from evenly.errors import ConfigError
from evenly.imbalance import irlbl, label_counts, label_matrix, row_numbers
from evenly.resample.changes import NO_LABEL, Recipes
from evenly.resample.limits import OWN_RATIO, Amount, Limits
from evenly.resample.neighborhoods import as_search, nearest_among
from evenly.resample.targets import above_target, max_ir, mean_ir
from evenly.resample.vectors import Gap, interpolate

if TYPE_CHECKING:
    from typing import Unpack

    from numpy.typing import NDArray

__all__ = ["local_imbalance", "mlsol"]

SAFE, BORDER, RARE, OUTLIER = 0.5, 0.75, 1.0 + 1e-5, -1e-5  # how far each type reaches: the thresholds of the paper
BORDER_FROM, RARE_FROM = 0.3, 0.7
VECTORS_AT_ONCE = 1_000
ROUNDS = 50  # towards a target: the weights of labels that have come to it are set to 0 so many times


def mlsol(
    labels: Any,
    features: Any,
    *,
    k_neighbors: int = 5,
    gap: Gap = "row",
    vectors: Any = None,
    random_state: np.random.Generator | int,
    **amount: Unpack[Amount],
) -> Recipes:
    """Make recipes with seeds drawn by how many of their neighbours differ in a label, references among these.

    A label of both parents is kept. One whose minority class a single parent holds goes along when the row lies near
    enough to that parent, by the parent's type.

    Parameters
    ----------
    labels
        Shape (n_rows, n_labels), sparse or dense, 0/1.
    features
        Shape (n_rows, n_features): sparse (compared by angle), or dense floats. Or a `Search`, which has them.
    k_neighbors
        At least 1; fewer rows than that: all others.
    gap
        ``row``: the row lies on the line between its parents, one share for all features, so that labels and text
        follow from the recipe. ``feature``, as in the paper: a share of its own for every feature of `vectors`; the
        recipe's share and labels follow from how far that vector is from either parent. It is the one that
        ``interpolate(vectors, recipes, gap="feature", random_state=rng)`` makes, when called with the generator that
        this function was given, as it leaves it. `target_ir` then steers by the shares of the line.
    vectors
        Shape (n_rows, n_columns), sparse or dense: with the gap ``feature``, what rows are made of; None: `features`.
    random_state
        A generator, or the seed of one.
    **amount
        See `Amount`; nothing: a quarter of the rows. With `target_ir` seeds are drawn by the labels above it only,
        and it stops when the largest IR of those that have seeds no longer falls.

    Returns
    -------
    Recipes
        The label served is one by which the seed was drawn.

    Raises
    ------
    ConfigError
        A parameter is out of range.

    References
    ----------
    Liu, Tsoumakas: Synthetic oversampling of multi-label data based on local label distribution, ECML PKDD 2019
    (arXiv 1905.00609), algorithm 1.

    Examples
    --------
    >>> recipes = mlsol([[1, 0]] * 6 + [[0, 1]] * 2, np.arange(8.0)[:, None], n_samples=2, random_state=0)
    >>> len(recipes), recipes.labels.sum(axis=1).ravel().tolist()
    (2, [[1, 1]])
    """
    if k_neighbors < 1:
        raise ConfigError(f"k_neighbors is {k_neighbors!r}; expected at least 1.")
    if gap not in get_args(Gap):
        raise ConfigError(f"gap is {gap!r}; expected one of {', '.join(get_args(Gap))}.")
    matrix, limits, search = label_matrix(labels), Limits.stated(**amount), as_search(features)
    n_rows, n_labels = matrix.shape
    nearest = nearest_among(search, np.arange(n_rows), k_neighbors)
    if not nearest.size:
        return Recipes.none(n_labels)
    local = local_imbalance(matrix, nearest)
    rng = np.random.default_rng(random_state)
    room = np.full(n_rows, limits.max_copies - 1, np.int64)
    budget = limits.budget(n_rows, OWN_RATIO)
    if limits.target_ir is None:
        recipes = local.draw(np.ones(n_labels, np.bool_), budget, room, rng)
    else:
        recipes = _draw_to_target(local, label_counts(matrix), limits.target_ir, budget=budget, room=room, rng=rng)
    return recipes if gap == "row" else local.placed(recipes, search.features if vectors is None else vectors, rng)


@dataclass(frozen=True, eq=False)
class LocalImbalance:
    """Where each label's minority class is held, entry by entry, and how its neighbourhood looks.

    Attributes
    ----------
    held
        Shape (n_rows, n_labels), CSR: 1 where the row holds the minority class of the label.
    flipped
        Shape (n_labels,), bool: the minority class is the absence of the label.
    weight
        Shape (nnz,), float64: by which an entry of `held` is drawn; 0 for outliers.
    reach
        Shape (nnz,), float64: how far from the row, as a share of the way, its class is kept.
    nearest
        Shape (n_rows, k), int64: the neighbours of every row.
    """

    held: sparse.csr_matrix
    flipped: NDArray[np.bool_]
    weight: NDArray[np.float64]
    reach: NDArray[np.float64]
    nearest: NDArray[np.int64]

    def draw(self, wanted: NDArray[np.bool_], n: int, room: NDArray[np.int64], rng: np.random.Generator) -> Recipes:
        """Draw `n` recipes for the wanted labels, fewer where `room` (how often a row may be a seed) runs out."""
        rows = row_numbers(self.held)
        drawn: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        left = n
        while left > 0:
            weight = self.weight * wanted[self.held.indices] * (room[rows] > 0)
            if not weight.any():
                break
            entries = rng.choice(len(weight), min(left, 4 * len(room)), p=weight / weight.sum())
            entries = entries[_times_before(rows[entries]) < room[rows[entries]]]
            np.subtract.at(room, rows[entries], 1)
            drawn.append(entries)
            left -= len(entries)
        return self._recipes(np.concatenate(drawn), rng)

    def placed(self, recipes: Recipes, vectors: Any, rng: np.random.Generator) -> Recipes:
        """Return the recipes with shares and labels by where their vectors lie, which `rng` is about to draw."""
        state = rng.bit_generator.state
        blocks = (recipes.part(begin, begin + VECTORS_AT_ONCE) for begin in range(0, len(recipes), VECTORS_AT_ONCE))
        shares = [_share_of_way(vectors, block, rng) for block in blocks]
        rng.bit_generator.state = state
        share = np.concatenate([np.empty(0), *shares])
        position = recipes.position * (1 - share) / (1 - recipes.share)
        labels = self._labels(recipes.seed, recipes.reference, share)
        return replace(recipes, share=share, position=position, labels=labels)

    def _recipes(self, entries: NDArray[np.int64], rng: np.random.Generator) -> Recipes:
        seed = row_numbers(self.held)[entries]
        reference = self.nearest[seed, rng.integers(0, self.nearest.shape[1], len(seed))]
        share = rng.random(len(seed))
        label = self.held.indices[entries]
        return Recipes(
            seed,
            reference,
            share,
            (1 - share) * rng.random(len(seed)),
            np.where(self.flipped[label], NO_LABEL, label).astype(np.int32),
            self._labels(seed, reference, share),
        )

    def _labels(
        self, seed: NDArray[np.int64], reference: NDArray[np.int64], share: NDArray[np.float64]
    ) -> sparse.csr_matrix:
        """Keep a minority class of both parents, and of a single one within its reach."""
        shape = (len(seed), self.held.shape[1])
        reach = sparse.csr_matrix((self.reach, self.held.indices, self.held.indptr), self.held.shape)
        sides = [(reach[seed], share), (reach[reference], 1 - share)]
        keys = [row_numbers(side) * shape[1] + side.indices for side, _ in sides]
        both = np.intersect1d(keys[0], keys[1], assume_unique=True)
        near = [
            key[distance[row_numbers(side)] <= side.data] for (side, distance), key in zip(sides, keys, strict=True)
        ]
        kept = np.union1d(both, np.concatenate(near))
        made = sparse.csr_matrix((np.ones(len(kept), np.int8), (kept // shape[1], kept % shape[1])), shape)
        return _flip(made, self.flipped)


def _share_of_way(vectors: Any, recipes: Recipes, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return d(seed) / (d(seed) + d(reference)) of the vectors that recipes make, shape (n_recipes,); of twins 0."""
    made = interpolate(vectors, recipes, gap="feature", random_state=rng)
    seed, reference = (_lengths(made - vectors[parents]) for parents in (recipes.seed, recipes.reference))
    share: NDArray[np.float64] = seed / np.where(seed + reference > 0, seed + reference, 1.0)
    return share


def _lengths(rows: Any) -> NDArray[np.float64]:
    squares = rows.multiply(rows) if sparse.issparse(rows) else np.square(rows, dtype=np.float64)
    return np.sqrt(np.asarray(squares.sum(axis=1), np.float64).ravel())


def local_imbalance(labels: sparse.csr_matrix, nearest: NDArray[np.int64]) -> LocalImbalance:
    """Measure every entry's neighbourhood.

    C is the share of a row's neighbours without the minority class that the row holds; the weight of an entry is its
    share in the sum of C over the entries of its label that are no outliers (C < 1).
    """
    n_rows, n_labels = labels.shape
    k = nearest.shape[1]
    flipped = 2 * label_counts(labels) > n_rows
    held = _flip(labels, flipped)
    near = sparse.csr_matrix(
        (np.ones(nearest.size, np.int32), nearest.ravel(), np.arange(0, nearest.size + 1, k)), (n_rows, n_rows)
    )
    same = sparse.csr_matrix((near @ held.astype(np.int32)).multiply(held))  # by how many neighbours, entry by entry
    differing = 1 - _at_entries(held, same) / k
    outlier = differing >= 1
    weight = np.where(outlier, 0.0, differing)
    total = np.bincount(held.indices, weight, n_labels)
    weight = np.divide(weight, total[held.indices], out=np.zeros_like(weight), where=weight > 0)
    return LocalImbalance(held, flipped, weight, _reach(held, near, differing), nearest)


def _reach(held: sparse.csr_matrix, near: sparse.csr_matrix, differing: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the reach of every entry; rare ones with a safe neighbour or one on the border are on the border."""
    reach = np.select([differing < BORDER_FROM, differing < RARE_FROM, differing < 1], [SAFE, BORDER, RARE], OUTLIER)
    while True:
        firm = ((reach == SAFE) | (reach == BORDER)).astype(np.int32)
        beside = sparse.csr_matrix((firm, held.indices, held.indptr), held.shape)
        found = sparse.csr_matrix((near @ beside).multiply(held))
        found.eliminate_zeros()
        moved = (reach == RARE) & (_at_entries(held, found) > 0)
        if not moved.any():
            return reach
        reach[moved] = BORDER


def _at_entries(held: sparse.csr_matrix, values: sparse.csr_matrix) -> NDArray[np.int64]:
    """Return the values at the entries of `held`, shape (nnz,); `values` has none elsewhere."""
    values.sort_indices()
    n_labels = held.shape[1]
    at = row_numbers(held) * n_labels + held.indices
    found = np.zeros(held.nnz, np.int64)
    found[np.searchsorted(at, row_numbers(values) * n_labels + values.indices)] = values.data
    return found


def _flip(labels: sparse.csr_matrix, flipped: NDArray[np.bool_]) -> sparse.csr_matrix:
    """Exchange 0 and 1 in the flipped columns, of which there are few: rows hold a handful of labels."""
    if not flipped.any():
        return label_matrix(labels)
    columns = labels.tocsc()
    absent = sparse.csc_matrix(1 - columns[:, flipped].toarray())
    rest = sparse.csc_matrix(columns.multiply(~flipped))
    place = sparse.csc_matrix(
        (np.ones(flipped.sum(), np.int8), (np.arange(flipped.sum()), np.flatnonzero(flipped))),
        (flipped.sum(), len(flipped)),
    )
    return label_matrix(sparse.csr_matrix(rest + absent @ place))


def _times_before(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how often each row has come before, shape (n,)."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    times = np.empty(len(rows), np.int64)
    times[order] = np.arange(len(rows)) - np.searchsorted(ordered, ordered)
    return times


def _draw_to_target(
    local: LocalImbalance,
    counts: NDArray[np.int64],
    target_ir: float,
    *,
    budget: int,
    room: NDArray[np.int64],
    rng: np.random.Generator,
) -> Recipes:
    """Draw in rounds for the labels above the target, and return what there was when their largest IR was lowest.

    A label whose rows are all outliers has no seeds, and does not end the rounds for the others; but neither the
    largest IR of all labels nor their mean may stand higher than at the start, as for ML-ROS and MLSMOTE.
    """
    has_seeds = np.bincount(local.held.indices, local.weight, len(counts)) > 0
    made = best = Recipes.none(len(counts))
    lowest, start = _max_ir_of(has_seeds, counts), np.array([max_ir(counts), mean_ir(counts)], np.float64)
    for _ in range(ROUNDS):
        wanted = above_target(counts, target_ir) & has_seeds
        more = local.draw(wanted, min(budget - len(made), -(-budget // ROUNDS)), room, rng)
        if not wanted.any() or not len(more):
            break
        made = made.followed_by(more)
        counts = counts + label_counts(more.labels)
        now = _max_ir_of(has_seeds, counts)
        if now < lowest and (np.array([max_ir(counts), mean_ir(counts)], np.float64) <= start).all():
            lowest, best = now, made
    return best


def _max_ir_of(labels: NDArray[np.bool_], counts: NDArray[np.int64]) -> float:
    """Return the largest IRLbl of some labels; 0 where there are none."""
    ratios = irlbl(counts)[labels]
    return float(np.nanmax(ratios)) if len(ratios) else 0.0
