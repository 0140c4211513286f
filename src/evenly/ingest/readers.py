"""The reader for the format of a raw file: parquet, JSON lines or CSV. See `evenly.ingest.reading` for what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from evenly.ingest.files import RawFile
    from evenly.ingest.reading import Reader, ReadOptions

__all__ = ["open_reader"]


def open_reader(raw: RawFile, options: ReadOptions, folder: Path) -> Reader:
    """Return the reader of a file; `folder` is for what it needs on the way.

    Raises
    ------
    ColumnNotFoundError
        A wanted column is not there.
    DataError
        The file is not of its format.
    """
    if raw.format == "parquet":
        from evenly.ingest.parquet_reader import ParquetReader

        return ParquetReader(raw, options)
    if raw.format == "jsonl":
        from evenly.ingest.jsonl_reader import JsonlReader

        return JsonlReader(raw, options, folder)
    from evenly.ingest.csv_reader import CsvReader

    return CsvReader(raw, options, folder)
