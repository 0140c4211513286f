"""Where quotes and line ends stand in the bytes of a CSV file, and which quotes can be trusted.

In: bytes that begin with a record. Out: positions, whether they lie outside of quotes, and the first byte that makes
the division into records doubtful: a quote within a field, text behind a closing quote, a carriage return that ends
no line. Up to there every reader of RFC 4180 divides the bytes alike; behind it they do not.

References
----------
RFC 4180, Common Format and MIME Type for Comma-Separated Values (CSV) Files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["find_byte", "find_doubt", "is_outside", "record_starts"]

_FEED, _RETURN = ord("\n"), ord("\r")


def find_byte(view: NDArray[np.uint8], character: str) -> NDArray[np.int64]:
    """Return the positions of an ASCII character, ascending; none where it is ''."""
    return np.flatnonzero(view == ord(character)) if character else np.empty(0, np.int64)


def is_outside(positions: NDArray[np.int64], quotes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which positions have an even number of quotes before them, shape of `positions`."""
    outside: NDArray[np.bool_] = np.searchsorted(quotes, positions) % 2 == 0
    return outside


def find_doubt(view: NDArray[np.uint8], quotes: NDArray[np.int64], *, delimiter: str, has_returns: bool) -> int:
    """Return the position of the first byte that makes the division into records doubtful; `len(view)` where none does.

    Parameters
    ----------
    view
        Bytes that begin with a record, shape (n,).
    quotes
        Positions of quotes; every other one opens.
    delimiter
        One ASCII character.
    has_returns
        Whether there are carriage returns to look at.
    """
    neighbours = np.zeros(256, np.bool_)
    neighbours[[ord(delimiter), _FEED, _RETURN]] = True
    if len(quotes):
        neighbours[view[quotes[0]]] = True
    opening, closing = quotes[::2], quotes[1::2]
    fine = neighbours[view[opening - 1]] | (opening == 0)
    first = [opening[~fine][:1]]
    fine = neighbours[view[np.minimum(closing + 1, len(view) - 1)]] | (closing == len(view) - 1)
    first.append(closing[~fine][:1])
    if len(quotes) % 2:
        first.append(quotes[-1:])
    if has_returns:
        first.append(_lone_returns(view, quotes)[:1])
    return min((int(found[0]) for found in first if len(found)), default=len(view))


def _lone_returns(view: NDArray[np.uint8], quotes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the carriage returns outside of quotes with text behind them."""
    returns = find_byte(view[:-1], "\r")
    behind = view[returns + 1]
    lone = returns[(behind != _FEED) & (behind != _RETURN)]
    found: NDArray[np.int64] = lone[is_outside(lone, quotes)]
    return found


def record_starts(view: NDArray[np.uint8], quotes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where the records begin in bytes without doubt, shape (n_records,); blank lines are none."""
    feeds = find_byte(view, "\n")
    ends = feeds[is_outside(feeds, quotes)] + 1
    if not len(ends) or ends[-1] < len(view):
        ends = np.append(ends, len(view))
    starts = np.concatenate([[0], ends[:-1]])
    length = ends - starts
    first = view[np.minimum(starts, len(view) - 1)]
    blank = ((length == 1) & ((first == _FEED) | (first == _RETURN))) | ((length == 2) & (first == _RETURN))  # noqa: PLR2004 - CR and LF
    kept: NDArray[np.int64] = starts[~blank & (length > 0)]
    return kept
