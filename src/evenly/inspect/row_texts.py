"""What is known of the text of every row of a table, found part by part, wherever the workspace has its workers.

Comes in: the parts of a table. Goes out: for every row the lowest row with its text, near its text, of its group,
and lengths. In memory a row takes some 100 bytes, with near-duplicates 40 more in every worker, whatever the length
of its text; on disk, until the stage is done, 40, and with near-duplicates 100 to 300 and 8 for each of its words.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.executor import in_threads
from evenly.formats import labels_to_csr, list_parts, read_facts, read_label_names
from evenly.imbalance import row_numbers
from evenly.inspect.banding import choose_banding
from evenly.inspect.clusters import cluster_rows, link_band, rows_to_compare
from evenly.inspect.duplicates import BATCH_ROWS, first_rows, hash_texts, join_hashes
from evenly.inspect.folding import TextFolder
from evenly.inspect.word_sets import WordReader, WordSets, join_sets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from evenly.workspace import Workspace

__all__ = ["RowTexts", "hash_names", "read_row_texts"]

_FOUND = ("text", "group", "is_label", "characters", "words")


@dataclass(frozen=True)
class RowTexts:
    """What is known of the text of every row; every array has the shape (n_rows,).

    Attributes
    ----------
    same, near, group
        int64: the lowest row with the same text; among its near-duplicates (`same` where they are not looked for);
        of the same group (itself where the group is null or the table has none).
    is_label
        bool: a text column holds nothing but the name of a label that the row holds.
    characters, words
        int32: over all text columns.
    """

    same: NDArray[np.int64]
    near: NDArray[np.int64]
    group: NDArray[np.int64]
    is_label: NDArray[np.bool_]
    characters: NDArray[np.int32]
    words: NDArray[np.int32]


@dataclass(frozen=True)
class _Part:
    path: str
    columns: tuple[str, ...]
    threshold: float | None


@dataclass(frozen=True)
class _Bands:
    numbers: tuple[int, ...]
    folder: str
    threshold: float


def read_row_texts(work: Workspace, table: Path, threshold: float | None) -> RowTexts:
    """Read the texts of a table.

    Parameters
    ----------
    work
        Where to write, and the workers.
    table
        The folder of a table.
    threshold
        Jaccard similarity from which two texts are near; None: they are not looked for.
    """
    columns = tuple(read_facts(table)["text_columns"])
    items = [_Part(str(part), columns, threshold) for part in list_parts(table)]
    executor = in_threads(work.executor, len(items)) if threshold is None else None  # near texts take far longer
    work.map(_read_part, items, name="texts", keep=False, unit="parts", executor=executor)
    folder = work.scratch / "texts"
    stems = [Path(item.path).stem for item in items]
    found = {name: np.concatenate([np.load(folder / f"{stem}.{name}.npy") for stem in stems]) for name in _FOUND}
    same = first_rows(found.pop("text"))
    near = same if threshold is None else _find_near(work, same, stems, threshold)
    return RowTexts(same=same, near=near, group=first_rows(found.pop("group")), **found)


def hash_names(names: Sequence[str]) -> NDArray[np.uint64]:
    """Return the hash of every label name when it is folded as a text is, shape (n_labels, 2), uint64."""
    return hash_texts(TextFolder().fold(pa.array(names, pa.large_string())))


def _read_part(part: _Part, folder: Path) -> None:
    """Write what is known of the rows of one part, each array to a file of its own."""
    path = Path(part.path)
    reader = _RowReader(part.columns, hash_names(read_label_names(path.parent)), part.threshold)
    with pq.ParquetFile(path) as source:
        has_group = "group" in source.schema_arrow.names
        wanted = [*part.columns, "labels", *(["group"] if has_group else [])]
        for batch in source.iter_batches(BATCH_ROWS, columns=wanted):
            reader.take(batch)
    for name, array in reader.arrays():
        np.save(folder / f"{path.stem}.{name}.npy", array)


class _RowReader:
    """Takes batches of rows and gathers what is known of their texts."""

    def __init__(self, columns: tuple[str, ...], labels: NDArray[np.uint64], threshold: float | None) -> None:
        self._columns = columns
        self._labels = labels
        self._folders = [TextFolder() for _ in columns]
        self._of_group = TextFolder()
        self._words = WordReader()
        self._banding = None if threshold is None else choose_banding(threshold)
        self._sets: list[WordSets] = []
        hashes, lengths = np.empty((0, 2), np.uint64), np.empty(0, np.int32)
        nothing: tuple[NDArray[Any], ...] = (hashes, hashes, np.empty(0, np.bool_), lengths, lengths)
        self._found: dict[str, list[NDArray[Any]]]
        self._found = {name: [array] for name, array in zip(_FOUND, nothing, strict=True)}

    def take(self, batch: pa.RecordBatch) -> None:
        """Read one batch."""
        folded = [folder.fold(batch[name]) for folder, name in zip(self._folders, self._columns, strict=True)]
        hashes = [hash_texts(texts) for texts in folded]
        found: tuple[NDArray[Any], ...] = (
            join_hashes(hashes),
            self._hash_groups(batch),
            self._find_label_texts(hashes, batch["labels"]),
            np.asarray(np.sum([texts.characters for texts in folded], axis=0, dtype=np.int32)),
            np.asarray(np.sum([texts.words for texts in folded], axis=0, dtype=np.int32)),
        )
        for name, array in zip(_FOUND, found, strict=True):
            self._found[name].append(array)
        if self._banding is not None:
            self._sets.append(self._words.read(folded))

    def _hash_groups(self, batch: pa.RecordBatch) -> NDArray[np.uint64]:
        """Return the hash of every group, as it is written; (0, 0) where there is none."""
        if "group" not in batch.schema.names:
            return np.zeros((len(batch), 2), np.uint64)
        hashes = hash_texts(self._of_group.pack(batch["group"]))
        hashes[batch["group"].is_null().to_numpy(zero_copy_only=False)] = 0
        return hashes

    def _find_label_texts(self, hashes: list[NDArray[np.uint64]], labels: pa.Array) -> NDArray[np.bool_]:
        """Return the rows of which a text column is the name of one of their labels."""
        held = labels_to_csr(pa.chunked_array([labels]), len(self._labels))
        row, found = row_numbers(held), np.zeros(len(labels), np.bool_)
        for column in hashes:
            found[row[(column[row] == self._labels[held.indices]).all(axis=1)]] = True
        return found

    def arrays(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Yield what was gathered, by name."""
        for name, pieces in self._found.items():
            yield name, np.concatenate(pieces)
        if self._banding is not None:
            sets = join_sets(self._sets)
            yield "sets", sets.words
            yield "sizes", np.diff(sets.ends).astype(np.int32)
            yield "keys", self._banding.keys(sets)


