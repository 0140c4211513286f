"""imbalanced-learn's samplers by name, for one label a row: as copies where they tell the rows, else as recipes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.errors import ConfigError, nearest
from evenly.resample.changes import Changes
from evenly.resample.class_cleaning import CLEANERS, clean
from evenly.resample.limits import Amount, Limits
from evenly.resample.neighborhoods import as_search
from evenly.resample.single_label import draw_seed, over_strategy, under_strategy
from evenly.resample.smote import smote

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from numpy.typing import NDArray

    from evenly.resample.neighborhoods import Search

__all__ = ["BLIND", "FROM_IMBLEARN", "MAKERS", "find_sampler", "from_imblearn", "takes_amount"]

# The parameters of imbalanced-learn's SMOTE-like samplers under the names of `smote`
SMOTE_LIKE: dict[str, Callable[[Any], dict[str, Any]]] = {
    "SMOTE": lambda sampler: {"k_neighbors": sampler.k_neighbors},
    "BorderlineSMOTE": lambda sampler: {
        "k_neighbors": sampler.k_neighbors,
        "m_neighbors": sampler.m_neighbors,
        "seed_rule": "border",
    },
    "ADASYN": lambda sampler: {
        "k_neighbors": sampler.n_neighbors,
        "m_neighbors": sampler.n_neighbors,
        "seed_rule": "adaptive",
    },
}
COMBINED = {"SMOTEENN": ("enn", "EditedNearestNeighbours"), "SMOTETomek": ("tomek", "TomekLinks")}
FROM_IMBLEARN = {  # by their names in a config
    "smote": "SMOTE",
    "borderline_smote": "BorderlineSMOTE",
    "adasyn": "ADASYN",
    "smote_enn": "SMOTEENN",
    "smote_tomek": "SMOTETomek",
    "near_miss": "NearMiss",
    "tomek_links": "TomekLinks",
    "edited_nearest_neighbours": "EditedNearestNeighbours",
    "repeated_edited_nearest_neighbours": "RepeatedEditedNearestNeighbours",
    "all_knn": "AllKNN",
    "one_sided_selection": "OneSidedSelection",
    "neighbourhood_cleaning_rule": "NeighbourhoodCleaningRule",
    "condensed_nearest_neighbour": "CondensedNearestNeighbour",
    "instance_hardness_threshold": "InstanceHardnessThreshold",
}
STRATEGIES = {"over-sampling": over_strategy, "under-sampling": under_strategy}
MAKERS = frozenset(SMOTE_LIKE) | frozenset(COMBINED)  # make rows out of two
BLIND = ("RandomOverSampler", "RandomUnderSampler")  # do not look at features
WORKING_MEMORY_MB = 64  # of scikit-learn, for distances of many pairs at once
WITHOUT_PARENTS = {
    "ClusterCentroids": "its rows are centres of clusters",
    "KMeansSMOTE": "it does not tell the parents of its rows",
    "SMOTEN": "its values are the most frequent of many rows",
    "SMOTENC": "its values are the most frequent of many rows",
    "SVMSMOTE": "it also makes rows beyond its parents",
}


def from_imblearn(
    classes: NDArray[np.int64],
    features: Any,
    *,
    sampler: str | Any,
    n_classes: int,
    random_state: np.random.Generator | int,
    **amount: Unpack[Amount],
) -> Changes:
    """Run one of imbalanced-learn's samplers, or what has its distribution, and return what it does to rows.

    Samplers that choose among rows (`sample_indices_`) become copies; those that clean by neighbours run on our own
    search (`evenly.resample.class_cleaning`). SMOTE, BorderlineSMOTE, ADASYN become recipes
    within the class, SMOTEENN and SMOTETomek these and a cleaning after them.

    Parameters
    ----------
    classes
        Shape (n_rows,), integers from 0.
    features
        Shape (n_rows, n_features): sparse (compared by angle), or dense floats. Or a `Search`, which has them.
    sampler
        A name, such as ``"SMOTE"`` or ``"TomekLinks"``, or a sampler of imbalanced-learn with its own parameters.
    n_classes
        Columns of the label matrix.
    random_state
        A generator, or the seed of one.
    **amount
        See `Amount`; nothing: the sampler's own `sampling_strategy`. Cleaning methods take none.

    Returns
    -------
    Changes

    Raises
    ------
    ConfigError
        There is no such sampler, its rows have no parents to be named, or it takes no amount.
    """
    from imblearn.utils import check_sampling_strategy

    rng, limits = np.random.default_rng(random_state), Limits.stated(**amount)
    found = _with_amount(find_sampler(sampler), classes, limits)
    name = type(found).__name__
    if name in BLIND:
        return Changes.copying(_copies(found, classes, np.arange(len(classes)).reshape(-1, 1), rng), n_classes)
    search = as_search(features)
    if name in COMBINED:
        return _combined(found, classes, search, limits, n_classes=n_classes, rng=rng)
    if name in CLEANERS:
        _refuse_variants(name, found, {"n_neighbors": getattr(found, "n_neighbors", 1)})
        return Changes.copying(clean(found, classes, search), n_classes)
    if name in SMOTE_LIKE:
        params = SMOTE_LIKE[name](found)
        _refuse_variants(name, found, params)
        n_added = check_sampling_strategy(found.sampling_strategy, classes, "over-sampling")
        bounds: dict[str, Any] = {"max_copies": limits.max_copies, "random_state": rng, "n_classes": n_classes}
        return Changes.adding(smote(classes, search, n_added, **params, **bounds), len(classes))
    return Changes.copying(_copies(found, classes, search.features, rng), n_classes)


def find_sampler(sampler: str | Any) -> Any:
    """Return a sampler of imbalanced-learn by its name (case and underscores do not count), or a copy of a given one.

    Raises
    ------
    ConfigError
        There is none of that name, or its rows have no parents.
    """
    from sklearn.base import clone

    if not isinstance(sampler, str):
        if not hasattr(sampler, "fit_resample"):
            raise ConfigError(f"The sampler is a {type(sampler).__name__}; expected a name or an imbalanced-learn one.")
        found = clone(sampler)
    else:
        known = _known_samplers()
        by_key = {_key(name): kind for name, kind in known.items()}
        if _key(sampler) not in by_key:
            raise ConfigError(
                f"imbalanced-learn has no sampler {sampler!r}{nearest(sampler, known)} It has: {', '.join(known)}."
            )
        found = by_key[_key(sampler)]()
    name = type(found).__name__
    if name in WITHOUT_PARENTS or getattr(found, "shrinkage", None) is not None:
        why = WITHOUT_PARENTS.get(name, "with shrinkage its rows are noise around one row")
        raise ConfigError(
            f"{name} cannot become a plan over rows: {why}. Use SMOTE, BorderlineSMOTE, ADASYN, SMOTEENN, SMOTETomek "
            f"or one that chooses among rows, or call imbalanced-learn itself on vectors."
        )
    return found


def _known_samplers() -> dict[str, Any]:
    import imblearn.combine
    import imblearn.over_sampling
    import imblearn.under_sampling

    modules = (imblearn.over_sampling, imblearn.under_sampling, imblearn.combine)
    return {name: getattr(module, name) for module in modules for name in module.__all__}


def _key(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower().removesuffix("sampler")


def _with_amount(sampler: Any, classes: NDArray[np.int64], limits: Limits) -> Any:
    """Set the sampling strategy that an amount means."""
    if limits.own_rule:
        return sampler
    kind = _kind(sampler)
    if kind not in STRATEGIES:
        raise ConfigError(
            f"{type(sampler).__name__} decides by itself which rows go: it takes no target_ir, n_samples or ratio."
        )
    return sampler.set_params(sampling_strategy=STRATEGIES[kind](np.bincount(classes), limits))


def takes_amount(sampler: str | Any) -> bool:
    """Tell whether a sampler can be told how many rows to add or remove."""
    return _kind(find_sampler(sampler)) in STRATEGIES


def _kind(sampler: Any) -> str:
    return "over-sampling" if type(sampler).__name__ in COMBINED else getattr(sampler, "_sampling_type", "")


def _refuse_variants(name: str, sampler: Any, params: dict[str, Any]) -> None:
    for key, value in params.items():
        if key.endswith("_neighbors") and not isinstance(value, int | np.integer):
            raise ConfigError(f"{name}: {key} is {value!r}; expected a number: neighbours are always exact here.")
    if getattr(sampler, "kind", "borderline-1") != "borderline-1":
        raise ConfigError(f"{name}: kind is {sampler.kind!r}; expected 'borderline-1', whose parents share a class.")


def _combined(
    sampler: Any,
    classes: NDArray[np.int64],
    search: Search,
    limits: Limits,
    *,
    n_classes: int,
    rng: np.random.Generator,
) -> Changes:
    """Over-sample, then clean what comes out."""
    from imblearn.over_sampling import SMOTE

    attribute, name = COMBINED[type(sampler).__name__]
    over = sampler.smote or SMOTE(sampling_strategy=sampler.sampling_strategy)
    cleaner = getattr(sampler, attribute) or find_sampler(name).set_params(sampling_strategy="all")
    bound: Any = {"max_copies": limits.max_copies}
    first = from_imblearn(classes, search, sampler=over, n_classes=n_classes, random_state=rng, **bound)
    after = np.concatenate([classes[first.rows], first.recipes.labels.indices])
    cleaned = from_imblearn(after, search.after(first), sampler=cleaner, n_classes=n_classes, random_state=rng)
    return first.followed_by(cleaned)


def _copies(sampler: Any, classes: NDArray[np.int64], features: Any, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return how often the sampler itself takes each row, shape (n_rows,)."""
    from sklearn import config_context

    if "random_state" in sampler.get_params():
        sampler.set_params(random_state=draw_seed(rng))
    with config_context(working_memory=WORKING_MEMORY_MB):
        sampler.fit_resample(features, classes)
    return np.bincount(sampler.sample_indices_, minlength=len(classes)).astype(np.int32)
