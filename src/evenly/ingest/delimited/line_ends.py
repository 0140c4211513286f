"""Files whose rows end with carriage returns alone, as old Macs wrote them.

In: a plain text file. Out: the file itself, or a copy in which every carriage return is a line feed. Line feeds, both
together, and a mixture of them need no care: the readers take each as it comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ends_with_returns", "open_with_feeds"]

_HEAD_BYTES = 1 << 19
_BLOCK_BYTES = 1 << 20


def open_with_feeds(plain: Path, folder: Path, *, quote: str) -> tuple[Path, str]:
    """Return a file whose rows end with line feeds, and what was done to it in a phrase ('' for nothing)."""
    with plain.open("rb") as source:
        head = source.read(_HEAD_BYTES)
        if not ends_with_returns(head, quote=quote):
            return plain, ""
        target = folder / "feeds"
        with target.open("wb") as sink:
            while head:
                sink.write(head.replace(b"\r", b"\n"))
                head = source.read(_BLOCK_BYTES)
    return target, "its rows end with carriage returns"


def ends_with_returns(head: bytes, *, quote: str) -> bool:
    """Return whether, outside of quotes, there are carriage returns and no line feed."""
    if b"\r" not in head:
        return False
    view = np.frombuffer(head, np.uint8)
    quotes = np.flatnonzero(view == ord(quote)) if quote and quote.isascii() else np.empty(0, np.int64)
    ends = np.flatnonzero((view == ord("\n")) | (view == ord("\r")))
    outside = view[ends[np.searchsorted(quotes, ends) % 2 == 0]]
    return len(outside) > 0 and not (outside == ord("\n")).any()