def _find_near(work: Workspace, same: NDArray[np.int64], stems: list[str], threshold: float) -> NDArray[np.int64]:
    """Return the lowest row of the cluster of every row, one band of keys a partition."""
    folder = work.scratch / "texts"
    sizes = np.concatenate([np.load(folder / f"{stem}.sizes.npy") for stem in stems])
    np.save(work.scratch / "ends.npy", np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]))
    np.save(work.scratch / "rows.npy", rows_to_compare(same, sizes))
    _join_files([folder / f"{stem}.sets.npy" for stem in stems], work.scratch / "sets.bin")
    numbers = range(choose_banding(threshold).n_bands)
    n_items = min(len(stems), len(numbers))  # a table of one part is not worth a second process
    items = [_Bands(tuple(numbers[first::n_items]), str(work.scratch), threshold) for first in range(n_items)]
    work.map(_link_bands, items, name="bands", keep=False)
    return cluster_rows(same, (np.load(work.scratch / "bands" / f"{number}.npy") for number in numbers))


def _join_files(arrays: list[Path], target: Path) -> None:
    """Write arrays of the parts one after the other into one file, to be mapped by every worker."""
    with target.open("wb") as sink:
        for path in arrays:
            with path.open("rb") as source:
                np.lib.format.read_magic(source)
                np.lib.format.read_array_header_1_0(source)
                shutil.copyfileobj(source, sink, 2**20)


def _link_bands(bands: _Bands, folder: Path) -> None:
    """Write the pairs of near rows that share a key in one of the bands."""
    scratch = Path(bands.folder)
    parts = sorted((scratch / "texts").glob("*.keys.npy"))
    rows, ends = np.load(scratch / "rows.npy"), np.load(scratch / "ends.npy")
    words = np.memmap(scratch / "sets.bin", np.uint32, "r") if ends[-1] else np.empty(0, np.uint32)
    for number in bands.numbers:
        keys = np.concatenate([np.load(part, mmap_mode="r")[number] for part in parts])
        pairs = link_band(keys, rows, WordSets(np.asarray(words), ends), bands.threshold)
        np.save(folder / f"{number}.npy", pairs)
