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

_MOST_BYTES, _MOST_RATIO = 1 << 28, 200  # of a column: both at once are a bomb, and reading takes four times as much
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
            _refuse_bombs(raw.name, file.metadata, set(columns))
            yield from file.iter_batches(BATCH_ROWS, columns=list(columns))

    return ColumnFile(raw.name, "parquet", schema, read)


def _refuse_bombs(name: str, metadata: pq.FileMetaData, columns: set[str]) -> None:
    """Raise where a row group declares that columns unpack to far more than they are: a page of them is read at once.

    Raises
    ------
    DataError
        One does.
    """
    wanted = [i for i in range(metadata.num_columns) if metadata.schema.column(i).path.split(".")[0] in columns]
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for column in map(group.column, wanted):
            unpacked, packed = column.total_uncompressed_size, column.total_compressed_size
            if unpacked > _MOST_BYTES and unpacked > _MOST_RATIO * packed:
                raise DataError(
                    f"{name} unpacks to {unpacked:,} bytes from {packed:,} in column {column.path_in_schema!r} alone, "
                    f"which no table of texts does. Write it anew without that row, or in smaller row groups."
                )
