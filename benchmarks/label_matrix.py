"""The label matrix of a benchmark, without texts: from a corpus, or drawn as `benchmarks.corpus` draws labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc
import pyarrow.csv
from benchmarks.corpus import LABELS
from scipy import sparse

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_label_matrix", "write_label_matrix"]

NAME = "labels.npz"


def write_label_matrix(folder: Path, rows: int, corpus: Path | None) -> None:
    """Write ``labels.npz``: the labels of the first rows of a corpus, or as many drawn ones."""
    row, label = _drawn(rows) if corpus is None else _read(corpus, rows)
    ones = np.ones(len(row), np.int8)
    matrix = sparse.csr_matrix((ones, (row, label)), shape=(row.max() + 1, label.max() + 1))
    matrix.data[:] = 1
    sparse.save_npz(folder / NAME, matrix)


def read_label_matrix(folder: Path, rows: int | None = None) -> sparse.csr_matrix:
    """Return the first rows of it, or all."""
    return sparse.csr_matrix(sparse.load_npz(folder / NAME))[:rows]


def _drawn(rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    cumulated = np.cumsum((np.arange(LABELS) + 3.0) ** -1.05)
    row = np.repeat(np.arange(rows), 1 + rng.poisson(2.2, rows))
    label = np.minimum(np.searchsorted(cumulated, rng.random(len(row)) * cumulated[-1]), LABELS - 1)
    return row, label


def _read(corpus: Path, rows: int) -> tuple[np.ndarray, np.ndarray]:
    options = pyarrow.csv.ConvertOptions(include_columns=["labels"], column_types={"labels": "string"})
    parsing = pyarrow.csv.ParseOptions(newlines_in_values=True)
    cells = pyarrow.csv.read_csv(corpus, parse_options=parsing, convert_options=options)["labels"][:rows]
    names = pc.split_pattern(cells, "|")
    row = np.repeat(np.arange(len(names)), pc.list_value_length(names).to_numpy())
    return row, pc.list_flatten(names).cast("int64").to_numpy()
