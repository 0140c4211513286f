"""The texts of a table -> TF-IDF features on disk: counted and weighed over partitions, and resumed."""

from __future__ import annotations

import hashlib
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.ipc
from scipy import sparse

from evenly.resample.feature_files import write_sparse
from evenly.resample.table_rows import TablePart, parts_with, read_batches
from evenly.resample.text_features import WordCounts, count_words, merge_vocabularies, weigh_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
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
    counted, weighed, folder = (work.scratch / f"{what}-{key}" for what in ("words", "weights", "features"))
    count = partial(_count_part, columns=list(columns))
    found = work.map(count, parts_with(table, chosen), name=counted.name, keep=False)
    names = [name for part in found for name in part]
    n_columns = _merge(counted, names, len(chosen))
    work.map(partial(_weigh_block, counted=counted), names, name=weighed.name, keep=False, unit="blocks")
    return write_sparse(folder, (_read_block(weighed, name, n_columns) for name in names), n_columns, wanted)


def _count_part(part: TablePart, folder: Path, *, columns: list[str]) -> list[str]:
    """Count the words of a part of the table, some thousand texts at a time."""
    texts, names = _texts(part, columns), []
    for first in range(0, len(part.rows), TEXTS_AT_ONCE):
        names.append(f"{part.rows[first]:012d}")
        _write_counts(folder, names[-1], count_words(islice(texts, TEXTS_AT_ONCE)))
    return names


def _texts(part: TablePart, columns: list[str]) -> Iterator[str]:
    for batch in read_batches(part, columns):
        for cells in zip(*(batch[name].to_pylist() for name in columns), strict=True):
            yield "\n".join(cell or "" for cell in cells)


def _write_counts(folder: Path, name: str, found: WordCounts) -> None:
    words = pa.record_batch({"word": found.words, "n_with": found.n_texts_with().astype(np.int32)})
    with pa.OSFile(str(folder / f"{name}.words.arrow"), "wb") as sink, pa.ipc.new_file(sink, words.schema) as writer:
        writer.write_batch(words)
    for what in ("indptr", "indices", "data"):
        np.save(folder / f"{name}.{what}.npy", getattr(found.counts, what))


def _merge(counted: Path, names: Sequence[str], n_texts: int) -> int:
    """Write the columns of each block's words and the weights, and return how many columns there are."""
    parts = [_map_words(counted / f"{name}.words.arrow") for name in names]
    columns, weight = merge_vocabularies(parts, n_texts)
    for name, of_block in zip(names, columns, strict=True):
        np.save(counted / f"{name}.columns.npy", of_block)
    np.save(counted / "weight.npy", weight)
    return max(1, len(weight))


def _map_words(path: Path) -> tuple[pa.StringArray, NDArray[np.int32]]:
    """Return words and how many texts have each; they stay in the file and are mapped into memory."""
    batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
    return batch.column("word"), batch.column("n_with").to_numpy()


def _weigh_block(name: str, folder: Path, *, counted: Path) -> None:
    start, indices, data, columns = (
        np.load(counted / f"{name}.{what}.npy") for what in ("indptr", "indices", "data", "columns")
    )
    counts = sparse.csr_matrix((data, indices, start), shape=(len(start) - 1, len(columns)))
    block = weigh_words(counts, columns, np.load(counted / "weight.npy", mmap_mode="r"))
    for what in ("indptr", "indices", "data"):
        np.save(folder / f"{name}.{what}.npy", getattr(block, what))


def _read_block(folder: Path, name: str, n_columns: int) -> sparse.csr_matrix:
    start, indices, data = (np.load(folder / f"{name}.{what}.npy") for what in ("indptr", "indices", "data"))
    return sparse.csr_matrix((data, indices, start), shape=(len(start) - 1, n_columns))
