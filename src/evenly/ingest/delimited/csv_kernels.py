"""The two loops over the bytes of a CSV file that need to be compiled: dividing it into fields, copying these out.

The grammar is that of `strict_rows`, byte by byte; both find the same rows and refuse the same lines.
Imported only for large files, since importing numba costs half a second.

References
----------
RFC 4180, Common Format and MIME Type for Comma-Separated Values (CSV) Files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    _Bytes = NDArray[np.uint8]
    _Ints = NDArray[np.int32]
    _Longs = NDArray[np.int64]
    _Words = NDArray[np.uint64]

__all__ = ["NO_RECORD", "copy_fields", "divide"]

_FEED, _RETURN = 10, 13
NO_RECORD = -1
_ZERO, _ONES, _TOPS = np.uint64(0), np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)


@compiled
def _end_of_line(data: _Bytes, at: int) -> int:
    """Return where the line ends whose last bytes stand at `at`, behind its line feed; `at` where none ends there."""
    stop = at
    while stop < len(data) and data[stop] == _RETURN:
        stop += 1
    if stop == len(data):
        return stop
    return stop + 1 if data[stop] == _FEED else at


@compiled
def _has_byte(word: np.uint64, byte: np.uint64) -> bool:
    """Return whether one of the eight bytes of a word is `byte`, by the carry of x - 1 into an x that is 0."""
    x = word ^ (byte * _ONES)
    return bool(((x - _ONES) & ~x & _TOPS) != _ZERO)


@compiled
def _skip_words(words: _Words, at: int, one: np.uint64, other: np.uint64) -> int:
    """Return `at`, moved on by as many aligned words as hold neither of two bytes."""
    if at % 8:
        return at
    word = at // 8
    while word < len(words) and not _has_byte(words[word], one) and not _has_byte(words[word], other):
        word += 1
    return word * 8


@compiled
def _end_of_quoted(data: _Bytes, words: _Words, at: int, quote: int) -> tuple[int, int, int]:
    """Return where the quote that opens before `at` closes, the doubled quotes and the line feeds on the way."""
    n_doubled, n_feeds = 0, 0
    while at < len(data):
        if data[at] == quote:
            if at + 1 == len(data) or data[at + 1] != quote:
                return at, n_doubled, n_feeds
            n_doubled += 1
            at += 1
        elif data[at] == _FEED:
            n_feeds += 1
        at = _skip_words(words, at + 1, np.uint64(quote), np.uint64(_FEED))
    return -1, n_doubled, n_feeds


@compiled
def divide(  # noqa: C901, PLR0912 - one pass over the bytes
    data: _Bytes,
    words: _Words,
    delimiter: int,
    quote: int,
    slots: _Ints,
    doubtful_until: int,
    complete: bool,  # noqa: FBT001 - numba takes no keywords
    starts: _Longs,
    stops: _Longs,
    doubled: _Ints,
    begins: _Longs,
    ends: _Longs,
    lines: _Longs,
    widths: _Ints,
) -> tuple[int, int, int, int]:
    """Divide bytes that begin with a record into records and fields.

    Parameters
    ----------
    data, words
        Bytes, and the same eight at a time.
    delimiter, quote
        One byte each; `quote` is -1 where quotes are part of the text.
    slots
        For each column of the file, where its fields go, -1: nowhere.
    doubtful_until
        Up to this byte lines had been taken for the inside of a quote that was none.
    complete
        Whether the file ends where the data do.
    starts, stops, doubled
        Filled: the wanted fields without their quotes, and how many doubled quotes they have, shape (n, n_slots).
    begins, ends, lines, widths
        Filled: where each record begins and ends, how many line feeds stand before it, how many fields it has;
        `NO_RECORD` where it is a line that is none. Shape (n,).

    Returns
    -------
    n_records, end, n_feeds, doubtful_until
        How many records there are, where the last of them ends, and how many line feeds stand before.
    """
    at, n_feeds, n = 0, 0, 0
    while at < len(data) and n < len(begins):
        begin, feeds, width, bare, good, until = at, n_feeds, 0, False, True, doubtful_until
        ended = _end_of_line(data, at)
        if ended > at:  # a blank line
            if ended == len(data) and not complete and data[ended - 1] != _FEED:
                break
            n_feeds += data[ended - 1] == _FEED
            at = ended
            continue
        while True:
            start, n_doubled = at, 0
            if at < len(data) and data[at] == quote:
                start += 1
                stop, n_doubled, more = _end_of_quoted(data, words, start, quote)
                n_feeds += more
                at = len(data) if stop < 0 else stop + 1
                good = stop >= 0
            else:
                while at < len(data) and data[at] != delimiter and data[at] != _FEED:
                    if data[at] == quote:
                        bare = True
                    elif data[at] == _RETURN and _end_of_line(data, at) > at:
                        break
                    at += 1
                stop = at
            if width < len(slots) and slots[width] >= 0 and good:
                starts[n, slots[width]], stops[n, slots[width]], doubled[n, slots[width]] = start, stop, n_doubled
            width += 1
            if at < len(data) and data[at] == delimiter:
                at += 1
                continue
            break
        ended = _end_of_line(data, at)
        if not good or (ended == at and at < len(data)) or (bare and begin < doubtful_until):
            width, until = NO_RECORD, max(doubtful_until, ended)
            ended = begin
            while ended < len(data) and data[ended] != _FEED:
                ended += 1
            ended = min(ended + 1, len(data))
        if not complete and (not good or (ended == len(data) and data[ended - 1] != _FEED)):
            n_feeds, at = feeds, begin  # more bytes may tell
            break
        if width == NO_RECORD:
            n_feeds, doubtful_until = feeds, until
        begins[n], ends[n], lines[n], widths[n] = begin, ended, feeds, width
        n_feeds += data[ended - 1] == _FEED
        n += 1
        at = ended
    return n, at, n_feeds, doubtful_until


@compiled
def copy_fields(
    data: _Bytes, quote: int, starts: _Longs, stops: _Longs, doubled: _Ints, offsets: _Ints, out: _Bytes
) -> None:
    """Copy fields one after the other into `out`, the i-th to `offsets[i]`, with one quote for two.

    Places are unsigned: from the end counted ones, which numba allows for, keep it from copying many bytes at once.
    """
    for field in range(len(starts)):
        at, to, n = np.uint64(starts[field]), np.uint64(offsets[field]), np.uint64(stops[field] - starts[field])
        if doubled[field] == 0:
            for byte in range(n):
                out[to + byte] = data[at + byte]
            continue
        stop = at + n
        while at < stop:
            out[to] = data[at]
            at += np.uint64(2 if data[at] == quote else 1)
            to += np.uint64(1)
