"""The samplers as scikit-learn's and imbalanced-learn's users know them: ``Sampler(...).fit_resample(X, Y)``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from evenly.errors import ConfigError
from evenly.imbalance import label_counts
from evenly.resample.chain import wanted_before
from evenly.resample.changes import Changes
from evenly.resample.cleaning import ml_enn, ml_tl
from evenly.resample.imbalanced_learn import BLIND, FROM_IMBLEARN, MAKERS, find_sampler, from_imblearn
from evenly.resample.labelset_sampling import lp_ros, lp_rus
from evenly.resample.limits import Limits
from evenly.resample.mlsmote import LabelRule, RankingTies, mlsmote, servable_labels
from evenly.resample.mlsol import mlsol
from evenly.resample.multilabel import ml_ros, ml_rus
from evenly.resample.remedial import remedial
from evenly.resample.sampler import Features, Sampler, SamplerWithAmount, check_realise
from evenly.resample.single_label import random_over, random_under
from evenly.resample.targets import aim_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.resample.neighborhoods import Search
    from evenly.resample.vectors import Gap

__all__ = [
    "LPROS",
    "LPRUS",
    "MLENN",
    "MLROS",
    "MLRUS",
    "MLSMOTE",
    "MLSOL",
    "MLTL",
    "REMEDIAL",
    "Chain",
    "FromImblearn",
    "RandomOver",
    "RandomUnder",
]

Realise = Literal["splice", "duplicate"]


@dataclass(kw_only=True, eq=False, repr=False)
class _Copying(SamplerWithAmount):
    """Copies or removes rows by their labels alone."""

    def copies(self, labels: sparse.csr_matrix, random_state: np.random.Generator) -> NDArray[np.int32]:
        """Return how often each row is to stand in the data, shape (n_rows,)."""
        raise NotImplementedError

    def plan(self, labels: sparse.csr_matrix, features: Features, random_state: np.random.Generator) -> Changes:  # noqa: ARG002 - the signature of all
        """Return what is done to the rows."""
        return Changes.copying(self.copies(labels, random_state), labels.shape[1])


@dataclass(kw_only=True, eq=False, repr=False)
class LPROS(_Copying):
    """Clone rows of rare labelsets: `lp_ros`."""

    method: ClassVar[str] = "lp_ros"

    def copies(self, labels: sparse.csr_matrix, random_state: np.random.Generator) -> NDArray[np.int32]:
        """Return how often each row is to stand in the data."""
        return lp_ros(labels, random_state=random_state, **self.amount)


@dataclass(kw_only=True, eq=False, repr=False)
class LPRUS(_Copying):
    """Remove rows of frequent labelsets: `lp_rus`."""

    method: ClassVar[str] = "lp_rus"

    def copies(self, labels: sparse.csr_matrix, random_state: np.random.Generator) -> NDArray[np.int32]:
        """Return which rows stay."""
        return lp_rus(labels, random_state=random_state, **self.amount)


@dataclass(kw_only=True, eq=False, repr=False)
class MLROS(_Copying):
    """Clone rows of rare labels: `ml_ros`."""

    method: ClassVar[str] = "ml_ros"

    def copies(self, labels: sparse.csr_matrix, random_state: np.random.Generator) -> NDArray[np.int32]:
        """Return how often each row is to stand in the data."""
        return ml_ros(labels, random_state=random_state, **self.amount)


@dataclass(kw_only=True, eq=False, repr=False)
class MLRUS(_Copying):
    """Remove rows without rare labels: `ml_rus`."""

    method: ClassVar[str] = "ml_rus"

    def copies(self, labels: sparse.csr_matrix, random_state: np.random.Generator) -> NDArray[np.int32]:
        """Return which rows stay."""
        return ml_rus(labels, random_state=random_state, **self.amount)


@dataclass(kw_only=True, eq=False, repr=False)
class RandomOver(_Copying):
    """Clone rows of rare classes, one label a row: `random_over`."""

    method: ClassVar[str] = "random_over"

    def copies(self, labels: sparse.csr_matrix, random_state: np.random.Generator) -> NDArray[np.int32]:
        """Return how often each row is to stand in the data."""
        return random_over(_classes(labels, "RandomOver", "MLROS"), random_state=random_state, **self.amount)


@dataclass(kw_only=True, eq=False, repr=False)
class RandomUnder(_Copying):
    """Remove rows of frequent classes, one label a row: `random_under`."""

    method: ClassVar[str] = "random_under"

    def copies(self, labels: sparse.csr_matrix, random_state: np.random.Generator) -> NDArray[np.int32]:
        """Return which rows stay."""
        return random_under(_classes(labels, "RandomUnder", "MLRUS"), random_state=random_state, **self.amount)


@dataclass(kw_only=True, eq=False, repr=False)
class MLSMOTE(SamplerWithAmount):
    """Make rows for rare labels out of neighbours that hold them: `mlsmote`.

    Parameters
    ----------
    k_neighbors, label_rule, ranking_ties
        See `mlsmote`.
    gap
        How numbers are drawn between those of the parents: anew for each ``feature``, as in the paper, or once a
        ``row``.
    realise
        ``splice``: numbers between those of the parents, texts spliced from theirs. ``duplicate``: the seed again,
        with its own labels.
    """

    k_neighbors: int = 5
    label_rule: LabelRule = "weighted"
    ranking_ties: RankingTies = "drop"
    gap: Gap = "feature"
    realise: Realise = "splice"
    method: ClassVar[str] = "mlsmote"

    @property
    def makes_rows(self) -> bool:
        """Whether rows come out whose numbers lie between those of two others."""
        return self.realise != "duplicate"

    def plan(self, labels: sparse.csr_matrix, features: Features, random_state: np.random.Generator) -> Changes:
        """Return what is done to the rows."""
        servable = servable_labels(labels, aim_of(self.limits, label_counts(labels)))
        wanted = np.asarray(labels @ servable.astype(np.int64)) > 0
        recipes = mlsmote(
            labels,
            features(wanted) if wanted.any() else np.zeros((len(wanted), 1)),
            k_neighbors=self.k_neighbors,
            label_rule="seed" if self.realise == "duplicate" else self.label_rule,
            ranking_ties=self.ranking_ties,
            random_state=random_state,
            **self.amount,
        )
        return check_realise(Changes.adding(recipes, labels.shape[0]), labels, self.realise)


@dataclass(kw_only=True, eq=False, repr=False)
class MLSOL(SamplerWithAmount):
    """Make rows where labels are locally rare: `mlsol`.

    Parameters
    ----------
    k_neighbors, gap
        See `mlsol`; ``feature`` is for rows of numbers: texts are spliced by one share.
    realise
        As for `MLSMOTE`.
    """

    k_neighbors: int = 5
    gap: Gap = "row"
    realise: Realise = "splice"
    method: ClassVar[str] = "mlsol"

    @property
    def makes_rows(self) -> bool:
        """Whether rows come out whose numbers lie between those of two others."""
        return self.realise != "duplicate"

    def plan(self, labels: sparse.csr_matrix, features: Features, random_state: np.random.Generator) -> Changes:
        """Return what is done to the rows."""
        search = features(np.ones(labels.shape[0], np.bool_))
        vectors = features.vectors if self.gap == "feature" and self.makes_rows else None
        recipes = mlsol(
            labels,
            search,
            k_neighbors=self.k_neighbors,
            gap="row" if vectors is None else "feature",
            vectors=vectors,
            random_state=random_state,
            **self.amount,
        )
        return check_realise(Changes.adding(recipes, labels.shape[0]), labels, self.realise)


@dataclass(kw_only=True, eq=False, repr=False)
class REMEDIAL(Sampler):
    """Replace rows that hold rare and common labels at once by two: `remedial`.

    Parameters
    ----------
    keep_empty
        See `remedial`.
    """

    keep_empty: bool = True
    method: ClassVar[str] = "remedial"

    def plan(self, labels: sparse.csr_matrix, features: Features, random_state: np.random.Generator) -> Changes:  # noqa: ARG002 - the signature of all
        """Return what is done to the rows."""
        return remedial(labels, keep_empty=self.keep_empty)


@dataclass(kw_only=True, eq=False, repr=False)
class MLENN(Sampler):
    """Remove common rows whose neighbours hold other labels: `ml_enn`.

    Parameters
    ----------
    k_neighbors, threshold
        See `ml_enn`.
    """

    k_neighbors: int = 3
    threshold: float = 0.75
    method: ClassVar[str] = "ml_enn"

    def plan(self, labels: sparse.csr_matrix, features: Features, random_state: np.random.Generator) -> Changes:  # noqa: ARG002 - nothing is drawn
        """Return what is done to the rows."""
        every = np.ones(labels.shape[0], np.bool_)
        copies = ml_enn(labels, features(every), k_neighbors=self.k_neighbors, threshold=self.threshold)
        return Changes.copying(copies, labels.shape[1])


@dataclass(kw_only=True, eq=False, repr=False)
class MLTL(Sampler):
    """Remove common rows whose nearest row holds other labels: `ml_tl`.

    Parameters
    ----------
    threshold
        See `ml_enn`.
    """

    threshold: float = 0.75
    method: ClassVar[str] = "ml_tl"

    def plan(self, labels: sparse.csr_matrix, features: Features, random_state: np.random.Generator) -> Changes:  # noqa: ARG002 - nothing is drawn
        """Return what is done to the rows."""
        copies = ml_tl(labels, features(np.ones(labels.shape[0], np.bool_)), threshold=self.threshold)
        return Changes.copying(copies, labels.shape[1])


@dataclass(eq=False, repr=False)
class FromImblearn(SamplerWithAmount):
    """Run one of imbalanced-learn's samplers, one label a row: `from_imblearn`.

    Parameters
    ----------
    sampler
        A name, such as ``"SMOTE"``, or a sampler of imbalanced-learn with its own parameters.
    realise
        As for `MLSMOTE`.
    """

    sampler: str | Any
    realise: Realise = "splice"

    @property
    def name(self) -> str:
        """The method, as configs and reports call it."""
        names = {theirs: ours for ours, theirs in FROM_IMBLEARN.items()}
        return names.get(self._name, self._name)

    @property
    def makes_rows(self) -> bool:
        """Whether rows come out whose numbers lie between those of two others."""
        return self.realise != "duplicate" and self._name in MAKERS

    @property
    def _name(self) -> str:
        return type(find_sampler(self.sampler)).__name__

    def plan(self, labels: sparse.csr_matrix, features: Features, random_state: np.random.Generator) -> Changes:
        """Return what is done to the rows."""
        classes = _classes(labels, f"imbalanced-learn's {self._name}", "the multi-label samplers (MLSMOTE, MLROS)")
        changes = from_imblearn(
            classes,
            None if self._name in BLIND else features(np.ones(len(classes), np.bool_)),
            sampler=self.sampler,
            n_classes=labels.shape[1],
            random_state=random_state,
            **self.amount,
        )
        return check_realise(changes, labels, self.realise)


@dataclass(eq=False, repr=False)
class Chain(Sampler):
    """Run samplers one after the other, each on what comes out of the one before.

    REMEDIAL, then MLSMOTE, is REMEDIAL-HwR (Charte et al., Neurocomputing 326-327, 2019). What comes out is still a
    plan over the given rows, so no step may make rows out of rows that an earlier one made of two.

    Parameters
    ----------
    samplers
        In their order; their own `random_state` is not used.
    gap
        As for `MLSMOTE`.
    """

    samplers: Sequence[Sampler]
    gap: Gap = "feature"
    method: ClassVar[str] = "chain"

    @property
    def limits(self) -> Limits:
        """The aim of the last step that has one."""
        aims = (step.limits for step in reversed(self.samplers) if step.limits.target_ir is not None)
        return next(aims, Limits.stated())

    @property
    def makes_rows(self) -> bool:
        """Whether rows come out whose numbers lie between those of two others."""
        return any(step.makes_rows for step in self.samplers)

    def plan(self, labels: sparse.csr_matrix, features: Features, random_state: np.random.Generator) -> Changes:
        """Return what the steps do together."""
        if not len(self.samplers):
            raise ConfigError("The chain has no samplers; expected at least one, such as [REMEDIAL(), MLSMOTE()].")

        def run(before: Changes, step: Sampler) -> Changes:
            def after(wanted: NDArray[np.bool_]) -> Search:
                return features(wanted_before(wanted, before)).after(before)

            return before.followed_by(step.plan(before.labels(labels), Features(after), random_state))

        return reduce(run, self.samplers, Changes.copying(np.ones(labels.shape[0], np.int32), labels.shape[1]))


def _classes(labels: sparse.csr_matrix, method: str, instead: str) -> NDArray[np.int64]:
    """Return the one label of every row, or refuse."""
    n_held = np.diff(labels.indptr)
    if (n_held != 1).any():
        row = int(np.flatnonzero(n_held != 1)[0])
        raise ConfigError(
            f"{method} takes one label a row, but row {row} holds {n_held[row]}. Use {instead} for such tables."
        )
    classes: NDArray[np.int64] = labels.indices.astype(np.int64)
    return classes
