"""Parts that are written while a file is read, so that its texts are written once and not twice.

Label ids are known only when all is read; but names come again, and in most tables all of them have turned up within
the first part. So the parts of a table that comes from one file are written with the ids that the names would have if
no other came. In: checked rows. Out: parts that are final, or nearly so: one whose ids have changed meanwhile gets
its new ones when the names are settled.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.ingest.labelling.vocabulary import order_names
from evenly.ingest.parts import count_held, part_name, to_ids, write_rows

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.ingest.labelling.vocabulary import FileVocabulary

__all__ = ["EarlyPart", "EarlyParts", "settle_part"]


class EarlyParts:
    """Writes parts as their rows come."""

    def __init__(self, folder: Path, vocabulary: FileVocabulary, *, partition_rows: int, keep_order: bool) -> None:
        """Write parts of `partition_rows` into `folder`; `keep_order` as `order_names` has it."""
        self._folder = folder
        self._vocabulary = vocabulary
        self._partition_rows = partition_rows
        self._keep_order = keep_order
        self._waiting: list[pa.Table] = []
        self._n_waiting = 0
        self._held, self._ids = np.empty(0, np.bool_), np.empty(0, np.int32)
        self._pool = ThreadPoolExecutor(1)
        self._written: list[Future[dict[str, int]]] = []

    def add(self, rows: pa.Table, counts: NDArray[np.int64]) -> None:
        """Take further rows; `counts` has how many rows so far hold each name, by its number."""
        while len(rows):
            taken = rows.slice(0, self._partition_rows - self._n_waiting)
            rows = rows.slice(len(taken))
            self._waiting.append(taken)
            self._n_waiting += len(taken)
            if self._n_waiting == self._partition_rows:
                self._write(counts)

    def _write(self, counts: NDArray[np.int64]) -> None:
        """Let a thread write what waits, once the part before is written: two are in memory and not more."""
        if self._written:
            self._written[-1].result()
        number = len(self._written)
        ids = self._early_ids(counts)
        np.save(self._folder / _ids_name(number), ids)
        part = pa.concat_tables(self._waiting)
        self._written.append(self._pool.submit(_write_early, part, ids, number, self._partition_rows, self._folder))
        self._waiting, self._n_waiting = [], 0

    def _early_ids(self, counts: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the id of every name by its number, -1 for those that no row holds."""
        held = np.ones(len(counts), np.bool_) if self._keep_order else counts > 0
        if not np.array_equal(held, self._held):  # hardly ever, once all names have turned up
            names = self._vocabulary.names[: len(held)]
            ordered = order_names(list(compress(names, held)), keep_order=self._keep_order)
            of_name = {name: number for number, name in enumerate(ordered)}
            self._held, self._ids = held, np.array([of_name.get(name, -1) for name in names], np.int32)
        return self._ids

    def close(self, counts: NDArray[np.int64]) -> list[dict[str, int]]:
        """Write the rows that are left; return for every part what `count_held` does."""
        if self._n_waiting:
            self._write(counts)
        self._pool.shutdown()
        return [part.result() for part in self._written]


def _ids_name(number: int) -> str:
    return f"early-{number:05d}.npy"


def _write_early(
    rows: pa.Table, ids: NDArray[np.int32], number: int, partition_rows: int, folder: Path
) -> dict[str, int]:
    table = to_ids(rows, ids)
    write_rows(table, number=number, first_row=number * partition_rows, folder=folder)
    return count_held(table)


@dataclass(frozen=True)
class EarlyPart:
    """A part that was written early: its number, the folder where it lies, and the file of the final ids."""

    number: int
    folder: Path
    ids: Path
    counts: dict[str, int]


def settle_part(part: EarlyPart, folder: Path) -> dict[str, Any]:
    """Put a part into `folder` with its final ids; return what `count_held` has found."""
    path = part.folder / part_name(part.number)
    early = np.load(part.folder / _ids_name(part.number))
    final = np.load(part.ids)[: len(early)]
    held = early >= 0
    if np.array_equal(early[held], final[held]):
        _link(path, folder / path.name)
        return part.counts
    of_early = np.full(int(early.max(initial=0)) + 1, -1, np.int32)
    of_early[early[held]] = final[held]
    table = pq.read_table(path)
    first_row = table["row"][0].as_py()
    write_rows(to_ids(table.drop_columns("row"), of_early), number=part.number, first_row=first_row, folder=folder)
    return part.counts


def _link(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the file system has none: the first must stay until all is done."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
