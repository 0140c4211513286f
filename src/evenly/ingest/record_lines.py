"""The places of delivered rows of a CSV file: lines and text.

In: where the pieces of the file stand that were delivered, and numbers of rows. Out: line and text of each. Only the
pieces that hold such a row are read again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.ingest.quotes import find_byte, record_starts
from evenly.ingest.reading import Place
from evenly.ingest.record_rows import read_row, show_bytes
from evenly.ingest.rejects import Reject
from evenly.ingest.strict_rows import StrictRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from evenly.ingest.record_rows import RowFormat
    from evenly.ingest.stretch_rows import Piece

__all__ = ["find_places"]


def find_places(
    plain: Path, pieces: Sequence[Piece], row_format: RowFormat, delivered: NDArray[np.int64]
) -> Iterator[Place]:
    """Yield the places of delivered rows, whose numbers ascend from 0."""
    first = 0
    with plain.open("rb") as source:
        for piece in pieces:
            begin, end = np.searchsorted(delivered, [first, first + piece.n_rows])
            if begin < end:
                find = _find_strict if piece.strict else _find_tame
                yield from find(source, piece, row_format, delivered[begin:end] - first)
            first += piece.n_rows


def _find_tame(source: BinaryIO, piece: Piece, row_format: RowFormat, numbers: NDArray[np.int64]) -> Iterator[Place]:
    source.seek(piece.start)
    data = source.read(piece.stop - piece.start)
    view = np.frombuffer(data, np.uint8)
    starts = record_starts(view, find_byte(view, row_format.dialect.quote))
    stops = np.append(starts[1:], len(data))
    lines = piece.line + np.searchsorted(find_byte(view, "\n"), starts[numbers])
    for start, stop, line in zip(starts[numbers].tolist(), stops[numbers].tolist(), lines.tolist(), strict=True):
        yield Place(line, show_bytes(data[start:stop]))


def _find_strict(source: BinaryIO, piece: Piece, row_format: RowFormat, numbers: NDArray[np.int64]) -> Iterator[Place]:
    source.seek(piece.start)
    rows = StrictRows(source, row_format.dialect, piece.line, piece.start, piece.doubtful_until)
    wanted = set(numbers.tolist())
    number = 0
    for record in rows.read(piece.stop):
        if isinstance(read_row(record, row_format), Reject):
            continue
        if number in wanted:
            yield Place(record.line, show_bytes(record.raw))
        number += 1
