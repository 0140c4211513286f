"""Step one, a file at a time: raw file -> checked rows in Arrow IPC, rejects, counts.

The rows wait uncompressed, so that the next step maps them into memory without a copy. What goes out is a JSON
value: how many rows were read, kept and refused and why, the label names with their counts, the batch sizes.
"""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from evenly.errors import DataError
from evenly.ingest.bad_bytes import suggest_encoding
from evenly.ingest.emptied import find_doubtful, write_doubtful
from evenly.ingest.readers import open_reader
from evenly.ingest.reading import ReadOptions
from evenly.ingest.rejects import INVALID_UTF8, Reject, RejectLog
from evenly.ingest.rows import check_rows

if TYPE_CHECKING:
    from pathlib import Path

    from evenly.ingest.dialect import Dialect
    from evenly.ingest.files import RawFile
    from evenly.ingest.reading import Reader, TextFormat
    from evenly.ingest.layout import Layout

__all__ = ["FileCounts", "FileItem", "read_file"]


@dataclass(frozen=True)
class FileItem:
    """One source file and what to take from it."""

    number: int
    raw: RawFile
    layout: Layout
    given: TextFormat
    dialect: Dialect | None
    threads: int
    memory_bytes: int

    @property
    def rows_name(self) -> str:
        """File of the checked rows."""
        return f"rows-{self.number:05d}.arrow"

    @property
    def rejects_name(self) -> str:
        """File of the rejects."""
        return f"rejects-{self.number:05d}.arrow"

    @property
    def doubtful_name(self) -> str:
        """File of the rows that may yet lose all their labels."""
        return f"doubtful-{self.number:05d}.arrow"


@dataclass(frozen=True)
class FileCounts:
    """What a file gave.

    Attributes
    ----------
    rows_read, rows_kept
        Counts; the rest was refused.
    batch_rows
        Rows of each Arrow batch.
    names, name_counts
        Labels as numbered in the file, and how many kept rows hold each.
    renamed
        Old names of the labels that were renamed.
    changed
        How many text cells were changed, by rule.
    n_single, n_empty
        Kept rows with exactly one label, and with none.
    reasons
        Rejects by reason.
    dialect
        How the file is written.
    remarks
        What was done to it before reading.
    encoding
        What invalid bytes look like, where there are any; else ''.
    """

    rows_read: int
    rows_kept: int
    batch_rows: list[int]
    names: list[str]
    name_counts: list[int]
    renamed: list[str]
    changed: dict[str, int]
    n_single: int
    n_empty: int
    reasons: dict[str, int]
    dialect: dict[str, Any]
    remarks: list[str]
    encoding: str

    @property
    def rows_rejected(self) -> int:
        """Rows that were refused."""
        return sum(self.reasons.values())


def read_file(item: FileItem, folder: Path) -> dict[str, Any]:
    """Write the checked rows and the rejects of a file into `folder`; return the fields of its `FileCounts`.

    Raises
    ------
    ColumnNotFoundError
        A wanted column is not there.
    DataError
        The file cannot be read, or rows went missing between reading and writing.
    """
    room = folder / "room"
    room.mkdir()
    options = ReadOptions(
        wanted=item.layout.wanted,
        text=item.layout.text,
        carried=item.layout.carried,
        given=item.given,
        dialect=item.dialect,
        threads=item.threads,
        memory_bytes=item.memory_bytes,
    )
    reader = open_reader(item.raw, options, room)
    intake = _Intake(item, reader)
    intake.write_rows(folder / item.rows_name)
    log = intake.collect_rejects(folder)
    with pa.OSFile(str(folder / item.rejects_name), "wb") as sink:
        rejects = log.to_table()
        with pa.ipc.new_file(sink, rejects.schema) as writer:
            writer.write_table(rejects)
    shutil.rmtree(room)
    counts = intake.count(log)
    if counts.rows_read != counts.rows_kept + counts.rows_rejected:
        raise DataError(
            f"{item.raw.name}: {counts.rows_read} rows were read, but {counts.rows_kept} kept and "
            f"{counts.rows_rejected} rejected. This is a defect of evenly; please report it with the file."
        )
    return asdict(counts)


