"""CSV and TSV, every bad row accounted for.

In: a text file. Out: the wanted columns as text (null for an empty cell), batch by batch; the rows that are none
(wrong width, bytes that are no text, a stray quote) with line, column and reason. The file is cut into stretches of
whole records (`stretches`), whose fields are copied into Arrow columns on several threads (`stretch_rows`). Memory is
bounded by the stretches under way.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from evenly.errors import ColumnNotFoundError
from evenly.ingest.delimited.blocks import Blocks
from evenly.ingest.delimited.dialect import SAMPLE_CHARACTERS, Dialect, Sample, find_dialect
from evenly.ingest.delimited.line_ends import open_with_feeds
from evenly.ingest.delimited.record_lines import Piece, find_places
from evenly.ingest.delimited.record_rows import RowFormat
from evenly.ingest.delimited.stretch_rows import StretchRows, read_stretch
from evenly.ingest.delimited.stretches import Stretches
from evenly.ingest.encodings import decode_head, open_utf8
from evenly.ingest.rejects import RejectSpool, invalid_bytes
from evenly.ingest.unpacking import read_first_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from evenly.ingest.delimited.stretches import Stretch
    from evenly.ingest.files import RawFile
    from evenly.ingest.reading import Place, ReadOptions
    from evenly.ingest.rejects import Reject

__all__ = ["CsvReader"]

_MOST_BYTES, _FEWEST_BYTES = 8 << 20, 256 << 10
_COPIES = 6  # of a stretch: its bytes, the places of its fields, the columns, the checked rows
_COMPILED_BYTES = 1 << 20


class CsvReader:
    """Delivers the rows of one CSV or TSV file."""

    def __init__(self, raw: RawFile, options: ReadOptions, folder: Path) -> None:
        """Find the dialect and the encoding, and a file in UTF-8 whose rows end with line feeds."""
        given, dialect = options.given, options.dialect or _look_at(raw, options)
        for name in options.wanted:
            if name not in dialect.columns:
                raise ColumnNotFoundError(name, dialect.columns, raw.name)
        text = open_utf8(raw, folder, given)
        self._plain, done = open_with_feeds(text.path, folder, quote=dialect.quote)
        self._encoding = text.encoding
        self.remarks = [*text.remarks, *([done] if done else [])]
        bad_bytes = None if given.on_bad_bytes == "replace" else invalid_bytes(text.encoding)
        self._format = RowFormat(dialect, options.wanted, bad_bytes)
        self._threads = options.threads
        self._stretch_bytes = _choose_stretch_bytes(options)
        self._blocks = Blocks()
        self._pieces: list[Piece] = []
        self._diverted = RejectSpool(folder / "diverted")

    @property
    def dialect(self) -> dict[str, str | bool]:
        """Encoding, delimiter, quote, escape where there is one, and header."""
        found = self._format.dialect
        escape = {"escape": found.escape} if found.escape else {}
        marks = {"delimiter": found.delimiter, "quote": found.quote, **escape}
        return {"encoding": self._encoding, **marks, "header": found.header}

    def batches(self) -> Iterator[pa.Table]:
        """Yield the wanted columns as text, rows in the order of the file."""
        stretches = Stretches(self._plain, self._format, self._stretch_bytes, _COMPILED_BYTES, self._blocks)
        for piece, found in self._read(iter(stretches)):
            for reject in found.rejects:
                self._diverted.add(reject)
            if len(found.table):
                self._pieces.append(replace(piece, n_rows=len(found.table)))
                yield found.table

    def _read(self, stretches: Iterator[Stretch]) -> Iterator[tuple[Piece, StretchRows]]:
        """Read stretches on several threads, a few ahead of what is taken, in order; one more thread cuts them.

        What waits has the place of a stretch and not its bytes, whose memory then serves the next one.
        """
        cutter, pool = ThreadPoolExecutor(1), ThreadPoolExecutor(self._threads)

        def cut() -> tuple[Piece, Future[StretchRows]] | None:
            stretch = next(stretches, None)
            if stretch is None:
                return None
            return Piece.of(stretch), pool.submit(read_stretch, stretch, self._format, self._blocks)

        try:
            ahead = deque(cutter.submit(cut) for _ in range(self._threads + 1))
            while (taken := ahead.popleft().result()) is not None:
                ahead.append(cutter.submit(cut))
                piece, found = taken
                yield piece, found.result()
        finally:
            cutter.shutdown(cancel_futures=True)
            pool.shutdown(cancel_futures=True)

    def diverted(self) -> Iterator[Reject]:
        """Yield the rows that are none, in the order of the file."""
        yield from self._diverted

    def locate(self, delivered: NDArray[np.int64]) -> Iterator[Place]:
        """Yield line and text of delivered rows."""
        yield from find_places(self._plain, self._pieces, self._format, delivered)


def _choose_stretch_bytes(options: ReadOptions) -> int:
    share = options.memory_bytes // (_COPIES * (options.threads + 2))
    return max(_FEWEST_BYTES, min(share, _MOST_BYTES))


def _look_at(raw: RawFile, options: ReadOptions) -> Dialect:
    given = options.given
    head, complete = read_first_bytes(raw, SAMPLE_CHARACTERS)
    return find_dialect(
        Sample(raw.name, decode_head(raw.name, head, given), complete),
        delimiter=given.delimiter or ("\t" if raw.format == "tsv" else None),
        quote=given.quote,
        header=given.header,
        wanted=options.wanted,
    )
