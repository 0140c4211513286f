"""The lines at which rows of a CSV file begin, by a pass of Python's csv module.

DuckDB tells the place of the rows it refuses, not of those it delivers. In: the numbers of delivered rows. Out:
line and byte range of each; None where the csv module counts another number of rows than DuckDB delivered, since
then no line would be sure.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.ingest.dialect import Dialect

__all__ = ["find_records"]


def find_records(
    plain: Path,
    dialect: Dialect,
    delivered: NDArray[np.int64],
    *,
    skip_lines: NDArray[np.int64],
    n_rows: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]] | None:
    """Return the lines (from 1) and byte ranges [start, stop) of delivered rows.

    Parameters
    ----------
    plain
        The uncompressed file.
    dialect
        How it is written.
    delivered
        Shape (n,), ascending: numbers of rows among those delivered, from 0.
    skip_lines
        Lines at which rows begin that were not delivered.
    n_rows
        How many rows were delivered.
    """
    skipped = set(skip_lines.tolist())
    wanted = iter(delivered.tolist())
    following = next(wanted, -1)
    found: list[tuple[int, int, int]] = []
    number = 0
    for line, start, stop in _records(plain, dialect):
        if line in skipped:
            continue
        if number == following:
            found.append((line, start, stop))
            following = next(wanted, -1)
        number += 1
    if number != n_rows:
        return None
    lines, starts, stops = np.array(found, np.int64).reshape(-1, 3).T
    return lines, starts, stops


def _records(plain: Path, dialect: Dialect) -> Iterator[tuple[int, int, int]]:
    """Yield line, first byte and end of every record but the header; blank lines are none in a wide table."""
    with plain.open("rb") as source:
        lines = _CountedLines(source)
        reader = csv.reader(
            lines,
            delimiter=dialect.delimiter,
            quotechar=dialect.quote or None,
            quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        )
        header = dialect.header
        line, start = 1, 0
        for record in reader:
            if record or len(dialect.columns) == 1:
                if not header:
                    yield line, start, lines.stop
                header = False
            line, start = lines.number + 1, lines.stop


class _CountedLines:
    """The lines of a file as text, counted."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source = source
        self.number = 0
        self.stop = 0

    def __iter__(self) -> Iterator[str]:
        for raw in self._source:
            self.number += 1
            self.stop += len(raw)
            line = raw.removeprefix(b"\xef\xbb\xbf") if self.number == 1 else raw
            yield line.decode("utf-8", "surrogateescape")
