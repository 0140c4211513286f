"""Rows from anywhere -> one parquet file whose bytes depend on the rows alone.

In: Arrow batches of any size. Out: a parquet file with row groups of one size and plain types, so that an equal
table gives an equal file, however it was delivered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["plain_schema", "write_parquet"]

_GROUP_ROWS = 16_384


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema with one type for all kinds of strings and lists, and nothing of the library that made it."""
    return pa.schema([pa.field(field.name, _plain_type(field.type)) for field in schema])


def _plain_type(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(type_):
        return _plain_type(type_.value_type)
    if pa.types.is_null(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
        return pa.string()
    if pa.types.is_large_list(type_) or pa.types.is_list(type_) or pa.types.is_fixed_size_list(type_):
        return pa.list_(_plain_type(type_.value_type))
    return type_


def write_parquet(
    path: Path, schema: pa.Schema, batches: Iterable[pa.Table], metadata: Mapping[bytes, bytes] | None = None
) -> int:
    """Write batches of any size; return how many rows they have.

    Parameters
    ----------
    path
        The file.
    schema
        What the batches are cast to.
    batches
        Tables with these columns.
    metadata
        Of the schema in the file.
    """
    held = schema.empty_table()
    n_rows = 0
    with pq.ParquetWriter(path, schema.with_metadata(metadata), compression="zstd") as writer:
        for batch in batches:
            n_rows += len(batch)
            held = pa.concat_tables([held, batch.cast(schema)])
            while len(held) >= _GROUP_ROWS:
                writer.write_table(held.slice(0, _GROUP_ROWS).replace_schema_metadata(metadata))
                held = held.slice(_GROUP_ROWS).combine_chunks()
        if len(held):
            writer.write_table(held.replace_schema_metadata(metadata))
    return n_rows