class _Intake:
    """Runs the batches of one file through the checks."""

    def __init__(self, item: FileItem, reader: Reader) -> None:
        self._item = item
        self._reader = reader
        self._vocabulary = item.layout.new_vocabulary()
        self._refused: list[tuple[int, str | None, str]] = []
        self._n_delivered = 0
        self._batch_rows: list[int] = []
        self._counts = np.zeros(0, np.int64)
        self._held: Counter[int] = Counter()
        self._changed: Counter[str] = Counter()

    def write_rows(self, path: Path) -> None:
        writer = None
        with pa.OSFile(str(path), "wb") as sink:
            for batch in self._reader.batches():
                checked = check_rows(batch, self._item.layout, self._vocabulary)
                self._refused += [(self._n_delivered + row, column, reason) for row, column, reason in checked.refused]
                self._changed.update(checked.changed)
                self._n_delivered += len(batch)
                writer = writer or pa.ipc.new_file(sink, checked.kept.schema)
                for piece in checked.kept.combine_chunks().to_batches():
                    writer.write_batch(piece)
                    self._batch_rows.append(piece.num_rows)
                    self._count_labels(piece.column("labels"))
            if writer is not None:
                writer.close()

    def _count_labels(self, labels: pa.ListArray) -> None:
        found = np.bincount(labels.flatten().to_numpy(), minlength=len(self._vocabulary.names))
        self._counts = np.pad(self._counts, (0, len(found) - len(self._counts))) + found
        self._held.update(labels.value_lengths().to_numpy().tolist())

    def collect_rejects(self, folder: Path) -> RejectLog:
        """Return the refused rows with their places, and write those that may yet be refused."""
        log = RejectLog(self._item.raw.name)
        for reject in self._reader.diverted():
            log.add(reject)
        refused = {number: (column, reason) for number, column, reason in self._refused}
        doubtful = self._find_doubtful(folder / self._item.rows_name)
        gone = np.array(list(refused), np.int64)
        kept = np.delete(np.arange(self._n_delivered), gone)
        numbers = np.union1d(gone, kept[doubtful["row"].to_numpy()])
        places = []
        for number, place in zip(numbers.tolist(), self._reader.locate(numbers) if len(numbers) else (), strict=True):
            if number in refused:
                log.add(Reject(place.line, *refused[number], place.raw))
            else:
                places.append(place)
        write_doubtful(folder / self._item.doubtful_name, doubtful, places)
        return log

    def _find_doubtful(self, rows: Path) -> pa.Table:
        rules, one_each = self._item.layout.label_rules, self._held.total() == self._held[1]
        return find_doubtful(rows, self._vocabulary.names, self._name_counts(), rules, one_each=one_each)

    def count(self, log: RejectLog) -> FileCounts:
        names = self._vocabulary.names
        reasons = log.reasons()
        broken = (reject.raw for reject in log.rejects if reject.reason == INVALID_UTF8)
        return FileCounts(
            rows_read=self._n_delivered + len(log.rejects) - len(self._refused),
            rows_kept=sum(self._batch_rows),
            batch_rows=self._batch_rows,
            names=names,
            name_counts=self._name_counts(),
            renamed=self._vocabulary.renamed,
            changed=dict(self._changed),
            n_single=self._held[1],
            n_empty=self._held[0],
            reasons=reasons,
            dialect=self._reader.dialect,
            remarks=[*self._item.raw.remarks, *self._reader.remarks],
            encoding=suggest_encoding(broken) if INVALID_UTF8 in reasons else "",
        )

    def _name_counts(self) -> list[int]:
        counts: list[int] = np.pad(self._counts, (0, len(self._vocabulary.names) - len(self._counts))).tolist()
        return counts
