"""Rows that lose all their labels, because these are dropped or rare.

Whether a label is rare is known only when all files are read, and by then a row's place in its file is forgotten. So
each file also leaves its *doubtful* rows: those that hold labels, but only such as are dropped or rare within the
file, with line and text. A label that is rare in all files together is rare in each, so no other row can lose all of
its labels. In: the doubtful rows and the final ids. Out: `Emptied`, the rows that are refused after all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.ipc

from evenly.formats import LABELS_TYPE
from evenly.ingest.rejects import REJECTS_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.ingest.labelling.final_labels import FinalLabels
    from evenly.ingest.labelling.label_rules import LabelRules
    from evenly.ingest.pieces import FileCounts
    from evenly.ingest.reading import Place

__all__ = ["DROPPED", "RARE", "DoubtfulLog", "Emptied", "find_doubtful", "find_emptied", "take_near"]

DROPPED = "only dropped labels"
RARE = "only rare labels"
_SCHEMA = pa.schema({"row": pa.int64(), "line": pa.int64(), "raw": pa.string(), "labels": LABELS_TYPE})
_MOST_CHARACTERS = 1_000
_BATCH_ROWS = 4_096


def find_doubtful(
    rows: Path, names: Sequence[str], counts: Sequence[int], rules: LabelRules, *, one_each: bool
) -> pa.Table:
    """Return `row` and `labels` of the checked rows of a file that may lose all their labels and then be refused.

    Parameters
    ----------
    rows
        The Arrow file of the checked rows.
    names, counts
        The labels as numbered in the file, and how many rows hold each.
    rules
        What is taken off.
    one_each
        Every row of the file holds exactly one label.
    """
    if not any(counts) or not rules.take_off or not rules.refuses_emptied(one_each=one_each):
        return _SCHEMA.empty_table().select(["row", "labels"])
    off = np.array([name in rules.drop for name in names], np.bool_) | (np.array(counts, np.int64) < rules.min_count)
    found, first = [], 0
    with pa.memory_map(str(rows)) as source:
        reader = pa.ipc.open_file(source)
        for index in range(reader.num_record_batches):
            labels = reader.get_batch(index).column("labels")
            here = np.flatnonzero(_hold_only(labels, off))
            found.append(pa.table({"row": pa.array(here + first), "labels": labels.take(pa.array(here))}))
            first += len(labels)
        return pa.concat_tables(found).combine_chunks()


def _hold_only(labels: pa.ListArray, off: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rows hold labels, but none besides those in `off`, shape (n_rows,)."""
    lengths = labels.value_lengths().to_numpy()
    rows = np.repeat(np.arange(len(labels)), lengths)
    n_off = np.bincount(rows[off[labels.flatten().to_numpy()]], minlength=len(labels))
    only: NDArray[np.bool_] = (lengths > 0) & (n_off == lengths)
    return only


class DoubtfulLog:
    """Writes doubtful rows with their places in the source, a batch at a time."""

    def __init__(self, path: Path, doubtful: pa.Table) -> None:
        """Write to `path` what `find_doubtful` found, once the places are known."""
        self._doubtful = doubtful
        self._waiting: list[Place] = []
        self._n_written = 0
        self._writer = pa.ipc.new_file(str(path), _SCHEMA)

    def add(self, place: Place) -> None:
        """Keep the place of the next row, its raw text cut."""
        self._waiting.append(place._replace(raw=place.raw[:_MOST_CHARACTERS]))
        if len(self._waiting) == _BATCH_ROWS:
            self._write()

    def _write(self) -> None:
        rows = self._doubtful.slice(self._n_written, len(self._waiting))
        columns = {
            "row": rows["row"],
            "line": pa.array([place.line for place in self._waiting], pa.int64()),
            "raw": pa.array([place.raw for place in self._waiting], pa.string()),
            "labels": rows["labels"],
        }
        self._writer.write_table(pa.table(columns, _SCHEMA))
        self._n_written += len(self._waiting)
        self._waiting = []

    def close(self) -> None:
        """Write what waits."""
        self._write()
        self._writer.close()


@dataclass(frozen=True)
class Emptied:
    """Rows of one file that are refused because no label is left.

    Attributes
    ----------
    path
        The doubtful rows of the file.
    lost
        Shape (n,), int64: which of them are refused, ascending.
    dropped
        Shape (n,), bool: whether all labels of such a row are dropped; else some are rare.
    batch_rows
        Rows of each Arrow batch of the file that are left.
    """

    path: Path
    lost: NDArray[np.int64]
    dropped: NDArray[np.bool_]
    batch_rows: list[int]

    def reasons(self) -> dict[str, int]:
        """Return how many rows are refused for each reason."""
        n_dropped = int(self.dropped.sum())
        return {DROPPED: n_dropped, RARE: len(self.lost) - n_dropped}

    def lines(self) -> pa.ChunkedArray:
        """Return the lines of the refused rows."""
        with pa.memory_map(str(self.path)) as source:
            return pa.ipc.open_file(source).read_all()["line"].take(pa.array(self.lost))

    def rejects(self, numbers: NDArray[np.int64], *, file: str, column: str) -> pa.Table:
        """Return some of the refused rows, by their numbers, ascending, as ``rejects.parquet`` has them."""
        with pa.memory_map(str(self.path)) as source:
            rows = take_near(pa.ipc.open_file(source).read_all().select(["line", "raw"]), self.lost[numbers])
        reasons = np.where(self.dropped[numbers], DROPPED, RARE).tolist()
        fields = [[file] * len(rows), rows["line"], [column] * len(rows), reasons, rows["raw"]]
        return pa.table(fields, names=REJECTS_SCHEMA.names).cast(REJECTS_SCHEMA)


def take_near(table: pa.Table, numbers: NDArray[np.int64]) -> pa.Table:
    """Return the rows of a mapped table with these numbers, ascending, without touching those before and behind."""
    if not len(numbers):
        return table.slice(0, 0)
    first = int(numbers[0])
    return table.slice(first, int(numbers[-1]) + 1 - first).combine_chunks().take(pa.array(numbers - first))


def find_emptied(path: Path, counts: FileCounts, labels: FinalLabels) -> Emptied:
    """Return the doubtful rows of a file that have lost all their labels.

    Parameters
    ----------
    path
        What a `DoubtfulLog` wrote.
    counts
        What the file gave.
    labels
        The final ones.
    """
    with pa.memory_map(str(path)) as source:
        doubtful = pa.ipc.open_file(source).read_all().select(["row", "labels"]).combine_chunks()
    held = doubtful["labels"].combine_chunks()
    lost = np.flatnonzero(_hold_only(held, labels.ids(counts.names) < 0))
    dropped = _hold_only(held, np.array([name in labels.dropped for name in counts.names], np.bool_))[lost]
    ends = np.cumsum(counts.batch_rows, dtype=np.int64)
    batches = np.searchsorted(ends, doubtful["row"].to_numpy()[lost], side="right")
    left = np.array(counts.batch_rows, np.int64) - np.bincount(batches, minlength=len(ends))
    return Emptied(path, lost, dropped, left.tolist())
