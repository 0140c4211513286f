"""Checked rows that wait in an Arrow file until all files are read and their labels have ids.

They wait uncompressed, so that the next step maps them into memory without a copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["RowSink", "WaitingRows"]


class RowSink(Protocol):
    """Takes the checked rows of a file."""

    def add(self, rows: pa.Table, counts: NDArray[np.int64]) -> None:
        """Take further rows, in one chunk; `counts` has how many rows so far hold each name, by its number."""
        ...

    def close(self, counts: NDArray[np.int64]) -> list[dict[str, int]]:
        """End; return what `evenly.ingest.parts.count_held` does for every part that is written already."""
        ...


class WaitingRows:
    """Writes rows to an Arrow file, a batch for every `add`."""

    def __init__(self, path: Path) -> None:
        """Write to `path`."""
        self._sink = pa.OSFile(str(path), "wb")
        self._writer: Any = None

    def add(self, rows: pa.Table, counts: NDArray[np.int64]) -> None:  # noqa: ARG002 - the ids come later
        """Write further rows."""
        self._writer = self._writer or pa.ipc.new_file(self._sink, rows.schema)
        for batch in rows.to_batches():
            self._writer.write_batch(batch)

    def close(self, counts: NDArray[np.int64]) -> list[dict[str, int]]:  # noqa: ARG002 - as above
        """Write the end of the file; no part is written."""
        if self._writer is not None:
            self._writer.close()
        self._sink.close()
        return []
