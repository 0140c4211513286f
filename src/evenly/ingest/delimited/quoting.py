"""Which character quotes the cells of a CSV file, and how a quote within a cell is written.

In: the beginning of a file, and its delimiter. Out: the ways of quoting worth trying. Double quotes count as quotes
unless the file holds together without them and some are plainly part of the text, as in tab-separated files that
never quote; single quotes where they enclose cells all over; a backslash escapes where quotes have one before them
and do not close properly otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Quoting", "likely_quotings"]

_MOST_MALFORMED = 0.05
_LEAST_ENCLOSED = 0.2


@dataclass(frozen=True)
class Quoting:
    """The quote, '' for none, and what stands before a quote within quotes: '' where it is doubled."""

    quote: str
    escape: str = ""


@dataclass(frozen=True)
class _Fields:
    """How many fields there are, how many of them are enclosed in quotes, and how many open with one only."""

    n_all: int
    n_enclosed: int
    n_malformed: int

    @property
    def malformed_share(self) -> float:
        """Of the fields that open with a quote."""
        return self.n_malformed / max(self.n_enclosed + self.n_malformed, 1)


def likely_quotings(text: str, delimiter: str, quote: str | None) -> list[Quoting]:
    """Return the way of quoting; before it no quoting, where the file may hold together without.

    Parameters
    ----------
    text
        The beginning of the file.
    delimiter
        Between cells.
    quote
        What the config says; None: found by looking.
    """
    if quote is not None:
        return [_with_escape(text, delimiter, quote)]
    if '"' not in text or delimiter == '"':
        single = _count_fields(text, delimiter, Quoting("'"))
        enclosed = single.n_enclosed > _LEAST_ENCLOSED * single.n_all
        if enclosed and single.malformed_share <= _MOST_MALFORMED and delimiter != "'":
            return [_with_escape(text, delimiter, "'")]
        return [Quoting("" if delimiter in {"\t", '"'} else '"')]
    double = _with_escape(text, delimiter, '"')
    plainly_text = _count_fields(text, delimiter, double).malformed_share > _MOST_MALFORMED
    return [Quoting(""), double] if plainly_text else [double]


def _with_escape(text: str, delimiter: str, quote: str) -> Quoting:
    """Return the quoting by `quote`, with a backslash where that closes quotes which do not close otherwise."""
    doubled, escaped = Quoting(quote), Quoting(quote, "\\")
    if not quote or "\\" + quote not in text:
        return doubled
    n_doubled, n_escaped = (_count_fields(text, delimiter, quoting).n_malformed for quoting in (doubled, escaped))
    return escaped if n_escaped < n_doubled else doubled


def _count_fields(text: str, delimiter: str, quoting: Quoting) -> _Fields:
    field, quote = re.escape(delimiter), re.escape(quoting.quote)
    inside = (
        rf"[^{quote}\\]*+(?:\\.[^{quote}\\]*+)*+" if quoting.escape else f"[^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+"
    )
    enclosed = rf"{quote}{inside}{quote}(?={field}|\r|\n|\Z)"
    found = re.findall(rf"(?:^|{field})(?:({enclosed})|({quote})|)", text, re.MULTILINE | re.DOTALL)
    return _Fields(len(found), sum(bool(whole) for whole, _ in found), sum(bool(opened) for _, opened in found))
