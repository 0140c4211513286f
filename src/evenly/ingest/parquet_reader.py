"""Parquet: the wanted columns as they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.errors import ColumnNotFoundError, DataError
from evenly.ingest.reading import BATCH_ROWS, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from evenly.ingest.files import RawFile
    from evenly.ingest.reading import ReadOptions
    from evenly.ingest.rejects import Reject

__all__ = ["ParquetReader", "open_parquet"]


class ParquetReader:
    """Delivers the rows of one parquet file."""

    remarks: tuple[str, ...] = ()

    def __init__(self, raw: RawFile, options: ReadOptions) -> None:
        """Open the file and look for the columns."""
        self._file = open_parquet(raw)
        self._name = raw.path.name
        self._wanted = list(options.wanted)
        schema = self._file.schema_arrow
        for name in options.wanted:
            if name not in schema.names:
                raise ColumnNotFoundError(name, schema.names, self._name)
        for name in options.text:
            if not _holds_text(schema.field(name).type):
                raise DataError(f"{self._name}: column {name!r} holds {schema.field(name).type}, not text.")

    @property
    def dialect(self) -> dict[str, str | bool]:
        """Nothing to tell."""
        return {}

    def batches(self) -> Iterator[pa.Table]:
        """Yield the wanted columns, rows in the order of the file."""
        try:
            for batch in self._file.iter_batches(BATCH_ROWS, columns=self._wanted):
                yield pa.Table.from_batches([batch]).select(self._wanted)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{self._name} is a damaged parquet file: {error}. Fetch it again.") from error

    def diverted(self) -> Iterator[Reject]:
        """Yield nothing: a parquet file is read whole or not at all."""
        yield from ()

    def locate(self, delivered: NDArray[np.int64]) -> Iterator[Place]:
        """Yield the number of the row, from 1, and its wanted columns as JSON."""
        first = 0
        for batch in self.batches():
            here = delivered[np.searchsorted(delivered, first) : np.searchsorted(delivered, first + len(batch))]
            for number, row in zip(here.tolist(), batch.take(here - first).to_pylist(), strict=True):
                yield Place(number + 1, json.dumps(row, ensure_ascii=False, default=str))
            first += len(batch)


def open_parquet(raw: RawFile) -> pq.ParquetFile:
    """Open a parquet file.

    Raises
    ------
    DataError
        It is none.
    """
    try:
        return pq.ParquetFile(raw.path, memory_map=True)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{raw.path.name} is not a parquet file: {error}") from error


def _holds_text(type_: pa.DataType) -> bool:
    value = type_.value_type if pa.types.is_dictionary(type_) else type_
    is_string = pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value)
    return bool(is_string or pa.types.is_null(value))
