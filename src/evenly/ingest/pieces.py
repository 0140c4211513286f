"""Step one, a file at a time: raw file -> checked rows in Arrow IPC, rejects, counts.

The rows of several files wait for those of the others; those of a single file become parts at once. What goes out is
a JSON value: how many rows were read, kept and refused and why, the label names with their counts, the batch sizes.
"""

from __future__ import annotations

import shutil
from array import array
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.errors import DataError
from evenly.ingest.bad_bytes import suggest_encoding
from evenly.ingest.early_parts import EarlyParts
from evenly.ingest.labelling.emptied import DoubtfulLog, find_doubtful
from evenly.ingest.readers import open_reader
from evenly.ingest.reading import MEMORY_BYTES, ReadOptions
from evenly.ingest.rejects import Reject, RejectLog, merge_by_line
from evenly.ingest.rows import divide_rows, read_cells
from evenly.ingest.waiting_rows import RowSink, WaitingRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from evenly.ingest.delimited.dialect import Dialect
    from evenly.ingest.files import RawFile
    from evenly.ingest.layout import Layout
    from evenly.ingest.reading import Reader, TextFormat
    from evenly.ingest.rows import ReadCells

__all__ = ["FileCounts", "FileItem", "read_file"]


@dataclass(frozen=True)
class FileItem:
    """One source file and what to take from it.

    `early_rows`: write parts of so many rows while the file is read (`evenly.ingest.early_parts`); 0: the rows wait.
    `threads` and `memory_bytes` make no difference to what is read.
    """

    number: int
    raw: RawFile
    layout: Layout
    given: TextFormat
    dialect: Dialect | None
    threads: int = 1
    memory_bytes: int = MEMORY_BYTES
    early_rows: int = 0

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
    early
        Where parts are written already, what `evenly.ingest.parts.count_held` found in each.
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
    early: list[dict[str, int]]
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
    intake.write_rows(folder)
    log = intake.collect_rejects(folder)
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
        self._refused, self._whys = array("q"), array("l")
        self._faults: dict[tuple[str | None, str], int] = {}
        self._n_delivered = 0
        self._batch_rows: list[int] = []
        self._counts = np.zeros(0, np.int64)
        self._n_held = np.zeros(3, np.int64)  # rows with no label, with one, with several
        self._changed: Counter[str] = Counter()
        self._early: list[dict[str, int]] = []

    def write_rows(self, folder: Path) -> None:
        """Write the rows that are kept: to wait, or at once as parts."""
        sink = self._open_sink(folder)
        for read in self._read_ahead():
            checked = divide_rows(read, self._item.layout, self._vocabulary)
            self._keep_refused(checked.refused)
            self._changed.update(read.changed)
            self._n_delivered += read.n_rows
            kept = checked.kept.combine_chunks()
            if len(kept):
                self._count_labels(kept["labels"].chunk(0))
                self._batch_rows.append(len(kept))
                sink.add(kept, self._counts)
        self._early = sink.close(self._counts)

    def _read_ahead(self) -> Iterator[ReadCells]:
        """Read the cells of one batch on a thread while the names of the one before get their numbers."""
        waiting: deque[Future[ReadCells]] = deque()
        with ThreadPoolExecutor(1) as pool:
            for batch in self._reader.batches():
                waiting.append(pool.submit(read_cells, batch, self._item.layout))
                if len(waiting) > 1:
                    yield waiting.popleft().result()
            for last in waiting:
                yield last.result()

    def _open_sink(self, folder: Path) -> RowSink:
        if not self._item.early_rows:
            return WaitingRows(folder / self._item.rows_name)
        keep_order = bool(self._item.layout.labels.names)
        return EarlyParts(folder, self._vocabulary, partition_rows=self._item.early_rows, keep_order=keep_order)

    def _keep_refused(self, refused: Sequence[tuple[int, str | None, str]]) -> None:
        """Keep numbers only: there may be millions."""
        self._refused.extend(self._n_delivered + row for row, _, _ in refused)
        self._whys.extend(self._faults.setdefault((column, why), len(self._faults)) for _, column, why in refused)

    def _count_labels(self, labels: pa.ListArray) -> None:
        found = np.bincount(labels.flatten().to_numpy(), minlength=len(self._vocabulary.names))
        self._counts = np.pad(self._counts, (0, len(found) - len(self._counts))) + found
        self._n_held += np.bincount(labels.value_lengths().to_numpy().clip(max=2), minlength=3)

    def collect_rejects(self, folder: Path) -> RejectLog:
        """Write the refused rows with their places, and those that may yet be refused."""
        doubtful = self._find_doubtful(folder / self._item.rows_name)
        numbers = self._doubtful_numbers(doubtful["row"].to_numpy())
        places = DoubtfulLog(folder / self._item.doubtful_name, doubtful)
        log = RejectLog(self._item.raw.name, folder / self._item.rejects_name)
        for reject in merge_by_line(self._reader.diverted(), self._locate_refused(numbers, places)):
            log.add(reject)
        log.close()
        places.close()
        return log

    def _doubtful_numbers(self, kept: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers among the delivered rows of those with the given numbers among the kept ones."""
        if not len(kept):
            return kept
        everyone: NDArray[np.int64] = np.delete(np.arange(self._n_delivered), np.array(self._refused, np.int64))
        return everyone[kept]

    def _locate_refused(self, doubtful: NDArray[np.int64], places: DoubtfulLog) -> Iterator[Reject]:
        """Yield the refused rows; keep the places of the doubtful ones in `places`."""
        refused = np.array(self._refused, np.int64)
        numbers = np.union1d(refused, doubtful)
        if not len(numbers):
            return
        whys, faults = iter(self._whys), list(self._faults)
        are_refused = np.isin(numbers, refused, assume_unique=True).tolist()
        for place, is_refused in zip(self._reader.locate(numbers), are_refused, strict=True):
            if is_refused:
                column, reason = faults[next(whys)]
                yield Reject(place.line, column, reason, place.raw)
            else:
                places.add(place)

    def _find_doubtful(self, rows: Path) -> pa.Table:
        rules, one_each = self._item.layout.label_rules, self._n_held.sum() == self._n_held[1]
        return find_doubtful(rows, self._vocabulary.names, self._name_counts(), rules, one_each=one_each)

    def count(self, log: RejectLog) -> FileCounts:
        names = self._vocabulary.names
        return FileCounts(
            rows_read=self._n_delivered + log.reasons.total() - len(self._refused),
            rows_kept=sum(self._batch_rows),
            batch_rows=self._batch_rows,
            early=self._early,
            names=names,
            name_counts=self._name_counts(),
            renamed=self._vocabulary.renamed,
            changed=dict(self._changed),
            n_single=int(self._n_held[1]),
            n_empty=int(self._n_held[0]),
            reasons=dict(log.reasons.most_common()),
            dialect=self._reader.dialect,
            remarks=[*self._item.raw.remarks, *self._reader.remarks],
            encoding=suggest_encoding(log.with_bad_bytes) if log.with_bad_bytes else "",
        )

    def _name_counts(self) -> list[int]:
        counts: list[int] = np.pad(self._counts, (0, len(self._vocabulary.names) - len(self._counts))).tolist()
        return counts
