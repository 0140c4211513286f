"""Ingest: raw files -> ``table/``.

CSV, TSV, JSON, JSONL, parquet, Arrow and Excel, one or many files, plain or compressed, here or behind a URL; the rows
of an SQL query, a Hugging Face data set or a frame; labels as one column, joined names, lists or one-hot columns.
Every row is either kept or stands in ``rejects.parquet`` with file, line, column and reason.
"""

from evenly.ingest.frames import save_frame
from evenly.ingest.guessing.columns import ColumnSummary, column_summaries
from evenly.ingest.guessing.guess import SourceGuess, guess_source
from evenly.ingest.head import Head, read_head
from evenly.ingest.sources import DatasetSource, FileSource, QuerySource, Source
from evenly.ingest.table import TABLE, build_table

__all__ = [
    "TABLE",
    "ColumnSummary",
    "DatasetSource",
    "FileSource",
    "Head",
    "QuerySource",
    "Source",
    "SourceGuess",
    "build_table",
    "column_summaries",
    "guess_source",
    "read_head",
    "save_frame",
]
