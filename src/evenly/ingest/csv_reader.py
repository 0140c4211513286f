"""CSV and TSV by DuckDB, every bad row accounted for.

In: a text file and its dialect. Out: the wanted columns as text (null for an empty cell), batch by batch; the rows
that DuckDB diverts (`store_rejects`: wrong width, invalid UTF-8, a stray quote) with line, column and reason.
DuckDB is told the dialect and never sniffs: its own sniffer refuses files with a single bad byte.
"""

from __future__ import annotations

import mmap
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from evenly.errors import ColumnNotFoundError, DataError
from evenly.ingest.dialect import SAMPLE_BYTES, Dialect, Sample, find_dialect
from evenly.ingest.files import open_plain, read_first_bytes
from evenly.ingest.line_ends import even_line_ends
from evenly.ingest.reading import BATCH_ROWS, Place
from evenly.ingest.record_lines import find_records
from evenly.ingest.rejects import INVALID_UTF8, Reject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.ingest.files import RawFile
    from evenly.ingest.reading import ReadOptions

__all__ = ["CsvReader"]

_REASONS = {
    "MISSING COLUMNS": "too few columns",
    "TOO MANY COLUMNS": "too many columns",
    "UNQUOTED VALUE": "a quote that is stray or not closed",
    "INVALID ENCODING": INVALID_UTF8,
    "LINE SIZE OVER MAXIMUM": "a row of more than 16 MB",
}
_ROW_BYTES = 16 << 20
_DIVERTED = """
    select arg_min(line_byte_position, byte_position) - 1, arg_min(column_idx, byte_position),
           arg_min(error_type::varchar, byte_position), any_value(csv_line)
    from reject_errors group by line order by line
"""


class CsvReader:
    """Delivers the rows of one CSV or TSV file."""

    def __init__(self, raw: RawFile, options: ReadOptions, folder: Path) -> None:
        """Find the dialect, and a plain file with even line ends."""
        import duckdb

        self._dialect = options.dialect or _look_at(raw, options)
        for name in options.wanted:
            if name not in self._dialect.columns:
                raise ColumnNotFoundError(name, self._dialect.columns, raw.path.name)
        self._name = raw.path.name
        self._options = options
        self._plain, done = even_line_ends(open_plain(raw, folder), folder, quote=self._dialect.quote)
        self.remarks = [done] if done else []
        self._connection = duckdb.connect(
            config={
                "threads": options.threads,
                "temp_directory": str(folder / "duckdb"),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        self._n_delivered = 0

    @property
    def dialect(self) -> dict[str, str | bool]:
        """Delimiter, quote and header."""
        found = self._dialect
        return {"delimiter": found.delimiter, "quote": found.quote, "header": found.header}

    def batches(self) -> Iterator[pa.Table]:
        """Yield the wanted columns as text, rows in the order of the file."""
        import duckdb

        try:
            for batch in self._connection.sql(self._query()).to_arrow_reader(BATCH_ROWS):
                self._n_delivered += batch.num_rows
                yield pa.Table.from_batches([batch]).rename_columns(list(self._options.wanted))
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            first = next((line for line in str(error).splitlines() if line.strip()), "")
            raise DataError(
                f"{self._name} cannot be read as CSV ({self._dialect.describe()}): {first} "
                f"Set source.delimiter and source.header, or repair the file."
            ) from error

    def _query(self) -> str:
        columns = self._dialect.columns
        chosen = ", ".join(f"c{columns.index(name)}" for name in self._options.wanted)
        types = ", ".join(f"c{index}: 'VARCHAR'" for index in range(len(columns)))
        return (
            f"select {chosen} from read_csv({_literal(str(self._plain))}, auto_detect = false, "  # noqa: S608 - numbered names, escaped values
            f"delim = {_literal(self._dialect.delimiter)}, quote = {_literal(self._dialect.quote)}, "
            f"escape = {_literal(self._dialect.quote)}, header = {str(self._dialect.header).lower()}, "
            f"columns = {{{types}}}, store_rejects = true, max_line_size = {_ROW_BYTES}, "
            f"buffer_size = {_ROW_BYTES})"
        )

    def diverted(self) -> Iterator[Reject]:
        """Yield what DuckDB could not take, in the order of the file."""
        rows = self._connection.execute(_DIVERTED).fetchall()
        if not rows:
            return
        with _mapped(self._plain) as data:
            line, counted = 1, 0
            for position, column, error, text in rows:
                start = _skip_line_ends(data, position)
                line += _count_feeds(data, counted, start)
                counted = start
                raw = data[start : start + len((text or "").strip("\r\n").encode())]
                reason = _REASONS.get(error, error.lower())
                yield Reject(line, self._column(column), reason, raw.decode("utf-8", "backslashreplace"))

    def _column(self, index: int | None) -> str | None:
        """Return the name of DuckDB's column, which counts from 1; None past the last one."""
        columns = self._dialect.columns
        return columns[index - 1] if index is not None and 0 < index <= len(columns) else None

    def locate(self, delivered: NDArray[np.int64]) -> Iterator[Place]:
        """Yield line and text of delivered rows; no line where Python's csv module counts other rows."""
        diverted = np.array([reject.line for reject in self.diverted()], np.int64)
        found = find_records(self._plain, self._dialect, delivered, skip_lines=diverted, n_rows=self._n_delivered)
        if found is None:
            for _ in delivered:
                yield Place(None, "")
            return
        with _mapped(self._plain) as data:
            for line, start, stop in zip(*(values.tolist() for values in found), strict=True):
                yield Place(line, data[start:stop].decode("utf-8", "backslashreplace").rstrip("\r\n"))


def _look_at(raw: RawFile, options: ReadOptions) -> Dialect:
    head, complete = read_first_bytes(raw, SAMPLE_BYTES)
    sample = Sample.decode(raw.path.name, head, complete=complete)
    delimiter = options.delimiter or ("\t" if raw.format == "tsv" else None)
    return find_dialect(sample, delimiter=delimiter, header=options.header, wanted=options.wanted)


def _literal(value: str) -> str:
    """Return a string as SQL."""
    return "'" + value.replace("'", "''") + "'"


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data


def _skip_line_ends(data: mmap.mmap, position: int) -> int:
    """Return where the row begins: DuckDB counts the blank lines before it to the row."""
    while data[position : position + 1] in {b"\r", b"\n"}:
        position += 1
    return position


def _count_feeds(data: mmap.mmap, start: int, stop: int) -> int:
    """Count line feeds without copying more than a block."""
    return sum(data[at : min(at + _ROW_BYTES, stop)].count(b"\n") for at in range(start, stop, _ROW_BYTES))
