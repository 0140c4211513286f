"""The texts of a table -> TF-IDF features on disk: counted and weighed over partitions, and resumed."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
from scipy import sparse

from evenly.resample.feature_files import write_sparse
from evenly.resample.table_rows import TablePart, parts_with, read_batches
from evenly.resample.text_features import WordCounts, count_words, merge_vocabularies, weigh_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.workspace import Workspace

__all__ = ["write_text_features"]

TEXTS_AT_ONCE = 10_000


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
    key = hashlib.sha256(chosen.tobytes()).hexdigest()[:12]
    counted, folder = work.scratch / f"words-{key}", work.scratch / f"features-{key}"
    count = partial(_count_part, columns=list(columns))
    found = work.map(count, parts_with(table, chosen), name=counted.name, keep=False)
    names = [name for part in found for name in part]
    parts = [_map_words(counted / f"{name}.words.arrow") for name in names]
    places, weight = merge_vocabularies(parts, len(chosen))
    blocks = (
        weigh_words(_read_counts(counted, name, len(place)), place, weight)
        for name, place in zip(names, places, strict=True)
    )
    return write_sparse(folder, blocks, max(1, len(weight)), wanted)


def _count_part(part: TablePart, folder: Path, *, columns: list[str]) -> list[str]:
    """Count the words of a part of the table, some thousand texts at a time."""
    names = []
    batches = read_batches(part, columns, TEXTS_AT_ONCE)
    for batch in batches:
        names.append(f"{batch['row'][0].as_py():012d}")
        _write_counts(folder, names[-1], count_words(_join_columns(batch, columns)))
    return names


def _join_columns(batch: pa.Table, columns: list[str]) -> pa.Array:
    """Return the text of every row; a cell that is missing is empty."""
    cells = [batch[name].combine_chunks() for name in columns]
    if len(cells) == 1:
        return cells[0].fill_null("")
    return pc.binary_join_element_wise(*cells, "\n", null_handling="replace", null_replacement="")


def _write_counts(folder: Path, name: str, found: WordCounts) -> None:
    words = pa.record_batch({"word": found.words, "n_with": found.n_texts_with().astype(np.int32)})
    with pa.OSFile(str(folder / f"{name}.words.arrow"), "wb") as sink, pa.ipc.new_file(sink, words.schema) as writer:
        writer.write_batch(words)
    counts = found.counts
    data = counts.data.astype(np.min_scalar_type(counts.data.max(initial=1)))  # few words come 256 times
    for what, values in (("indptr", counts.indptr), ("indices", counts.indices), ("data", data)):
        np.save(folder / f"{name}.{what}.npy", values)


def _map_words(path: Path) -> tuple[pa.StringArray, NDArray[np.int32]]:
    """Return words and how many texts have each; they stay in the file and are mapped into memory."""
    batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
    return batch.column("word"), batch.column("n_with").to_numpy()


def _read_counts(folder: Path, name: str, n_words: int) -> sparse.csr_matrix:
    start, indices, data = (np.load(folder / f"{name}.{what}.npy") for what in ("indptr", "indices", "data"))
    return sparse.csr_matrix((data, indices, start), shape=(len(start) - 1, n_words))
