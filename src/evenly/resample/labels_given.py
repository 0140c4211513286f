"""Y: what people hold labels in. Comes in: 0/1 arrays, matrices, frames, lists of labels, classes. Out: the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy import sparse

from evenly.errors import ConfigError, DataError
from evenly.imbalance import label_matrix

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from evenly.resample.changes import Changes

__all__ = ["GivenLabels", "read_given_labels"]

MATRIX = 2  # dimensions


class GivenLabels(Protocol):
    """Labels of one kind."""

    @property
    def labels(self) -> sparse.csr_matrix:
        """The label matrix, shape (n_rows, n_labels)."""

    @property
    def names(self) -> list[Any]:
        """The labels, in the order of the columns."""

    def assemble(self, changes: Changes) -> Any:
        """Return the labels of the rows that come out, as the kind that was given."""


@dataclass(frozen=True, eq=False)
class Indicator:
    """An array of 0 and 1, shape (n_rows, n_labels)."""

    given: Any
    labels: sparse.csr_matrix

    @property
    def names(self) -> list[Any]:
        return list(range(self.labels.shape[1]))

    def assemble(self, changes: Changes) -> Any:
        whole, dtype = _stack(self.labels, changes, self.given.dtype)
        dense = whole.toarray().astype(dtype)
        column_wise = self.given.flags.f_contiguous and not self.given.flags.c_contiguous
        return np.asfortranarray(dense) if column_wise else dense


@dataclass(frozen=True, eq=False)
class SparseIndicator:
    """A scipy sparse matrix or array of 0 and 1."""

    given: Any
    labels: sparse.csr_matrix

    @property
    def names(self) -> list[Any]:
        return list(range(self.labels.shape[1]))

    def assemble(self, changes: Changes) -> Any:
        whole, dtype = _stack(self.labels, changes, self.given.dtype)
        as_array = sparse.csr_array(whole) if isinstance(self.given, sparse.sparray) else whole
        return as_array.astype(dtype).asformat(self.given.format)


@dataclass(frozen=True, eq=False)
class FrameIndicator:
    """A pandas or polars data frame of 0 and 1, a column a label."""

    given: Any
    labels: sparse.csr_matrix

    @property
    def names(self) -> list[Any]:
        return list(self.given.columns)

    def assemble(self, changes: Changes) -> Any:
        whole, _ = _stack(self.labels, changes, np.int8)
        dense = whole.toarray()
        soft = changes.recipes.targets is not None
        columns = {name: dense[:, at] for at, name in enumerate(self.names)}
        if hasattr(self.given, "iloc"):
            frame = type(self.given)(columns, columns=self.given.columns)
            return frame if soft else frame.astype(self.given.dtypes.to_dict())
        return type(self.given)(columns) if soft else type(self.given)(columns).cast(dict(self.given.schema))


@dataclass(frozen=True, eq=False)
class LabelLists:
    """A list of labels for every row: in a list, a tuple, an array or a series."""

    given: Any
    labels: sparse.csr_matrix
    names: list[Any]
    lists: Sequence[Any]

    def assemble(self, changes: Changes) -> Any:
        _refuse_soft(changes, "lists of labels")
        held = changes.recipes.labels
        kind = type(self.lists[0]) if isinstance(self.lists[0], list | tuple | set | frozenset) else list
        made = [
            kind(self.names[label] for label in held.indices[begin:end])
            for begin, end in zip(held.indptr[:-1], held.indptr[1:], strict=True)
        ]
        return _as_given(self.given, [self.lists[row] for row in changes.rows.data] + made)


@dataclass(frozen=True, eq=False)
class Classes:
    """One class a row."""

    given: Any
    labels: sparse.csr_matrix
    names: list[Any]
    values: Sequence[Any] | NDArray[Any]

    def assemble(self, changes: Changes) -> Any:
        _refuse_soft(changes, "classes")
        held = changes.recipes.labels
        if (np.diff(held.indptr) != 1).any():
            raise ConfigError("The method makes rows with several labels or none: give Y as an indicator matrix.")
        made = [self.names[label] for label in held.indices]
        if isinstance(self.values, np.ndarray):
            return np.concatenate([self.values[changes.rows], np.array(made, self.values.dtype)])
        return _as_given(self.given, [self.values[row] for row in changes.rows.data] + made)


def read_given_labels(y: Any) -> GivenLabels:
    """Tell what kind of labels these are.

    Parameters
    ----------
    y
        An array, a scipy sparse matrix or a data frame of 0 and 1, shape (n_rows, n_labels); a list of labels for
        each row; or one class a row. Lists and classes may stand in a list, a tuple, an array or a series.

    Raises
    ------
    DataError
        It is none of these.
    """
    if sparse.issparse(y):
        return SparseIndicator(y, label_matrix(y))
    if isinstance(y, np.ndarray) and y.ndim == MATRIX:
        return Indicator(y, label_matrix(y))
    if hasattr(y, "columns") and hasattr(y, "shape"):
        return FrameIndicator(y, label_matrix(np.asarray(y.to_numpy()).astype(np.int8)))
    if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype != object:
        kinds, places = np.unique(y, return_inverse=True)
        return Classes(y, _one_each(places, len(kinds)), kinds.tolist(), y)
    try:
        values = list(y.to_pylist() if hasattr(y, "to_pylist") else y)
    except TypeError as error:
        raise DataError(f"Y is a {type(y).__name__}; expected labels, one row of them for each row of X.") from error
    if values and all(_is_many(value) for value in values):
        names = _sorted({label for held in values for label in held})
        return LabelLists(y, _matrix(values, names), names, values)
    if any(_is_many(value) or value is None for value in values):
        raise DataError("Y holds lists of labels for some rows and single values for others; expected one kind.")
    names = _sorted(set(values))
    ids = {name: number for number, name in enumerate(names)}
    indices = np.fromiter((ids[value] for value in values), np.int32, len(values))
    return Classes(y, _one_each(indices, len(names)), names, values)


def _one_each(ids: NDArray[Any], n_labels: int) -> sparse.csr_matrix:
    """Return one label a row as a matrix."""
    ones, start = np.ones(len(ids), np.int8), np.arange(len(ids) + 1)
    return sparse.csr_matrix((ones, ids.astype(np.int32), start), shape=(len(ids), n_labels))


def _is_many(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset | np.ndarray) or hasattr(value, "to_list")


def _sorted(labels: set[Any]) -> list[Any]:
    try:
        return sorted(labels)
    except TypeError:  # of different types
        return sorted(labels, key=lambda label: (type(label).__name__, str(label)))


def _matrix(lists: Iterable[Iterable[Any]], names: list[Any]) -> sparse.csr_matrix:
    ids = {name: number for number, name in enumerate(names)}
    rows = [sorted({ids[label] for label in held}) for held in lists]
    start = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    indices = np.array([label for row in rows for label in row], np.int32)
    return sparse.csr_matrix((np.ones(len(indices), np.int8), indices, start), shape=(len(rows), len(names)))


def _stack(labels: sparse.csr_matrix, changes: Changes, dtype: Any) -> tuple[sparse.csr_matrix, Any]:
    """Return the labels of all rows that come out and their type: that of the given ones, or float for soft labels."""
    if changes.recipes.targets is None:
        return changes.labels(labels), dtype
    kept = labels[changes.rows].astype(np.float32)
    whole = sparse.vstack([kept, changes.recipes.targets], format="csr", dtype=np.float32)
    return whole, dtype if np.dtype(dtype).kind == "f" else np.float32


def _refuse_soft(changes: Changes, kind: str) -> None:
    if changes.recipes.targets is not None:
        raise ConfigError(f"Soft labels do not fit into {kind}: give Y as an indicator matrix.")


def _as_given(given: Any, values: list[Any]) -> Any:
    """Return values in the kind of container that was given."""
    if isinstance(given, np.ndarray):
        if given.dtype != object:
            return np.array(values, given.dtype)
        array = np.empty(len(values), object)
        array[:] = values
        return array
    if isinstance(given, list | tuple):
        return type(given)(values)
    from evenly.resample.rows_given import series_like

    return series_like(given, values)
