"""Line ends that a CSV reader can trust.

In: a plain text file. Out: the file itself where its rows all end alike, else a copy in which every row ends with
a line feed. DuckDB finds one kind of line end from the head of a file and then refuses, or worse skips, rows that
end otherwise; so mixed ends, and carriage returns that stand alone within a row, are made even before it reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LineEnds", "count_line_ends", "even_line_ends"]

_BLOCK_BYTES = 4 << 20


@dataclass(frozen=True)
class LineEnds:
    """How many rows end with a line feed, with both, with a carriage return: outside of quotes."""

    lf: int = 0
    crlf: int = 0
    cr: int = 0

    @property
    def even(self) -> bool:
        """Whether all rows end alike, and in a way that DuckDB reads."""
        return self.cr == 0 and (self.lf == 0 or self.crlf == 0)


def even_line_ends(plain: Path, folder: Path, *, quote: str) -> tuple[Path, str]:
    """Return a file whose rows all end alike, and what was done to it in a phrase ('' for nothing)."""
    if not any(b"\r" in block for block in _blocks(plain)):
        return plain, ""
    ends = count_line_ends(plain, quote=quote)
    if ends.even:
        return plain, ""
    target = folder / "even"
    alone = b" " if ends.lf + ends.crlf else b"\n"
    with target.open("wb") as sink:
        for block in _blocks(plain):
            sink.write(block.replace(b"\r\n", b"\n").replace(b"\r", alone))
    if alone == b"\n":
        return target, "its rows end with carriage returns"
    done = ["mixed line ends were made even"] if ends.lf and ends.crlf else []
    done += [f"{ends.cr} stray carriage returns became spaces"] if ends.cr else []
    return target, " and ".join(done)


def count_line_ends(plain: Path, *, quote: str) -> LineEnds:
    """Count the line ends that have an even number of quotes before them; all of them where `quote` is ''."""
    totals = np.zeros(3, np.int64)
    n_quotes = 0
    for block in _blocks(plain):
        data = np.frombuffer(block, np.uint8)
        quotes = np.flatnonzero(data == ord(quote)) if quote else np.empty(0, np.int64)
        feeds, returns = (
            at[(np.searchsorted(quotes, at) + n_quotes) % 2 == 0]
            for at in (np.flatnonzero(data == ord("\n")), np.flatnonzero(data == ord("\r")))
        )
        both = int(np.isin(returns + 1, feeds, assume_unique=True).sum())
        totals += (len(feeds) - both, both, len(returns) - both)
        n_quotes += len(quotes)
    lf, crlf, cr = totals.tolist()
    return LineEnds(lf, crlf, cr)


def _blocks(plain: Path) -> Iterator[bytes]:
    """Yield the file in blocks that do not end between a carriage return and its line feed."""
    with plain.open("rb") as source:
        while block := source.read(_BLOCK_BYTES):
            while block.endswith(b"\r") and (more := source.read(1)):
                block += more
            yield block
