"""Files whose rows end with carriage returns alone, as old Macs wrote them.

In: a plain text file. Out: the file itself, or a copy in which every carriage return is a line feed. Line feeds, both
together, and a mixture of them need no care: the readers take each as it comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.ingest.quotes import find_byte, is_outside

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
    quotes = find_byte(view, quote if quote.isascii() else "")
    feeds, returns = (find_byte(view, end) for end in "\n\r")
    return not is_outside(feeds, quotes).any() and bool(is_outside(returns, quotes).any())
