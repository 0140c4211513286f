"""The texts of a table -> TF-IDF features on disk: counted over partitions, and resumed where a build was cut off."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import sparse

from evenly import formats
from evenly.resample.feature_files import write_sparse
from evenly.resample.text_features import Weights, WordCounts, count_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.workspace import Workspace

__all__ = ["write_text_features"]

ROWS_AT_ONCE = 10_000
STEP = "words"


def write_text_features(
    work: Workspace, *, table: Path, rows: NDArray[np.int64], wanted: NDArray[np.bool_], columns: Sequence[str]
) -> Path:
    """Write the TF-IDF features of some rows of a table, and return the folder for `open_features`.

    Parameters
    ----------
    work
        Maps the partitions; everything goes to its `scratch`.
    table
        The table artifact.
    rows
        Shape (n_rows,): the rows of the table that the features are numbered by, ascending.
    wanted
        Shape (n_rows,): which of them are looked at; only their texts are read, all others are zero.
    columns
        The text columns; a row's text is theirs, joined by line breaks.
    """
    chosen = rows[wanted]
    items = [chosen[begin : begin + ROWS_AT_ONCE] for begin in range(0, len(chosen), ROWS_AT_ONCE)]
    function = partial(_count_partition, table=table, columns=list(columns))
    work.map(function, items, name=STEP, keep=False)
    folder = work.scratch / STEP
    names = [f"{item[0]:012d}" for item in items]
    weights = Weights(_read_sums(folder, name) for name in names)
    widths = np.zeros(len(rows), np.int64)
    widths[wanted] = np.concatenate([np.diff(np.load(folder / f"{name}.start.npy")) for name in names] or [[]])
    blocks = (weights.weigh(_read_counts(folder, name)) for name in names)
    write_sparse(work.scratch / "features", blocks, widths, max(1, len(weights.weight)))
    return work.scratch / "features"


def _count_partition(rows: NDArray[np.int64], folder: Path, *, table: Path, columns: list[str]) -> None:
    found = count_words(_read_texts(table, rows, columns))
    name = f"{rows[0]:012d}"
    pq.write_table(pa.table({"word": found.words, "n_with": found.n_texts_with()}), folder / f"{name}.words.parquet")
    np.save(folder / f"{name}.start.npy", found.counts.indptr)
    np.save(folder / f"{name}.columns.npy", found.counts.indices)
    np.save(folder / f"{name}.counts.npy", found.counts.data)


def _read_texts(table: Path, rows: NDArray[np.int64], columns: list[str]) -> Iterator[str]:
    block = formats.read_rows(table, rows, columns)
    for cells in zip(*(block[name].to_pylist() for name in columns), strict=True):
        yield "\n".join(cell or "" for cell in cells)


def _read_sums(folder: Path, name: str) -> tuple[list[str], NDArray[np.int64], int]:
    words = pq.read_table(folder / f"{name}.words.parquet")
    return words["word"].to_pylist(), words["n_with"].to_numpy(), len(np.load(folder / f"{name}.start.npy")) - 1


def _read_counts(folder: Path, name: str) -> WordCounts:
    start, columns, counts = (np.load(folder / f"{name}.{what}.npy") for what in ("start", "columns", "counts"))
    words = pq.read_table(folder / f"{name}.words.parquet", columns=["word"])["word"].to_pylist()
    return WordCounts(words, sparse.csr_matrix((counts, columns, start), shape=(len(start) - 1, len(words))))
