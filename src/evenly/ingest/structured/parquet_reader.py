"""Parquet files, opened to be read as columns by `evenly.ingest.structured.columnar_reader`.

Read, and not mapped into memory: touching a mapped page behind the end of a file that is cut short meanwhile ends the
process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from evenly.errors import DataError
from evenly.ingest.reading import BATCH_ROWS
from evenly.ingest.structured.columnar_reader import ColumnFile, checked_names
from evenly.ingest.unpacking import open_plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from evenly.ingest.files import RawFile

__all__ = ["open_parquet"]

_BUFFER_BYTES = 1 << 20  # of a column; without it all of a row group would be in memory at once


def open_parquet(raw: RawFile, folder: Path) -> ColumnFile:
    """Open a parquet file; one that is packed is unpacked into `folder`.

    Raises
    ------
    DataError
        It is none, or cannot be decompressed.
    """
    plain = open_plain(raw, folder)
    try:
        schema = checked_names(pq.read_schema(plain))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # a name of a column may be no UTF-8
        raise DataError(f"{raw.name} is not a parquet file: {error}") from error

    def read(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(plain, buffer_size=_BUFFER_BYTES, pre_buffer=False) as file:
            yield from file.iter_batches(BATCH_ROWS, columns=list(columns))

    return ColumnFile(raw.name, "parquet", schema, read)
