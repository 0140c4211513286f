"""A checklist for samplers, those of evenly and your own: what `fit_resample` promises, tried out.

>>> from evenly.resample import MLROS
>>> check_sampler(MLROS(target_ir=5))

A sampler has `fit_resample(X, Y)`, which returns X and Y resampled: the rows kept, unchanged and in their order, then
further copies, then synthetic rows. `sample_indices_` tells which given row each is, -1 for synthetic ones. It has
`get_params` and `set_params`, and a parameter `random_state`. Where it has `recipes_` (parents) and `report_`, these
are checked too.
"""

from __future__ import annotations

import pickle
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from evenly.errors import EvenlyError
from evenly.resample import ResamplingWarning

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CHECKS", "Checked", "SamplerCheckError", "check_sampler"]

N_ROWS = 60
EMPTY, SINGLETON = 4, 3  # labels of the table that checks use


class SamplerCheckError(EvenlyError, AssertionError):
    """A sampler does not keep a promise."""


@dataclass(frozen=True)
class Checked:
    """The sampler under test.

    Attributes
    ----------
    sampler
        As it was given; checks work on copies.
    one_label
        It takes one label a row only.
    may_lose_labels
        It may remove the last row of a label.
    """

    sampler: Any
    one_label: bool = False
    may_lose_labels: bool = False

    def run(self, x: Any, y: Any, seed: int = 0) -> tuple[Any, Any, Any]:
        """Return a copy of the sampler that has run, and what came out."""
        copy = pickle.loads(pickle.dumps(self.sampler)).set_params(random_state=seed)  # noqa: S301 - our own bytes
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResamplingWarning)
            return copy, *copy.fit_resample(x, y)

    def table(self, n_rows: int = N_ROWS) -> tuple[np.ndarray, np.ndarray]:
        """Return features, and labels of which one is frequent, one has a row, one none."""
        rng = np.random.default_rng(5)
        y = np.zeros((n_rows, EMPTY + 1), np.int64)
        y[np.arange(n_rows), np.where(np.arange(n_rows) % 5, 0, 1 + np.arange(n_rows) % 2)] = 1
        if not self.one_label:
            y[::3, 1] = 1
            y[1 :: n_rows // 3, 2] = 1
            y[n_rows // 2, SINGLETON] = 1
            y[0] = 0
        return rng.normal(size=(n_rows, 4)) + 3 * y[:, :4], y

    def labels(self, y: np.ndarray) -> Any:
        """Return the labels as the sampler takes them: an indicator, or one class a row."""
        return y.argmax(axis=1) if self.one_label else y


def check_sampler(sampler: Any, *, one_label: bool = False, may_lose_labels: bool = False) -> None:
    """Try everything that a sampler promises.

    Parameters
    ----------
    sampler
        Not changed: copies of it run.
    one_label
        It takes one label a row only; Y is then an array of classes.
    may_lose_labels
        It may remove the last row of a label.

    Raises
    ------
    SamplerCheckError
        A promise is not kept; the message names the check.
    """
    checked = Checked(sampler, one_label, may_lose_labels)
    for check in CHECKS:
        try:
            check(checked)
        except Exception as error:
            name = check.__name__.removeprefix("_")
            raise SamplerCheckError(f"{sampler!r}: {name}: {error}") from error


def _check_dtypes_and_order(checked: Checked) -> None:
    x, y = checked.table()
    for dtype in (np.float32, np.float64):
        for order in ("C", "F"):
            given = np.array(x, dtype, order=order)
            _, made, labels = checked.run(given, checked.labels(y))
            _require(made.dtype == dtype, f"X is {np.dtype(dtype)}, what comes out {made.dtype}")
            _require(made.flags[f"{order}_CONTIGUOUS"], f"X is in {order} order, what comes out is not")
            _require(made.shape[1] == x.shape[1], f"X has {x.shape[1]} columns, what comes out {made.shape[1]}")
            _require(len(made) == len(labels), f"{len(made)} rows and {len(labels)} rows of labels come out")
            _require(np.isfinite(made).all(), "values that are not finite come out")


def _check_originals_come_first(checked: Checked) -> None:
    x, y = checked.table()
    given = checked.labels(y)
    sampler, made, labels = checked.run(x, given)
    rows = sampler.sample_indices_
    n_given = int((rows >= 0).sum())
    n_kept = len(np.unique(rows[rows >= 0]))
    _require(len(rows) == len(made), f"sample_indices_ has {len(rows)} places for {len(made)} rows")
    _require((rows[:n_given] >= 0).all() and (rows[n_given:] == -1).all(), "synthetic rows are not the last")
    _require((np.diff(rows[:n_kept]) > 0).all(), "the rows kept are not the first, each once and in order")
    _require((made[:n_given] == x[rows[:n_given]]).all(), "given rows are not as they were")
    _require((labels[:n_given] == given[rows[:n_given]]).all(), "labels of given rows are not as they were")


def _check_nothing_given_is_changed(checked: Checked) -> None:
    x, y = checked.table()
    labels = checked.labels(y)
    before = x.copy(), labels.copy()
    state = pickle.dumps(np.random.get_state())  # noqa: NPY002 - the global generator must stay as it is
    params = repr(checked.sampler.get_params())
    sampler, _, _ = checked.run(x, labels, seed=0)
    _require((x == before[0]).all() and (labels == before[1]).all(), "X or Y is changed in place")
    _require(pickle.dumps(np.random.get_state()) == state, "numpy's global generator is drawn from")  # noqa: NPY002
    after = repr(sampler.set_params(random_state=checked.sampler.get_params()["random_state"]).get_params())
    _require(after == params, f"parameters are changed: {params} to {after}")


def _check_a_seed_decides(checked: Checked) -> None:
    x, y = checked.table()
    runs = [checked.run(x, checked.labels(y), seed=3) for _ in range(2)]
    _require(_same(runs[0][1], runs[1][1]) and _same(runs[0][2], runs[1][2]), "the same seed gives another result")
    generator = np.random.default_rng(3)
    _, made, labels = checked.run(x, checked.labels(y), seed=generator)  # type: ignore[arg-type]
    _require(_same(made, runs[0][1]) and _same(labels, runs[0][2]), "a generator gives another result than its seed")


def _check_sparse_formats(checked: Checked) -> None:
    x, y = checked.table()
    x = np.where(x > 1, x, 0.0)
    labels = checked.labels(y)
    reference: Any = None
    for kind in ("csr", "csc", "coo", "lil"):
        for container in (sparse.csr_matrix, sparse.csr_array):
            given = container(x).asformat(kind)
            _, made, _ = checked.run(given, labels)
            _require(
                type(made) is type(given), f"X is a {type(given).__name__}, what comes out a {type(made).__name__}"
            )
            reference = made.toarray() if reference is None else reference
            _require(_same(made.toarray(), reference), f"{kind} gives other rows than csr")


def _check_data_frames(checked: Checked) -> None:
    import pandas as pd

    x, y = checked.table()
    given = pd.DataFrame(x.astype(np.float32), columns=list("abcd")).assign(a=x[:, 0])
    frame = given.assign(kind=pd.Categorical(["x", "y"] * (len(x) // 2)))
    sampler, made, labels = checked.run(frame, checked.labels(y))
    _require(list(made.columns) == list(frame.columns), f"columns {list(made.columns)} come out")
    _require((made.dtypes == frame.dtypes).all(), f"other types come out: {made.dtypes.to_dict()}")
    _require(len(made) == len(labels), f"{len(made)} rows and {len(labels)} rows of labels come out")
    kept = sampler.sample_indices_[sampler.sample_indices_ >= 0]
    expected = frame.iloc[kept].reset_index(drop=True)
    _require(made[: len(kept)].equals(expected), "given rows are not as they were")


def _check_texts(checked: Checked) -> None:
    _, y = checked.table()
    texts = [f"row {number} is about {['rain', 'sun', 'wind'][number % 3]} and more" for number in range(len(y))]
    sampler, made, labels = checked.run(texts, checked.labels(y))
    _require(isinstance(made, list), f"X is a list, what comes out a {type(made).__name__}")
    _require(len(made) == len(labels), f"{len(made)} texts and {len(labels)} rows of labels come out")
    kept = sampler.sample_indices_[sampler.sample_indices_ >= 0]
    _require(made[: len(kept)] == [texts[row] for row in kept], "given texts are not as they were")
    _require(all(isinstance(text, str) and text.strip() for text in made), "empty texts come out")


def _check_kinds_of_labels(checked: Checked) -> None:
    x, y = checked.table()
    sampler, _, reference = checked.run(x, checked.labels(y))
    if checked.one_label:
        names = np.array(["ham", "more", "odd", "spam", "void"])  # in order, so that ties fall alike
        _, _, classes = checked.run(x, names[y.argmax(axis=1)].tolist())
        _require(isinstance(classes, list), f"Y is a list, what comes out a {type(classes).__name__}")
        _require(sorted(classes) == sorted(names[reference].tolist()), "named classes give other rows")
        return
    for kind in (sparse.csr_matrix, sparse.csc_array):
        _, _, made = checked.run(x, kind(y))
        _require(type(made) is type(kind(y)), f"Y is a {kind.__name__}, what comes out a {type(made).__name__}")
        _require(_same(made.toarray(), reference), f"{kind.__name__} gives other labels than an array")
    if getattr(sampler, "label_rule", None) != "soft":
        _, _, lists = checked.run(x, [np.flatnonzero(held).tolist() for held in y])
        _require(lists == [np.flatnonzero(held).tolist() for held in reference], "lists give other labels")


def _check_labels_are_kept(checked: Checked) -> None:
    x, y = checked.table()
    _, _, labels = checked.run(x, checked.labels(y))
    after = np.bincount(labels, minlength=y.shape[1]) if checked.one_label else np.asarray(labels).sum(axis=0)
    lost = np.flatnonzero((y.sum(axis=0) > 0) & (after == 0))
    _require(checked.may_lose_labels or not len(lost), f"labels {lost.tolist()} have no rows left")
    _require(not after[EMPTY], "an empty label has got rows")


def _check_edges(checked: Checked) -> None:
    x, y = checked.table()
    equal = np.tile(np.eye(4, dtype=np.int64), (N_ROWS // 4, 1))
    tables = {
        "all labels equally frequent": (x, equal),
        "all rows the same": (np.ones_like(x), y),
        "every row twice": (np.repeat(x, 2, axis=0), np.repeat(y, 2, axis=0)),
        "few rows": (x[10:14], y[10:14]),
        "two rows": (x[10:12], np.eye(2, dtype=np.int64)),
        "one label": (x, np.ones((len(x), 1), np.int64)),
    }
    if not checked.one_label:
        tables |= {
            "one row": (x[:1], y[1:2]),
            "no labels at all": (x, np.zeros_like(y)),
            "all labels in all rows": (x, np.ones_like(y)),
        }
    for name, (rows, held) in tables.items():
        _run_edge(checked, name, rows, held)


def _run_edge(checked: Checked, name: str, x: np.ndarray, y: np.ndarray) -> None:
    try:
        _, made, labels = checked.run(x, checked.labels(y))
    except ValueError as error:
        # imbalanced-learn has no use for a single class, nor some of its methods for a handful of rows.
        if checked.one_label and not isinstance(error, EvenlyError):
            return
        raise
    _require(len(made) == len(labels), f"{name}: {len(made)} rows and {len(labels)} rows of labels come out")
    _require(len(made) > 0 or checked.may_lose_labels, f"{name}: nothing comes out")


def _check_synthetic_rows(checked: Checked) -> None:
    x, y = checked.table()
    sampler, made, labels = checked.run(x, checked.labels(y))
    recipes = getattr(sampler, "recipes_", None)
    if recipes is None or not len(recipes):
        return
    parents = np.stack([x[recipes.seed], x[recipes.reference]])
    rows = made[len(made) - len(recipes) :]
    inside = (rows >= parents.min(axis=0)) & (rows <= parents.max(axis=0))
    _require(inside.all(), "a synthetic row lies outside the box of its parents")
    served = recipes.label >= 0
    holds = y[recipes.seed[served], recipes.label[served]]
    _require((holds == 1).all(), "a seed does not hold the label that it serves")
    _require(len(labels) == len(made), f"{len(made)} rows and {len(labels)} rows of labels come out")


def _check_report(checked: Checked) -> None:
    x, y = checked.table()
    sampler, made, labels = checked.run(x, checked.labels(y))
    told = getattr(sampler, "report_", None)
    if told is None or getattr(sampler, "label_rule", None) == "soft":
        return
    n_labels = len(told.names)
    after = np.bincount(labels, minlength=n_labels)[:n_labels] if checked.one_label else labels.sum(axis=0)
    if checked.one_label:
        after = np.array([np.sum(labels == name) for name in told.names])
    _require(_same(told.outcome.after, after), "report_ counts other labels than come out")
    _require(len(told.table()) == n_labels, "report_ does not list every label")
    n_added = told.outcome.n_cloned + told.outcome.n_synthetic - told.outcome.n_removed
    _require(len(made) == len(x) + n_added, "report_ counts other rows than come out")


def _check_parameters(checked: Checked) -> None:
    params = checked.sampler.get_params(deep=False)
    _require("random_state" in params, "there is no parameter random_state")
    again = type(checked.sampler)(**params)
    same = all(again.get_params(deep=False)[name] is value for name, value in params.items())
    _require(same, "the constructor changes what it is given, so clone() would not work")
    _require(hasattr(again, "set_params") and again.set_params() is again, "set_params() does not return the sampler")
    try:
        again.set_params(no_such_parameter=1)
    except ValueError:
        return
    raise SamplerCheckError("set_params takes a parameter that there is not")


def _check_clone(checked: Checked) -> None:
    from sklearn.base import clone

    x, y = checked.table()
    _, made, labels = checked.run(x, checked.labels(y))
    copy = Checked(clone(checked.sampler), checked.one_label)
    _, others, other_labels = copy.run(x, checked.labels(y))
    _require(_same(made, others) and _same(labels, other_labels), "a clone gives another result")


def _check_errors(checked: Checked) -> None:
    x, y = checked.table()
    labels = checked.labels(y)
    cases: dict[str, tuple[Any, Any]] = {
        "Y is a row short": (x, labels[:-1]),
        "X has no rows": (x[:0], labels[:0]),
        "X is a number": (3, labels),
    }
    if not checked.one_label:
        cases["Y holds a 2"] = (x, 2 * y)
    for name, (rows, held) in cases.items():
        try:
            checked.run(rows, held)
        except (ValueError, TypeError) as error:
            _require(len(str(error)) > len("expected"), f"{name}: the error says nothing")
            continue
        raise SamplerCheckError(f"{name}, and there is no error")


CHECKS: tuple[Callable[[Checked], None], ...] = (
    _check_dtypes_and_order,
    _check_originals_come_first,
    _check_nothing_given_is_changed,
    _check_a_seed_decides,
    _check_sparse_formats,
    _check_data_frames,
    _check_texts,
    _check_kinds_of_labels,
    _check_labels_are_kept,
    _check_edges,
    _check_synthetic_rows,
    _check_report,
    _check_parameters,
    _check_clone,
    _check_errors,
)


def _require(condition: Any, message: str) -> None:
    if not condition:
        raise SamplerCheckError(message)


def _same(first: Any, second: Any) -> bool:
    return np.shape(first) == np.shape(second) and bool((np.asarray(first) == np.asarray(second)).all())
