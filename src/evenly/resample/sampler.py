"""What all samplers share: parameters as scikit-learn asks for them, X and Y in and out, and what is told afterwards.

The style of the house is functions and protocols; this is a base class with logic, since `fit_resample` is the same
for every sampler and its attributes are the contract with users. It derives neither from imbalanced-learn's
BaseSampler, which refuses multi-label targets, nor from scikit-learn's BaseEstimator, whose import takes a second.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from scipy import sparse

from evenly.errors import ConfigError, DataError, nearest
from evenly.resample.encoder import encode_texts
from evenly.resample.labels_given import read_given_labels
from evenly.resample.limits import Amount, Limits, ResamplingWarning
from evenly.resample.rows_given import MATRIX, Making, read_rows
from evenly.resample.sampling_report import SamplingReport, report

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from evenly.resample.changes import Changes, Recipes
    from evenly.resample.neighborhoods import Search
    from evenly.resample.rows_given import GivenRows

__all__ = ["Features", "Sampler", "SamplerWithAmount", "check_realise"]


@dataclass(frozen=True)
class Features:
    """What neighbours are looked for in; found out when a sampler asks.

    Attributes
    ----------
    find
        Takes which rows are wanted, shape (n_rows,), bool; returns features, shape (n_rows, n_features), which may be
        0 for the others, or a `Search` among them.
    numbers
        Returns `vectors`.
    """

    find: Callable[[NDArray[np.bool_]], Any]
    numbers: Callable[[], Any] = lambda: None

    @property
    def vectors(self) -> Any:
        """The numbers that rows which are made lie between, shape (n_rows, n_columns); None where they are texts."""
        return self.numbers()

    def __call__(self, wanted: NDArray[np.bool_]) -> Search:
        """Return a search among the rows, of which only the wanted ones need features."""
        from evenly.resample.neighborhoods import as_search

        return as_search(self.find(wanted))


@dataclass(kw_only=True, eq=False, repr=False)
class Sampler:
    """Resample rows with labels.

    Parameters
    ----------
    random_state
        A seed, a generator (which moves on), or None for another draw each time.

    Attributes
    ----------
    sample_indices_
        Shape (n_rows_out,), int64: which given row each row that comes out is; -1 for synthetic ones.
    recipes_
        The synthetic rows: parents, share, label served, labels.
    report_
        Every label before and after, and why some are not where they should be.
    n_features_in_
        Columns of X; 1 for texts.
    feature_names_in_
        Their names, where X has any.
    """

    random_state: int | np.random.Generator | None = None

    sample_indices_: NDArray[np.int64] = field(init=False, repr=False)
    recipes_: Recipes = field(init=False, repr=False)
    report_: SamplingReport = field(init=False, repr=False)
    n_features_in_: int = field(init=False, repr=False)

    method: ClassVar[str] = ""

    @property
    def name(self) -> str:
        """The method, as reports call it."""
        return self.method

    @property
    def makes_rows(self) -> bool:
        """Whether rows come out whose numbers lie between those of two others."""
        return False

    def plan(self, labels: sparse.csr_matrix, features: Features, random_state: np.random.Generator) -> Changes:
        """Return what is done to the rows, without touching one.

        Parameters
        ----------
        labels
            Shape (n_rows, n_labels), as `label_matrix` returns them.
        features
            Called with the rows that are wanted, shape (n_rows,), bool; returns a `Search` among them, whose
            `features` have the shape (n_rows, n_features) and may be 0 for the other rows.
        random_state
            The generator.
        """
        raise NotImplementedError

    @property
    def limits(self) -> Limits:
        """What was said about the amount."""
        return Limits.stated()

    def fit_resample(self, X: Any, Y: Any, *, features: Any = None, token_ids: Any = None) -> tuple[Any, Any]:
        """Return resampled rows and labels, of the same types.

        Rows that are kept come first, unchanged and in their order; then further copies; then synthetic rows, whose
        numbers lie between those of their parents and whose texts are spliced from theirs. Resample train rows only:
        what is copied before the split stands on both sides of it.

        Parameters
        ----------
        X
            Shape (n_rows, n_features): an array, a scipy sparse matrix, a data frame of pandas, polars or pyarrow; or
            texts, in a list, an array or a series.
        Y
            0/1 labels, shape (n_rows, n_labels), in an array, a scipy sparse matrix or a data frame; a list of labels
            for each row; or one class a row.
        features
            What to look for neighbours in, shape (n_rows, n_features), such as embeddings; or an encoder: a function
            of a list of at most `ENCODED_AT_ONCE` texts that returns a row of numbers for each, called with the
            texts of X that are needed. None: X itself, or TF-IDF of its texts.
        token_ids
            Not accepted: what lies between two token ids is another word.

        Returns
        -------
        tuple
            X and Y.

        Raises
        ------
        DataError
            X and Y have different numbers of rows, or are of no known kind.
        ConfigError
            A parameter is out of range, or the method would put numbers between ids.

        Warns
        -----
        ResamplingWarning
            What comes out is less balanced than what went in: its MeanIR is higher.
        """
        if token_ids is not None:
            raise ConfigError(
                "token_ids cannot be resampled: between the ids of two words stands the id of a third that has "
                "nothing to do with either. Give the texts, which are spliced, or vectors, and tokenize afterwards."
            )
        given, held = read_rows(X), read_given_labels(Y)
        if held.labels.shape[0] != len(given):
            raise DataError(f"X has {len(given):,} rows and Y {held.labels.shape[0]:,}; expected as many.")
        if self.makes_rows:
            given.check_for_making()
        rng = np.random.default_rng(self.random_state)
        changes = self.plan(held.labels, _read_features(given, held.labels, features), rng)
        self._tell(given, held.labels, held.names, changes)
        making = Making(getattr(self, "gap", "row"), rng)
        return given.assemble(changes, making), held.assemble(changes)

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 - scikit-learn's signature
        """Return the parameters by name; with `deep` also those of samplers among them, as ``name__parameter``."""
        params = {name: getattr(self, name) for name in self._parameters()}
        if deep:
            for name, value in list(params.items()):
                if hasattr(value, "get_params") and not isinstance(value, type):
                    params |= {f"{name}__{inner}": given for inner, given in value.get_params().items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name.

        Raises
        ------
        ConfigError
            There is no such parameter.
        """
        for name, value in params.items():
            own, _, inner = name.partition("__")
            known = self._parameters()
            if own not in known:
                raise ConfigError(f"{type(self).__name__} has no parameter {own!r}{nearest(own, known)}")
            if inner:
                getattr(self, own).set_params(**{inner: value})
            else:
                setattr(self, own, value)
        return self

    def __repr__(self) -> str:
        """Return the constructor's call, without parameters that have their usual values."""
        usual = {each.name: each.default for each in fields(self) if each.init}
        given = {name: getattr(self, name) for name in usual}
        changed = [f"{name}={value!r}" for name, value in given.items() if not _is_usual(value, usual[name])]
        return f"{type(self).__name__}({', '.join(changed)})"

    def _parameters(self) -> list[str]:
        return [each.name for each in fields(self) if each.init]

    def _tell(self, given: GivenRows, labels: sparse.csr_matrix, names: list[Any], changes: Changes) -> None:
        self.sample_indices_ = np.concatenate([changes.rows, np.full(len(changes.recipes), -1, np.int64)])
        self.recipes_ = changes.recipes
        k_neighbors = getattr(self, "k_neighbors", None)
        self.report_ = report(labels, changes, self.limits, self.name, names, k_neighbors=k_neighbors)
        if self.report_.doubt:
            warnings.warn(self.report_.doubt, ResamplingWarning, stacklevel=3)
        self.n_features_in_ = given.n_features
        vars(self).pop("feature_names_in_", None)  # of an earlier X
        if given.names is not None:
            self.feature_names_in_ = np.array(given.names, object)


