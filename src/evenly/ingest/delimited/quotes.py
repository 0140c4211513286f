"""Fields of one line whose quotes are beyond doubt: enclosed in quotes, or without any.

In: the bytes of a record, or of a line that is none. Out: how many fields from the left on are such, and whether
that is all of it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evenly.ingest.delimited.dialect import Dialect

__all__ = ["count_sound_fields", "holds_bare_quote"]


def holds_bare_quote(raw: bytes, dialect: Dialect) -> bool:
    """Return whether a quote stands in a field of a record that is not enclosed in quotes."""
    return not _count(raw, dialect)[1]


def count_sound_fields(raw: bytes, dialect: Dialect) -> int:
    """Return how many fields of a line are enclosed in quotes that close, or have none, up to the first other one."""
    return _count(raw, dialect)[0]


def _count(raw: bytes, dialect: Dialect) -> tuple[int, bool]:
    """Return how many fields are sound, and whether nothing follows them."""
    pattern = _sound_field(dialect)
    text = raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
    at = number = 0
    while (found := pattern.match(text, at)) is not None:
        number += 1
        if found.end() == len(text) and not found[1]:
            return number, True
        at = found.end()
    return number, False


@lru_cache(maxsize=16)
def _sound_field(dialect: Dialect) -> re.Pattern[str]:
    """Return what matches a field with the delimiter behind it (group 1), or to the end."""
    quote, delimiter, escape = (re.escape(mark) for mark in (dialect.quote, dialect.delimiter, dialect.escape))
    if not quote:
        return re.compile(f"[^{delimiter}]*+({delimiter}|\\Z)")
    pair = f"{escape}." if escape else f"{quote}{quote}"
    enclosed = f"{quote}[^{quote}{escape}]*+(?:{pair}[^{quote}{escape}]*+)*+{quote}"
    return re.compile(f"(?:{enclosed}|[^{quote}{delimiter}]*+)({delimiter}|\\Z)", re.DOTALL)
