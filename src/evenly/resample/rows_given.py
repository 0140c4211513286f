"""X: what people hold rows in. Comes in: an array, a sparse matrix, a data frame, texts. Goes out: the same kind.

Each kind knows how many rows and columns it has, gives features to look for neighbours in, and is put together again
from changes: the rows that are kept, then those that recipes make.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from scipy import sparse

from evenly.errors import ConfigError, DataError
from evenly.resample.splicing import splice
from evenly.resample.text_features import text_features
from evenly.resample.vectors import interpolate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from evenly.resample.changes import Changes, Recipes
    from evenly.resample.vectors import Gap

__all__ = [
    "GivenRows",
    "Making",
    "features_of_texts",
    "make_texts",
    "make_vectors",
    "read_rows",
    "series_like",
]

Realise = Literal["splice", "duplicate"]
MATRIX = 2  # dimensions
INTEGERS = (
    "X holds integers{where}, and rows between two rows would hold numbers between theirs. Between two token ids "
    "stands the id of another word altogether: resample the texts, or the vectors of an encoder, and tokenize what "
    "comes out. If these are quantities, say so with X.astype(float); classes of a data frame with astype('category')."
)


@dataclass(frozen=True, eq=False)
class Making:
    """How recipes become rows: numbers by `gap`, with draws from `random_state`; texts by splicing."""

    gap: Gap
    random_state: np.random.Generator


class GivenRows(Protocol):
    """Rows of one kind."""

    def __len__(self) -> int:
        """Return the number of rows."""

    @property
    def n_features(self) -> int:
        """Columns; 1 for texts."""

    @property
    def names(self) -> list[str] | None:
        """Names of the columns, where they have any."""

    @property
    def texts(self) -> Sequence[str] | None:
        """The text of every row; None where there is none."""

    @property
    def vectors(self) -> Any:
        """The numbers that rows which are made lie between, shape (n_rows, n_columns); None where there are none."""

    def check_for_making(self) -> None:
        """Refuse columns that no row between two rows can have a value for."""

    def features(self, wanted: NDArray[np.bool_], labels: sparse.csr_matrix) -> Any:
        """Return what neighbours are looked for in, shape (n_rows, n_features); it may be 0 where not wanted."""

    def assemble(self, changes: Changes, making: Making) -> Any:
        """Return the rows kept and their copies, then the synthetic ones, as the kind that was given."""


@dataclass(frozen=True, eq=False)
class Vectors:
    """An array, shape (n_rows, n_features)."""

    x: NDArray[Any]
    names: None = None
    texts: None = None

    def __len__(self) -> int:
        return len(self.x)

    @property
    def n_features(self) -> int:
        return int(self.x.shape[1])

    @property
    def vectors(self) -> Any:
        return self.x

    def check_for_making(self) -> None:
        _refuse_integers(self.x.dtype)

    def features(self, wanted: NDArray[np.bool_], labels: sparse.csr_matrix) -> NDArray[Any]:  # noqa: ARG002 - as it is
        return self.x

    def assemble(self, changes: Changes, making: Making) -> NDArray[Any]:
        made = make_vectors(self.x, changes.recipes, making)
        column_wise = self.x.flags.f_contiguous and not self.x.flags.c_contiguous
        rows = changes.rows
        whole = np.empty((len(rows) + len(made), self.n_features), self.x.dtype, order="F" if column_wise else "C")
        np.take(self.x, rows, axis=0, out=whole[: len(rows)], mode="clip")  # "raise" would copy once more
        whole[len(rows) :] = made
        return whole


@dataclass(frozen=True, eq=False)
class SparseVectors:
    """A scipy sparse matrix or array of any format."""

    x: Any
    names: None = None
    texts: None = None

    def __len__(self) -> int:
        return int(self.x.shape[0])

    @property
    def n_features(self) -> int:
        return int(self.x.shape[1])

    @property
    def vectors(self) -> Any:
        return sparse.csr_matrix(self.x)

    def check_for_making(self) -> None:
        _refuse_integers(self.x.dtype)

    def features(self, wanted: NDArray[np.bool_], labels: sparse.csr_matrix) -> Any:  # noqa: ARG002 - all are there
        return sparse.csr_matrix(self.x)

    def assemble(self, changes: Changes, making: Making) -> Any:
        by_row = self.x.tocsr()
        parts = [by_row[changes.rows]]
        if len(changes.recipes):
            parts.append(type(by_row)(make_vectors(sparse.csr_matrix(by_row), changes.recipes, making)))
        return sparse.vstack(parts, format=self.x.format, dtype=self.x.dtype)


@dataclass(frozen=True, eq=False)
class Texts:
    """Texts, and what they were given in."""

    texts: Sequence[str]
    given: Any
    names: None = None
    vectors: None = None

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def n_features(self) -> int:
        return 1

    def check_for_making(self) -> None:
        """Texts can be spliced."""

    def features(self, wanted: NDArray[np.bool_], labels: sparse.csr_matrix) -> sparse.csr_matrix:  # noqa: ARG002 - as it is
        return features_of_texts(self.texts, wanted)

    def assemble(self, changes: Changes, making: Making) -> Any:  # noqa: ARG002 - nothing is drawn
        made = make_texts(self.texts, changes.recipes)
        kept = [self.texts[row] for row in changes.rows.data]  # one number at a time, not millions
        if isinstance(self.given, np.ndarray):
            return np.array(kept + made, dtype=None if self.given.dtype.kind == "U" else self.given.dtype)
        if isinstance(self.given, list | tuple):
            return type(self.given)(kept + made)
        return series_like(self.given, kept + made)


def read_rows(x: Any) -> GivenRows:
    """Tell what kind of rows these are.

    Parameters
    ----------
    x
        An array (n_rows, n_features) of numbers; a scipy sparse matrix or array; a pandas or polars data frame or a
        pyarrow table; or texts: a list, tuple, array or series of str.

    Raises
    ------
    DataError
        It is none of these, or has no rows.
    """
    if sparse.issparse(x):
        found: GivenRows = SparseVectors(x)
    elif isinstance(x, np.ndarray) and x.ndim == MATRIX and x.dtype.kind in "fiub":
        found = Vectors(x)
    elif isinstance(x, np.ndarray) and x.ndim == MATRIX and x.dtype.kind == "O":
        raise DataError("X is an array of objects; expected numbers, a data frame, or a list of texts.")
    elif hasattr(x, "column_names") or (hasattr(x, "columns") and hasattr(x, "shape")):
        from evenly.resample.frames import read_frame

        found = read_frame(x)
    else:
        found = _read_texts(x)
    if not len(found):
        raise DataError("X has no rows; expected at least one.")
    return found


def make_vectors(x: Any, recipes: Recipes, making: Making) -> Any:
    """Return the rows that recipes make of numbers; repeated rows as they are, and copies of one recipe alike."""
    if recipes.repeats.all():
        return x[recipes.seed]
    alike = None
    if len(np.unique(recipes.position)) < len(recipes):  # a chain may copy recipes, or repeat rows
        parts = np.stack([recipes.seed, recipes.reference, recipes.share, recipes.position])
        _, first, place = np.unique(parts, axis=1, return_index=True, return_inverse=True)
        order = np.sort(first)
        alike = np.searchsorted(order, first)[place.ravel()]
        recipes = recipes.take(order)
    made = interpolate(x, recipes, gap=making.gap, random_state=making.random_state)
    return made if alike is None else made[alike]


def make_texts(texts: Sequence[str], recipes: Recipes) -> list[str]:
    """Return the texts that recipes make: spliced ones, and repeated ones as they are."""
    parts = (recipes.repeats, recipes.seed, recipes.reference, recipes.share, recipes.position)
    return [
        texts[seed] if again else splice(texts[seed], texts[reference], share, position)
        for again, seed, reference, share, position in zip(*(part.tolist() for part in parts), strict=True)
    ]


def features_of_texts(texts: Sequence[str], wanted: NDArray[np.bool_]) -> sparse.csr_matrix:
    """Return TF-IDF of the wanted texts, shape (n_texts, n_words); the other rows are zero."""
    found = text_features(texts[row] for row in np.flatnonzero(wanted).tolist())
    widths = np.zeros(len(texts), np.int64)
    widths[wanted] = np.diff(found.indptr)
    start = np.concatenate([[0], np.cumsum(widths)])
    return sparse.csr_matrix((found.data, found.indices, start), shape=(len(texts), found.shape[1]))


def _refuse_integers(dtype: np.dtype[Any]) -> None:
    if dtype.kind in "iub":
        raise ConfigError(INTEGERS.format(where=""))


def _read_texts(x: Any) -> Texts:
    values = list(x) if isinstance(x, list | tuple | np.ndarray) or not hasattr(x, "to_pylist") else x.to_pylist()
    wrong = next((value for value in values if not isinstance(value, str)), None)
    if wrong is not None:
        raise DataError(
            f"X is a {type(x).__name__} that holds {wrong!r}; expected texts, an array of shape (n_rows, n_features), "
            f"a scipy sparse matrix, or a data frame of pandas, polars or pyarrow."
        )
    return Texts([str(value) for value in values], x)


def series_like(given: Any, values: list[Any]) -> Any:
    """Return values as the kind of series (pandas, polars, pyarrow) that was given."""
    if hasattr(given, "iloc"):
        return type(given)(values, name=given.name, dtype=given.dtype)
    if hasattr(given, "to_arrow"):
        return type(given)(given.name, values, dtype=given.dtype)
    import pyarrow as pa

    return (
        pa.chunked_array([values], given.type) if isinstance(given, pa.ChunkedArray) else pa.array(values, given.type)
    )