@dataclass(kw_only=True, eq=False, repr=False)
class SamplerWithAmount(Sampler):
    """A sampler that can be told how much; nothing: the method's own rule.

    Parameters
    ----------
    target_ir
        Bring the IRLbl of every label to at most this; at least 1.
    n_samples, ratio
        Rows to be added or removed: how many, or as a share of the rows. At most one of the three is given.
    max_copies
        Most times that one row may stand in what comes out, or be a seed, itself included. None: 10 with
        `target_ir`, else no bound.
    max_growth
        Most rows added or removed, as a share of the rows. None: 0.5 with `target_ir`, else no bound.
    """

    target_ir: float | None = None
    n_samples: int | None = None
    ratio: float | None = None
    max_copies: int | None = None
    max_growth: float | None = None

    @property
    def amount(self) -> Amount:
        """What was said about the amount."""
        return {
            "target_ir": self.target_ir,
            "n_samples": self.n_samples,
            "ratio": self.ratio,
            "max_copies": self.max_copies,
            "max_growth": self.max_growth,
        }

    @property
    def limits(self) -> Limits:
        """What was said about the amount, checked."""
        return Limits.stated(**self.amount)


def check_realise(changes: Changes, labels: sparse.csr_matrix, realise: Literal["splice", "duplicate"]) -> Changes:
    """Return the changes with rows that repeat their seed, labels and all, where duplicates are asked for.

    Raises
    ------
    ConfigError
        The realisation is neither ``splice`` nor ``duplicate``.
    """
    if realise not in {"splice", "duplicate"}:
        raise ConfigError(
            f"realise is {realise!r}; expected 'splice' (numbers: between the parents; texts: a span of the reference "
            f"in the seed) or 'duplicate' (the seed again). Token ids cannot be interpolated: between the ids of two "
            f"words stands the id of a third that has nothing to do with either."
        )
    if realise == "splice":
        return changes
    recipes = changes.recipes.repeated()
    return replace(changes, recipes=replace(recipes, labels=labels[recipes.seed], targets=None))


def _read_features(given: GivenRows, labels: sparse.csr_matrix, features: Any) -> Features:
    def numbers() -> Any:
        return given.vectors

    if features is None:
        return Features(lambda wanted: given.features(wanted, labels), numbers)
    if callable(features):
        texts = given.texts
        if texts is None:
            raise DataError("features is a function, which takes texts, but X holds none: give a matrix.")
        return Features(lambda wanted: encode_texts(features, texts, wanted), numbers)
    matrix = features.tocsr() if sparse.issparse(features) else np.asarray(features)
    n_rows = matrix.shape[0] if matrix.ndim == MATRIX else -1
    if n_rows != len(given) or matrix.dtype.kind not in "fiub":
        raise DataError(
            f"features has the shape {matrix.shape} and the type {matrix.dtype}; expected numbers, a row for each of "
            f"the {len(given):,} rows of X."
        )
    return Features(lambda wanted: matrix, numbers)  # noqa: ARG005 - all are there


def _is_usual(value: Any, usual: Any) -> bool:
    return value is usual or (isinstance(value, str | int | float) and value == usual)
