"""Rows brought into the order of an export, a part of them in memory at a time.

Comes in: all rows in the order of their numbers, and where each, once a copy, will stand. Goes out: blocks of rows,
which put behind one another have that order. First each batch is dealt out to buckets by where its rows will stand,
on disk, then each bucket is put in order.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from evenly.export.order import Order

__all__ = ["shuffle_rows"]


def shuffle_rows(batches: Iterable[pa.Table], order: Order, folder: Path) -> Iterator[pa.Table]:
    """Yield a table a bucket, `order.n_buckets` in all.

    Parameters
    ----------
    batches
        All rows, all with the same columns.
    order
        How often each is there, and where.
    folder
        Where the buckets lie on the way; each is gone when the next is asked for.
    """
    _deal_out(batches, order, folder)
    for bucket in range(order.n_buckets):
        path = folder / f"bucket-{bucket}.arrow"
        with pa.memory_map(str(path)) as stream:
            rows = pa.ipc.open_stream(stream).read_all()
            by_place = np.argsort(rows["place"].to_numpy())
            yield rows.drop_columns("place").take(pa.array(by_place))
        path.unlink()


def _deal_out(batches: Iterable[pa.Table], order: Order, folder: Path) -> None:
    """Append every entry to the file of its bucket, with its place beside it."""
    n_rows = 0
    with ExitStack() as stack:
        writers: dict[int, Any] = {}
        for batch in batches:
            index, place = order.expand(n_rows, n_rows + len(batch))
            n_rows += len(batch)
            by_place = np.argsort(place, kind="stable")
            index, place = index[by_place], place[by_place]
            bounds = np.searchsorted(place, np.arange(order.n_buckets + 1) * order.bucket_rows)
            for bucket in np.flatnonzero(np.diff(bounds)).tolist():
                here = slice(bounds[bucket], bounds[bucket + 1])
                rows = batch.take(pa.array(index[here])).append_column("place", pa.array(place[here]))
                if bucket not in writers:
                    sink = stack.enter_context(pa.OSFile(str(folder / f"bucket-{bucket}.arrow"), "wb"))
                    writers[bucket] = stack.enter_context(pa.ipc.new_stream(sink, rows.schema))
                writers[bucket].write_table(rows)
