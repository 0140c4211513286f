"""Chunks of a column -> chunks that end where the parquet writer ends a batch.

The writer looks whether a page is full after every batch of rows, and begins a batch with every chunk: how a column is
divided into chunks shows in the bytes. Joining all chunks would copy each text once more, which takes a tenth of the
time of reading a large file; so only the few rows around the end of a chunk are joined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["BATCH_ROWS", "align_chunks"]

BATCH_ROWS = 1024  # of the writer, which is told so


def align_chunks(table: pa.Table) -> pa.Table:
    """Return the same rows: texts in chunks of whole batches, the last one apart, other columns in one chunk."""
    return pa.table(
        [_align(column) if pa.types.is_string(column.type) else column.combine_chunks() for column in table.columns],
        schema=table.schema,
    )


def _align(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array(_whole_batches(column.chunks), column.type)


def _whole_batches(chunks: Iterable[pa.Array]) -> Iterator[pa.Array]:
    """Yield what can be taken as it is, and joined batches in between."""
    split: list[pa.Array] = []  # of a batch that several chunks share
    missing = 0
    for chunk in chunks:
        begin = min(missing, len(chunk))
        if begin:
            split.append(chunk.slice(0, begin))
            missing -= begin
        if missing:
            continue
        if split:
            yield pa.concat_arrays(split)
        whole = (len(chunk) - begin) // BATCH_ROWS * BATCH_ROWS
        if whole:
            yield chunk.slice(begin, whole)
        split = [rest] if len(rest := chunk.slice(begin + whole)) else []
        missing = -len(rest) % BATCH_ROWS
    if split:
        yield pa.concat_arrays(split)
