"""The rows of files that are to be predicted: texts and kept columns, batch by batch; what cannot be read apart.

Comes in: a raw file and the columns that are wanted. Goes out: batches of rows that have a text, and the rejects of
the file (what its format refuses, rows without a text) with line and reason, as ingest has them, once it is read.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evenly.executor import usable_cores
from evenly.ingest.cells import as_text, blank_mask
from evenly.ingest.encodings import decode_head
from evenly.ingest.readers import open_reader
from evenly.ingest.reading import AUTO, ReadOptions, TextFormat
from evenly.ingest.rejects import Reject, RejectLog, merge_by_line
from evenly.ingest.rows import NO_TEXT
from evenly.ingest.unpacking import read_first_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from evenly.ingest.files import RawFile

__all__ = ["SourceRows"]

_DELIMITERS = {"csv": ",", "tsv": "\t"}
_HEAD_BYTES = 1 << 16


class SourceRows:
    """Reads one file.

    Attributes
    ----------
    n_delivered
        Rows that the format could read, so far.
    """

    def __init__(self, raw: RawFile, *, text: Sequence[str], keep: Sequence[str], folder: Path) -> None:
        """Open a file; `folder`, an empty one, is for what its reader needs on the way."""
        self.raw = raw
        self.n_delivered = 0
        self._text, self._keep = tuple(text), tuple(keep)
        self._textless: list[int] = []
        options = ReadOptions(
            wanted=tuple(dict.fromkeys([*text, *keep])),
            text=tuple(text),
            carried=tuple(name for name in dict.fromkeys(keep) if name not in text),
            given=_text_format(raw, tuple(text)),
            threads=usable_cores(),
        )
        self._reader = open_reader(raw, options, folder)

    @property
    def n_textless(self) -> int:
        """Rows that were read and have no text."""
        return len(self._textless)

    def batches(self) -> Iterator[tuple[pa.Table, list[pa.StringArray]]]:
        """Yield `row` (its number among the rows that could be read) with the kept columns, and the texts."""
        for batch in self._reader.batches():
            texts = [as_text(batch[name], name) for name in self._text]
            blank = reduce(pc.and_, map(blank_mask, texts)).to_numpy(zero_copy_only=False)
            rows = self.n_delivered + np.arange(len(batch))
            self._textless += rows[blank].tolist()
            self.n_delivered += len(batch)
            kept = pa.table({"row": pa.array(rows), **{name: batch[name] for name in self._keep}})
            full = pa.array(~blank)
            if not blank.all():
                yield kept.filter(full), [column.filter(full) for column in texts]

    def write_rejects(self, path: Path) -> dict[str, int]:
        """Write the rejects as an Arrow file, once all batches were read; return how many there are by reason."""
        log = RejectLog(self.raw.name, path)
        for reject in merge_by_line(self._reader.diverted(), self._locate_textless()):
            log.add(reject)
        log.close()
        return dict(log.reasons)

    def _locate_textless(self) -> Iterator[Reject]:
        if self._textless:
            for place in self._reader.locate(np.array(self._textless, np.int64)):
                yield Reject(place.line, self._text[0], NO_TEXT, place.raw)


def _text_format(raw: RawFile, text: tuple[str, ...]) -> TextFormat:
    """Return how a file is written, as far as it must be said: one column of texts shows no delimiter."""
    if raw.format not in _DELIMITERS or len(text) > 1:
        return AUTO
    content, _ = read_first_bytes(raw, _HEAD_BYTES)
    first = decode_head(raw.name, content, AUTO).lstrip("\ufeff").partition("\n")[0].strip().strip('"')
    return TextFormat(delimiter=_DELIMITERS[raw.format]) if first == text[0] else AUTO
