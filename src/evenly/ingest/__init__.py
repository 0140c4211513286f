"""Ingest: raw files -> ``table/``.

CSV, TSV, JSONL and parquet, one or many files, plain or compressed; labels as one column, joined names, lists or
one-hot columns. Every row is either kept or stands in ``rejects.parquet`` with file, line, column and reason.
"""

from evenly.ingest.columns import ColumnSummary, column_summaries
from evenly.ingest.guess import SourceGuess, guess_source
from evenly.ingest.head import Head, read_head
from evenly.ingest.table import TABLE, build_table

__all__ = [
    "TABLE",
    "ColumnSummary",
    "Head",
    "SourceGuess",
    "build_table",
    "column_summaries",
    "guess_source",
    "read_head",
]
