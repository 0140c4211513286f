"""Rows that do not get in: where they stand and why. However many there are, they wait in files.

In: one reject a bad row, from the reader (wrong width, invalid UTF-8, a stray quote, bad JSON) or from the checks
(no text, no label). Out: ``rejects.parquet``: `file` (name), `line` (from 1, as an editor counts; of a parquet
file the row; null where it is not known), `column`, `reason`, `raw` (the first 1,000 characters).
"""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

__all__ = ["INVALID_UTF8", "REJECTS_SCHEMA", "Reject", "RejectLog", "RejectSpool", "invalid_bytes", "merge_by_line"]

INVALID_UTF8 = "invalid UTF-8"
_MOST_CHARACTERS = 1_000
_BATCH_REJECTS = 4_096
REJECTS_SCHEMA = pa.schema(
    {
        "file": pa.string(),
        "line": pa.int64(),
        "column": pa.string(),
        "reason": pa.string(),
        "raw": pa.string(),
    }
)


class Reject(NamedTuple):
    """One row that was refused."""

    line: int | None
    column: str | None
    reason: str
    raw: str


class RejectSpool:
    """Rejects that wait in a file, however many there are; they come back in the order in which they were added."""

    def __init__(self, path: Path) -> None:
        """Write to `path` once there is something to write."""
        self._path = path
        self._waiting: list[Reject] = []
        self._writer: Any = None

    def add(self, reject: Reject) -> None:
        """Keep a reject, its raw text cut."""
        self._waiting.append(reject._replace(raw=reject.raw[:_MOST_CHARACTERS]))
        if len(self._waiting) == _BATCH_REJECTS:
            self._write()

    def _write(self) -> None:
        batch = _to_batch(self._waiting)
        self._writer = self._writer or pa.ipc.new_stream(str(self._path), batch.schema)
        self._writer.write_batch(batch)
        self._waiting = []

    def __iter__(self) -> Iterator[Reject]:
        """Yield all of them; nothing may be added afterwards."""
        if self._writer is not None:
            self._writer.close()
            with pa.OSFile(str(self._path)) as source:
                for batch in pa.ipc.open_stream(source):
                    yield from map(Reject._make, zip(*(column.to_pylist() for column in batch.columns), strict=True))
        yield from self._waiting


def _to_batch(rejects: Sequence[Reject]) -> pa.RecordBatch:
    """Return rejects as Arrow, without the file."""
    columns = list(zip(*rejects, strict=True)) or [()] * len(Reject._fields)
    fields = [REJECTS_SCHEMA.field(name) for name in Reject._fields]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, fields, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def invalid_bytes(encoding: str) -> str:
    """Return the reason for rows with bytes that the encoding does not have."""
    return INVALID_UTF8 if encoding == "utf-8" else f"invalid {encoding}"


class RejectLog:
    """The rejects of one file, written as they are added, which must be in the order of their lines."""

    def __init__(self, file: str, path: Path) -> None:
        """Write the rejects of `file` to `path`, an Arrow file."""
        self.reasons: Counter[str] = Counter()
        self.with_bad_bytes: list[str] = []
        self._file = file
        self._waiting: list[Reject] = []
        self._writer = pa.ipc.new_file(str(path), REJECTS_SCHEMA)

    def add(self, reject: Reject) -> None:
        """Keep a reject, its raw text cut."""
        self._waiting.append(reject._replace(raw=reject.raw[:_MOST_CHARACTERS]))
        self.reasons[reject.reason] += 1
        if reject.reason == INVALID_UTF8 and len(self.with_bad_bytes) < _BATCH_REJECTS:
            self.with_bad_bytes.append(self._waiting[-1].raw)
        if len(self._waiting) == _BATCH_REJECTS:
            self._write()

    def _write(self) -> None:
        batch = _to_batch(self._waiting)
        files = pa.array([self._file] * len(batch), pa.string())
        self._writer.write_batch(pa.RecordBatch.from_arrays([files, *batch.columns], schema=REJECTS_SCHEMA))
        self._waiting = []

    def close(self) -> None:
        """Write what is left."""
        self._write()
        self._writer.close()


def merge_by_line(*sorted_rejects: Iterable[Reject]) -> Iterator[Reject]:
    """Yield rejects of several sources, each in the order of its lines, in that order; those without a line last."""
    yield from heapq.merge(*sorted_rejects, key=lambda reject: float("inf") if reject.line is None else reject.line)
