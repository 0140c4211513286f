"""The places of delivered rows of a CSV file: lines and text.

In: where the pieces of the file stand that were delivered, and numbers of rows. Out: line and text of each. Only the
pieces that hold such a row are read again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.ingest.delimited.blocks import Blocks
from evenly.ingest.delimited.fields import find_fields
from evenly.ingest.delimited.record_rows import show_bytes
from evenly.ingest.delimited.stretch_rows import read_stretch
from evenly.ingest.delimited.stretches import Stretch
from evenly.ingest.delimited.strict_rows import StrictRows
from evenly.ingest.reading import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from evenly.ingest.delimited.record_rows import RowFormat

__all__ = ["Piece", "find_places"]


@dataclass(frozen=True)
class Piece:
    """Where some delivered rows stand: a stretch without what is in it."""

    start: int
    stop: int
    line: int
    doubtful_until: int
    divided: bool
    n_rows: int

    @classmethod
    def of(cls, stretch: Stretch) -> Piece:
        """Return the piece of a stretch, of which no row is delivered yet."""
        place = stretch.start, stretch.stop, stretch.line, stretch.doubtful_until
        return cls(*place, stretch.fields is not None, n_rows=0)


def find_places(
    plain: Path, pieces: Sequence[Piece], row_format: RowFormat, delivered: NDArray[np.int64]
) -> Iterator[Place]:
    """Yield the places of delivered rows, whose numbers ascend from 0."""
    first = 0
    with plain.open("rb") as source:
        for piece in pieces:
            begin, end = np.searchsorted(delivered, [first, first + piece.n_rows])
            if begin < end:
                yield from _find_here(source, piece, row_format, delivered[begin:end] - first)
            first += piece.n_rows


def _find_here(source: BinaryIO, piece: Piece, row_format: RowFormat, numbers: NDArray[np.int64]) -> Iterator[Place]:
    """Yield the places of rows of one piece, by their numbers among its rows."""
    stretch = _read_again(source, piece, row_format)
    fields = stretch.fields
    for number in read_stretch(stretch, row_format, Blocks()).delivered[numbers].tolist():
        if fields is None:
            yield Place(stretch.records[number].line, show_bytes(stretch.records[number].raw))
        else:
            raw = bytes(stretch.data[fields.begins[number] : fields.ends[number]])
            yield Place(stretch.line + int(fields.lines[number]), show_bytes(raw))


def _read_again(source: BinaryIO, piece: Piece, row_format: RowFormat) -> Stretch:
    source.seek(piece.start)
    place = piece.start, piece.stop, piece.line, piece.doubtful_until
    if not piece.divided:
        rows = StrictRows(source, row_format.dialect, piece.line, piece.start, piece.doubtful_until)
        return Stretch(*place, records=tuple(rows.read(piece.stop)))
    data = memoryview(source.read(piece.stop - piece.start))
    relative = max(piece.doubtful_until - piece.start, 0)
    return Stretch(*place, data, find_fields(data, row_format, doubtful_until=relative, complete=True))
