"""The reader for the format of a raw file. See `evenly.ingest.reading` for what it does."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from evenly.ingest.structured.arrow_reader import open_arrow
from evenly.ingest.structured.columnar_reader import ColumnarReader, columnar_head
from evenly.ingest.structured.json_reader import JsonReader, holds_json_lines, json_head
from evenly.ingest.structured.parquet_reader import open_parquet

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from evenly.ingest.files import RawFile
    from evenly.ingest.reading import Reader, ReadOptions, TextFormat

__all__ = ["open_reader", "read_typed_head"]


def open_reader(raw: RawFile, options: ReadOptions, folder: Path) -> Reader:
    """Return the reader of a file; `folder` is for what it needs on the way.

    Raises
    ------
    ColumnNotFoundError
        A wanted column is not there.
    DataError
        The file is not of its format.
    MissingExtraError
        A library that reads it is not installed.
    """
    if raw.format == "parquet":
        return ColumnarReader(open_parquet(raw, folder), options)
    if raw.format == "arrow":
        return ColumnarReader(open_arrow(raw, folder), options)
    if raw.format == "excel":
        from evenly.ingest.structured.excel_reader import ExcelReader

        return ExcelReader(raw, options, folder)
    if raw.format == "json" and not holds_json_lines(raw):
        return JsonReader(raw, options)
    if raw.format in {"json", "jsonl"}:
        from evenly.ingest.structured.jsonl_reader import JsonlReader

        return JsonlReader(raw, options, folder)
    from evenly.ingest.delimited.csv_reader import CsvReader

    return CsvReader(raw, options, folder)


def read_typed_head(raw: RawFile, rows: int, given: TextFormat, wanted: Sequence[str]) -> pa.Table | None:
    """Return up to `rows` first rows of parquet, Arrow, Excel or JSON, all columns.

    None for what is read line by line: CSV, TSV and objects one a line.

    Raises
    ------
    DataError
        The file is not of its format.
    MissingExtraError
        A library that reads it is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="evenly-") as name:
        folder = Path(name)
        if raw.format == "parquet":
            return columnar_head(open_parquet(raw, folder), rows)
        if raw.format == "arrow":
            return columnar_head(open_arrow(raw, folder), rows)
        if raw.format == "excel":
            from evenly.ingest.structured.excel_reader import excel_head

            return excel_head(raw, rows, folder, header=given.header, wanted=wanted)
    if raw.format == "json" and not holds_json_lines(raw):
        return json_head(raw, rows, given)
    return None
