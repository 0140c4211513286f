"""The Arrow stream files of one split of one unit: a new one whenever the last is full.

Comes in: record batches. Goes out: ``data-UNIT.arrow``, ``data-UNIT-1.arrow``, ... and what each holds. Rows stay in
the order of the table: the reader maps the files and takes rows by index, so that an order on disk would save it
nothing, and ascending rows let it find the copies of a plan without a table.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from evenly.tokenize.lengths import count_bins, pair_bins

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["ShardFiles"]


class ShardFiles:
    """Writes the shards of one split of one unit.

    Attributes
    ----------
    written
        For each file a JSON value: `file`, `rows`, `tokens`, and, once it is closed, `length_histogram` (see
        `Lengths.bins`) and `sha256`.
    """

    def __init__(self, folder: Path, unit: int, schema: pa.Schema, shard_bytes: int) -> None:
        """Write into `folder`, which is made with the first batch; a file is full from `shard_bytes` on."""
        self.folder, self.unit, self.schema, self.shard_bytes = folder, unit, schema, shard_bytes
        self.written: list[dict[str, Any]] = []
        self._writer: Any = None
        self._size = 0
        self._bins = count_bins(np.empty(0, np.int64))

    def write(self, batch: pa.RecordBatch, n_tokens: int, length: NDArray[np.int64]) -> None:
        """Append a batch of rows that hold `n_tokens` ids in all.

        `length`, of shape (n_rows,), is that of each row of the table before the cut: fewer than the rows of the
        batch where some are divided into windows.
        """
        if self._writer is None:
            self._open()
        self._writer.write_batch(batch)
        self._size += batch.nbytes
        self._bins += count_bins(length)
        self.written[-1]["rows"] += len(batch)
        self.written[-1]["tokens"] += n_tokens
        if self._size >= self.shard_bytes:
            self.close()

    def close(self) -> None:
        """Finish the last file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self.written[-1]["length_histogram"] = pair_bins(self._bins)
            path = self.folder / self.written[-1]["file"]
            with path.open("rb") as stream:
                self.written[-1]["sha256"] = hashlib.file_digest(stream, "sha256").hexdigest()

    def _open(self) -> None:
        self.folder.mkdir(exist_ok=True)
        number = f"-{len(self.written)}" if self.written else ""
        name = f"data-{self.unit:05d}{number}.arrow"
        self._writer = pa.ipc.new_stream(self.folder / name, self.schema)
        self._size = 0
        self._bins = count_bins(np.empty(0, np.int64))
        self.written.append({"file": name, "rows": 0, "tokens": 0})
