"""How long the texts of each label are in tokens, and how many of them the largest length cuts.

Comes in: the lengths and labels of some rows, batch by batch. Goes out: counts of (label, length) that add up over
partitions, and from them the table ``token_lengths.parquet``. Lengths are those before the cut.
"""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["LabelLengths"]

_QUANTILES = {"q05": 0.05, "q50": 0.5, "q95": 0.95, "max": 1.0}
_BITS = 32  # of a length: the label stands above them


class LabelLengths:
    """Rows by label and length.

    Attributes
    ----------
    key
        Shape (n_cells,), int64, ascending: label * 2^32 + length.
    n_rows
        Shape (n_cells,), int64: rows that hold the label and have the length.
    """

    def __init__(self, key: NDArray[np.int64] | None = None, n_rows: NDArray[np.int64] | None = None) -> None:
        """Start from counts, or from none."""
        self.key = np.empty(0, np.int64) if key is None else key
        self.n_rows = np.empty(0, np.int64) if n_rows is None else n_rows

    def add(self, labels: pa.ListArray, length: NDArray[np.int64]) -> None:
        """Add rows by the label ids and the length of each, `length` of shape (n_rows,)."""
        held = np.diff(labels.offsets.to_numpy())
        ids = labels.flatten().to_numpy().astype(np.int64)
        key = (ids << _BITS) + np.repeat(length, held)
        self._merge(key, np.ones(len(key), np.int64))

    def _merge(self, key: NDArray[np.int64], n_rows: NDArray[np.int64]) -> None:
        self.key, cell = np.unique(np.concatenate([self.key, key]), return_inverse=True)
        self.n_rows = np.bincount(cell, np.concatenate([self.n_rows, n_rows]), len(self.key)).astype(np.int64)

    def to_json(self) -> str:
        """Return the counts as text, a tenth of what a list of numbers would take; `total` reads it."""
        packed = zlib.compress(np.concatenate([np.diff(self.key, prepend=0), self.n_rows]).astype("<i8").tobytes())
        return base64.b64encode(packed).decode("ascii")

    @classmethod
    def total(cls, pieces: Iterable[str]) -> LabelLengths:
        """Return the sum over disjoint sets of rows, each as `to_json` wrote it."""
        total = cls()
        for piece in pieces:
            both = np.frombuffer(zlib.decompress(base64.b64decode(piece)), "<i8").astype(np.int64)
            half = len(both) // 2
            total._merge(np.cumsum(both[:half]), both[half:])
        return total

    def table(self, names: Sequence[str], max_length: int | None) -> pa.Table:
        """Return a row a label: id, name, rows, quantiles of the length, share of its rows that are cut.

        Parameters
        ----------
        names
            Of all labels, by id. A label without rows has nulls.
        max_length
            Longer rows are cut; None: none is.
        """
        label, length = self.key >> _BITS, self.key & ((1 << _BITS) - 1)
        rows = np.bincount(label, self.n_rows, len(names)).astype(np.int64)
        longer = length > (np.inf if max_length is None else max_length)
        cut = np.bincount(label, self.n_rows * longer, len(names))
        none = rows == 0
        columns = {
            "id": pa.array(np.arange(len(names), dtype=np.int32)),
            "name": pa.array(list(names), pa.string()),
            "rows": pa.array(rows),
            **{name: pa.array(self._quantile(rows, share), mask=none) for name, share in _QUANTILES.items()},
            "truncated": pa.array(cut / np.maximum(rows, 1), mask=none),
        }
        return pa.table(columns)

    def _quantile(self, rows: NDArray[np.int64], share: float) -> NDArray[np.int64]:
        """Return for each label the smallest length that at least that share of its rows does not pass; 0 for none."""
        before = np.cumsum(rows) - rows
        wanted = before + np.maximum(np.ceil(share * rows), 1)
        cell = np.searchsorted(np.cumsum(self.n_rows), wanted)
        length = np.append(self.key & ((1 << _BITS) - 1), 0)
        of_label: NDArray[np.int64] = np.where(rows > 0, length[np.minimum(cell, len(self.key))], 0)
        return of_label
