"""Rows of a part, gathered in memory that is used again for the next part.

In: checked rows, a stretch of the file at a time. Out: one table of them all, each column in one piece. Memory that
is given back after every part has to be cleared by the system before it comes again, which took a fifth of the time
that a large file takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RowBuffers"]

_MOST_VALUES = np.iinfo(np.int32).max  # Arrow's text and lists have offsets of 32 bits


class RowBuffers:
    """Columns of text and of lists of numbers.

    The tables that it returns are views: they hold only until `clear` is called.
    """

    def __init__(self, n_rows: int) -> None:
        """Make room for `n_rows`, which may be exceeded."""
        self._n_rows = n_rows
        self._columns: dict[str, _Column] = {}

    def add(self, rows: pa.Table) -> None:
        """Copy further rows; all tables have the same columns."""
        for field in rows.schema:
            if field.name not in self._columns:
                self._columns[field.name] = _Column(field.type, self._n_rows)
            for chunk in rows[field.name].chunks:
                self._columns[field.name].add(chunk)

    def table(self) -> pa.Table:
        """Return all rows since `clear`."""
        return pa.table({name: column.chunks() for name, column in self._columns.items()})

    def clear(self) -> None:
        """Begin anew."""
        for column in self._columns.values():
            column.clear()


class _Column:
    """Values of varying length: bytes of texts, or numbers in lists."""

    def __init__(self, kind: pa.DataType, n_rows: int) -> None:
        self._kind = kind
        self._values: NDArray[Any] = np.empty(0, np.uint8 if pa.types.is_string(kind) else np.int32)
        self._offsets = np.zeros(n_rows + 1, np.int32)
        self._valid = np.ones(n_rows, np.bool_)
        self._full: list[pa.Array] = []
        self._n_rows = self._n_values = 0

    def add(self, array: pa.Array) -> None:
        offsets, values = _parts_of(array)
        n_values = int(offsets[-1] - offsets[0])
        if self._n_values + n_values > _MOST_VALUES:
            self._set_aside()
        stop, end = self._n_rows + len(array), self._n_values + n_values
        self._offsets, self._valid = _grown(self._offsets, stop + 1), _grown(self._valid, stop)
        likely = min(end * len(self._valid) // max(stop, 1), _MOST_VALUES)  # one long text is not what all will be
        self._values = _grown(self._values, end, likely)
        self._values[self._n_values : end] = values[offsets[0] : offsets[-1]]
        np.add(offsets[1:], self._n_values - offsets[0], out=self._offsets[self._n_rows + 1 : stop + 1])
        self._valid[self._n_rows : stop] = True if not array.null_count else array.is_valid()
        self._n_rows, self._n_values = stop, end

    def chunks(self) -> pa.ChunkedArray:
        return pa.chunked_array([*self._full, self._array()], self._kind)

    def clear(self) -> None:
        self._full = []
        self._n_rows = self._n_values = 0

    def _set_aside(self) -> None:
        """Keep what is there as a chunk of its own, and take new memory."""
        full = [*self._full, self._array()]
        self._values, self._offsets, self._valid = (
            np.empty_like(each) for each in (self._values, self._offsets, self._valid)
        )
        self._offsets[0] = 0
        self.clear()
        self._full = full

    def _array(self) -> pa.Array:
        valid = self._valid[: self._n_rows]
        bits = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
        offsets = pa.py_buffer(self._offsets[: self._n_rows + 1])
        values = self._values[: self._n_values]
        if pa.types.is_string(self._kind):
            return pa.StringArray.from_buffers(self._n_rows, offsets, pa.py_buffer(values), bits)
        return pa.Array.from_buffers(self._kind, self._n_rows, [bits, offsets], children=[pa.array(values)])


def _parts_of(array: pa.Array) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Return the offsets of an array, len(array) + 1, and the values to which they point."""
    if pa.types.is_string(array.type):
        _, offsets, values = array.buffers()
        bytes_ = np.frombuffer(values or b"", np.uint8)
    else:
        offsets, bytes_ = array.buffers()[1], array.values.to_numpy()
    return np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1], bytes_


def _grown(values: NDArray[Any], size: int, likely: int = 0) -> NDArray[Any]:
    """Return an array of at least `size` that begins with the same values; with some room above what is `likely`."""
    if size <= len(values):
        return values
    larger = np.empty(max(size, likely + likely // 8, len(values) + len(values) // 2), values.dtype)
    larger[: len(values)] = values
    return larger
