"""X as a data frame of pandas, polars or pyarrow: columns of text, of numbers, of classes, each made in its own way."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from evenly.errors import ConfigError, DataError
from evenly.formats import SPLITS
from evenly.resample.nominal import most_frequent, vdm_columns
from evenly.resample.rows_given import INTEGERS, Making, features_of_texts, make_texts, make_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.resample.changes import Changes, Recipes

__all__ = ["read_frame"]

Kind = Literal["text", "number", "integer", "class"]
SPLIT_COLUMNS = ("split", "given_split")


class Backend(Protocol):
    """What the three libraries say differently."""

    @property
    def names(self) -> list[str]:
        """Names of the columns."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def kind(self, name: str) -> Kind:
        """Tell what a column holds."""

    def values(self, name: str) -> Any:
        """Return a column: numbers as an array, anything else as an array of objects."""

    def with_rows(self, rows: NDArray[np.int64], made: dict[str, Any] | None) -> Any:
        """Return the frame of the given rows, and below them those that are made."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A data frame.

    Neighbours are looked for in the text columns where there are any, else in the numbers, beside which classes
    (categories, booleans) stand by the value difference metric. A row that is made has the class that most neighbours
    of its seed have, or where these are not known, that of the parent with the larger share.
    """

    backend: Backend

    def __len__(self) -> int:
        return len(self.backend)

    @property
    def n_features(self) -> int:
        return len(self.names)

    @property
    def names(self) -> list[str]:
        return self.backend.names

    @property
    def texts(self) -> list[str] | None:
        names = self.of_kind("text")
        if not names:
            return None
        cells = zip(*(self.backend.values(name) for name in names), strict=True)
        return ["\n".join(cell or "" for cell in row) for row in cells]

    @property
    def vectors(self) -> Any:
        names = self.of_kind("number")
        return np.column_stack([self.backend.values(name) for name in names]) if names else None

    def of_kind(self, kind: Kind) -> list[str]:
        """Return the names of the columns of a kind."""
        return [name for name in self.names if self.backend.kind(name) == kind]

    def check_for_making(self) -> None:
        if integers := self.of_kind("integer"):
            raise ConfigError(INTEGERS.format(where=f" in {', '.join(map(repr, integers))}"))

    def features(self, wanted: NDArray[np.bool_], labels: sparse.csr_matrix) -> Any:
        texts = self.texts
        if texts is not None:
            return features_of_texts(texts, wanted)
        numbers = [self.backend.values(name) for name in self.of_kind("number")]
        classes = [vdm_columns(_codes(self.backend.values(name)), labels) for name in self.of_kind("class")]
        if numbers or classes:
            return np.column_stack([*numbers, *classes])
        raise ConfigError(
            f"X has no column of texts, floating-point numbers or classes to look for neighbours in, only "
            f"{', '.join(map(repr, self.names))}: give fit_resample(X, Y, features=...), a matrix, a row for each of X."
        )

    def assemble(self, changes: Changes, making: Making) -> Any:
        recipes = changes.recipes
        made = dict.fromkeys(self.names) if len(recipes) else None
        if made is not None:
            self._make(made, recipes, making)
        return self.backend.with_rows(changes.rows, made)

    def _make(self, made: dict[str, Any], recipes: Recipes, making: Making) -> None:
        """Fill in the columns; all numbers at once, so that a row has one gap where that is asked for."""
        vectors = self.vectors
        if vectors is not None:
            made |= dict(zip(self.of_kind("number"), make_vectors(vectors, recipes, making).T, strict=True))
        for name in self.of_kind("text"):
            made[name] = make_texts([text or "" for text in self.backend.values(name)], recipes)
        for name in [*self.of_kind("class"), *self.of_kind("integer")]:
            made[name] = _make_classes(self.backend.values(name), recipes)


@dataclass(frozen=True, eq=False)
class Pandas:
    """A pandas data frame; the rows that come out are numbered anew, as imbalanced-learn does it."""

    frame: Any

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def names(self) -> list[str]:
        return list(self.frame.columns)

    def kind(self, name: str) -> Kind:
        import pandas as pd

        dtype = self.frame[name].dtype
        if pd.api.types.is_float_dtype(dtype):
            return "number"
        if pd.api.types.is_bool_dtype(dtype) or isinstance(dtype, pd.CategoricalDtype):
            return "class"
        if pd.api.types.is_integer_dtype(dtype):
            return "integer"
        values = self.frame[name]
        texts = values.map(lambda value: isinstance(value, str)) | values.isna()
        return "text" if texts.all() else "class"

    def values(self, name: str) -> Any:
        column = self.frame[name]
        if self.kind(name) == "number":
            return column.to_numpy(np.float32 if str(column.dtype).lower() == "float32" else np.float64)
        values = column.to_numpy(object)
        return np.where(column.isna(), None, values) if self.kind(name) == "text" else values

    def with_rows(self, rows: NDArray[np.int64], made: dict[str, Any] | None) -> Any:
        import pandas as pd

        kept = self.frame.iloc[rows]
        if made is None:
            return kept.reset_index(drop=True)
        below = {name: pd.Series(made[name], dtype=self.frame[name].dtype) for name in self.names}
        return pd.concat([kept, pd.DataFrame(below)], ignore_index=True)


