"""Fields of CSV records as arrays of positions, and as Arrow columns.

In: bytes that begin with a record. Out: where records and their wanted fields stand; the fields of some records as
text. A thin layer over `evenly.ingest.delimited.csv_kernels`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.ingest.delimited.blocks import Blocks
    from evenly.ingest.delimited.record_rows import RowFormat

__all__ = ["Fields", "find_fields", "text_column"]

_MOST_RECORDS = 1 << 16


@dataclass(frozen=True)
class Fields:
    """Where records stand in some bytes.

    Attributes
    ----------
    starts, stops, doubled
        Shape (n_records, n_wanted): the wanted fields without their quotes, and how many doubled quotes they have.
        Of a record that has too few columns or none some mean nothing.
    begins, ends
        Shape (n_records,), int64: the records with their line ends.
    lines
        Shape (n_records,), int64: line feeds before each record.
    widths
        Shape (n_records,), int32: how many fields each has; -1 where a line is no record.
    end, n_feeds
        Where the last record ends, and how many line feeds stand before.
    doubtful_until
        As `evenly.ingest.delimited.strict_rows.StrictRows` has it.
    """

    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    doubled: NDArray[np.int32]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    lines: NDArray[np.int64]
    widths: NDArray[np.int32]
    end: int
    n_feeds: int
    doubtful_until: int


def find_fields(data: memoryview, row_format: RowFormat, *, doubtful_until: int, complete: bool) -> Fields:
    """Divide bytes that begin with a record; what follows the last whole record is left.

    Parameters
    ----------
    data
        Bytes.
    row_format
        How rows are read; its dialect is plain.
    doubtful_until
        Counted from the first of the bytes.
    complete
        Whether the file ends with the bytes.
    """
    from evenly.ingest.delimited.csv_kernels import divide

    slots = np.full(len(row_format.dialect.columns), -1, np.int32)
    slots[list(row_format.indices)] = np.arange(len(row_format.indices))
    shape = _MOST_RECORDS, len(row_format.indices)
    starts, stops, doubled = np.empty(shape, np.int64), np.empty(shape, np.int64), np.empty(shape, np.int32)
    begins, ends, lines = (np.empty(_MOST_RECORDS, np.int64) for _ in range(3))
    widths = np.empty(_MOST_RECORDS, np.int32)
    n, end, n_feeds, until = divide(
        np.frombuffer(data, np.uint8),
        np.frombuffer(data[: len(data) // 8 * 8], np.uint64),
        ord(row_format.dialect.delimiter),
        _code(row_format.dialect.quote),
        slots,
        doubtful_until,
        complete,
        *(starts, stops, doubled, begins, ends, lines, widths),
    )
    wanted = starts[:n], stops[:n], doubled[:n]
    return Fields(*wanted, begins[:n], ends[:n], lines[:n], widths[:n], end, n_feeds, until)


def text_column(  # noqa: PLR0917 - data, where it stands, and memory
    data: memoryview, fields: Fields, records: NDArray[np.int64], slot: int, quote: str, blocks: Blocks
) -> pa.StringArray:
    """Return one of the wanted fields of some records as text, null where it is empty; it may be no valid UTF-8."""
    from evenly.ingest.delimited.csv_kernels import copy_fields

    starts, stops = fields.starts[records, slot], fields.stops[records, slot]
    doubled = fields.doubled[records, slot]
    sizes = stops - starts - doubled
    offsets = np.zeros(len(records) + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    out = blocks.take(int(offsets[-1]))
    copy_fields(
        np.frombuffer(data, np.uint8), _code(quote), starts, stops, doubled, offsets, np.frombuffer(out, np.uint8)
    )
    filled = sizes > 0
    valid = None if filled.all() else pa.py_buffer(np.packbits(filled, bitorder="little"))
    return pa.StringArray.from_buffers(len(records), pa.py_buffer(offsets), pa.py_buffer(out), valid)


def _code(quote: str) -> int:
    return ord(quote) if quote else -1
