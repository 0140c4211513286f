"""The texts of a table, batch by batch: several text columns of a row become one text.

Comes in: parquet files with text columns. Goes out: Arrow batches and joined texts, so that memory is bounded by a
batch and not by the table.
"""

from __future__ import annotations

from functools import partial, reduce
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evenly.formats import SPLITS, list_parts, read_split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["BATCH_ROWS", "iter_part_texts", "join_columns", "split_codes"]

BATCH_ROWS = 8192


def join_columns(batch: pa.RecordBatch, columns: Sequence[str], separator: str) -> pa.StringArray:
    """Return one text a row: the columns that have more than white space, joined by `separator`.

    A single column stays as it is; a row without any text gives an empty one.
    """
    texts = [pc.fill_null(batch.column(name).cast(pa.string()), "") for name in columns]
    if len(texts) == 1:
        return texts[0]
    # Two at a time: pyarrow's join of several with null_handling="skip" drops rows whose columns are all null (26.0)
    return reduce(partial(_join_two, separator), texts, pa.array([""] * len(batch), pa.string()))


def _join_two(separator: str, left: pa.StringArray, right: pa.StringArray) -> pa.StringArray:
    both = pc.binary_join_element_wise(left, right, separator)
    joined = pc.if_else(pc.equal(left, ""), right, both)
    return pc.if_else(pc.equal(pc.utf8_trim_whitespace(right), ""), left, joined)


def split_codes(table: Path, split: Path) -> list[NDArray[np.int8]]:
    """Return for every part of the table the split of its rows, as an index into `SPLITS`."""
    codes = read_split(split).code
    pieces, first = [], 0
    for part in list_parts(table):
        n_rows = pq.read_metadata(part).num_rows
        pieces.append(codes[first : first + n_rows])
        first += n_rows
    return pieces


def iter_part_texts(
    part: Path, codes: NDArray[np.int8], split: str, columns: Sequence[str], separator: str
) -> Iterator[list[str]]:
    """Yield the texts of one split in one part of a table, in the order of the rows, a batch at a time.

    `codes` has a value for every row of the part, see `split_codes`.
    """
    first = 0
    for batch in pq.ParquetFile(part).iter_batches(BATCH_ROWS, columns=list(columns)):
        mask = pa.array(codes[first : first + len(batch)] == SPLITS.index(split))
        yield join_columns(batch.filter(mask), columns, separator).to_pylist()
        first += len(batch)