@dataclass(frozen=True, eq=False)
class Polars:
    """A polars data frame."""

    frame: Any

    def __len__(self) -> int:
        return int(self.frame.height)

    @property
    def names(self) -> list[str]:
        return list(self.frame.columns)

    def kind(self, name: str) -> Kind:
        pl = sys.modules["polars"]  # not a dependency: whoever gives such a frame has loaded it
        dtype = self.frame.schema[name]
        if dtype.is_float():
            return "number"
        if dtype.is_integer():
            return "integer"
        return "text" if dtype == pl.String else "class"

    def values(self, name: str) -> Any:
        column = self.frame[name]
        return column.to_numpy() if self.kind(name) == "number" else _objects(column.to_list())

    def with_rows(self, rows: NDArray[np.int64], made: dict[str, Any] | None) -> Any:
        pl = sys.modules["polars"]
        kept = self.frame[rows]
        if made is None:
            return kept
        below = pl.DataFrame(
            {name: pl.Series(name, list(made[name]), dtype=self.frame.schema[name]) for name in self.names}
        )
        return pl.concat([kept, below])


@dataclass(frozen=True, eq=False)
class Arrow:
    """A pyarrow table."""

    frame: Any

    def __len__(self) -> int:
        return int(self.frame.num_rows)

    @property
    def names(self) -> list[str]:
        return list(self.frame.column_names)

    def kind(self, name: str) -> Kind:
        import pyarrow as pa

        dtype = self.frame.schema.field(name).type
        if pa.types.is_floating(dtype):
            return "number"
        if pa.types.is_integer(dtype):
            return "integer"
        is_text = pa.types.is_string(dtype) or pa.types.is_large_string(dtype) or pa.types.is_string_view(dtype)
        return "text" if is_text else "class"

    def values(self, name: str) -> Any:
        column = self.frame[name]
        return column.to_numpy() if self.kind(name) == "number" else _objects(column.to_pylist())

    def with_rows(self, rows: NDArray[np.int64], made: dict[str, Any] | None) -> Any:
        import pyarrow as pa

        kept = self.frame.take(rows)
        if made is None:
            return kept
        schema = self.frame.schema
        below = [
            pa.array(list(made[name]), t.value_type if pa.types.is_dictionary(t) else t) for name, t in _types(schema)
        ]
        return pa.concat_tables([kept, pa.table(below, names=schema.names).cast(schema)])


def read_frame(frame: Any) -> Frame:
    """Return the columns of a data frame.

    Raises
    ------
    DataError
        It is of no known library, or has a column that says that rows of other splits are in it.
    """
    backends: dict[str, Any] = {"pandas": Pandas, "polars": Polars, "pyarrow": Arrow}
    library = type(frame).__module__.partition(".")[0]
    if library not in backends:
        raise DataError(f"X is a {type(frame).__module__}.{type(frame).__name__}; expected pandas, polars or pyarrow.")
    found = Frame(backends[library](frame))
    for name in SPLIT_COLUMNS:
        if name in found.names:
            others = set(map(str, found.backend.values(name))) & {*SPLITS[1:], "valid", "val", "dev"}
            if others:
                raise DataError(
                    f"X holds rows of the split {' and '.join(sorted(others))} (column {name!r}). Copies of such rows, "
                    f"or rows made of them, in the train split would make any score meaningless: resample the train "
                    f"rows alone, after the split."
                )
    return found


def _make_classes(values: NDArray[Any], recipes: Recipes) -> NDArray[Any]:
    """Return the class of every row that is made."""
    chosen: NDArray[Any] = values[np.where(recipes.share < 1 / 2, recipes.seed, recipes.reference)]
    if recipes.neighbors is None:
        return chosen
    codes = _codes(values)
    known = dict(zip(codes.tolist(), values, strict=True))
    n_neighbors = (recipes.neighbors >= 0).sum(axis=1)
    for n in np.unique(n_neighbors):
        which = np.flatnonzero(n_neighbors == n)
        found = most_frequent(codes, recipes.neighbors[which, :n])
        chosen[which] = _objects([known[code] for code in found.tolist()])
    return chosen


def _codes(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return a number from 0 for every value, shape (n_rows,)."""
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(_plain(value), len(numbers)) for value in values], np.int64)


def _plain(value: Any) -> Any:
    """Return None for what libraries put in the place of a missing value: not-a-number equals nothing."""
    return None if isinstance(value, float) and np.isnan(value) else value


def _types(schema: Any) -> list[tuple[str, Any]]:
    return [(name, schema.field(name).type) for name in schema.names]


def _objects(values: list[Any]) -> NDArray[Any]:
    array = np.empty(len(values), object)
    array[:] = values
    return array
