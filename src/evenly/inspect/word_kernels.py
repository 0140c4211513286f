"""The loops over the words of texts: one number a word, MinHash signatures, rows of one bucket compared.

A word is known by 32 bits of its hash, a text by the set of these numbers. Imported only where near-duplicates are
asked for, since importing numba costs half a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.compiled import compiled
from evenly.inspect.words import SEPARATOR, SPACELESS, WORD, kind_of_character

if TYPE_CHECKING:
    from numpy.typing import NDArray

    _Bytes = NDArray[np.uint8]
    _Longs = NDArray[np.int64]
    _Words = NDArray[np.uint32]

__all__ = ["collect_words", "distinct_words", "find_roots", "join_pairs", "link_rows", "sign_sets"]

_ASCII_KINDS = np.array([kind_of_character(chr(code)) for code in range(128)], np.uint8)
_FIRST_NOT_ASCII, _FIRST_OF_THREE, _FIRST_OF_FOUR = np.uint8(128), 0xE0, 0xF0
_SEED, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
_LEADERS = 64
_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


@compiled
def _kind_at(data: _Bytes, at: int, kinds: _Bytes) -> tuple[Any, int]:
    """Return the kind of the character that starts at a byte of valid UTF-8, and how many bytes it has."""
    byte = np.int64(data[at])
    if byte < _FIRST_NOT_ASCII:
        return np.int64(_ASCII_KINDS[byte]), 1
    if byte < _FIRST_OF_THREE:
        return np.int64(kinds[(byte & 0x1F) << 6 | np.int64(data[at + 1] & 0x3F)]), 2
    middle = np.int64(data[at + 1] & 0x3F) << 6 | np.int64(data[at + 2] & 0x3F)
    if byte < _FIRST_OF_FOUR:
        return np.int64(kinds[(byte & 0x0F) << 12 | middle]), 3
    return np.int64(kinds[(byte & 0x07) << 18 | middle << 6 | np.int64(data[at + 3] & 0x3F)]), 4


@compiled
def _is_ascii(text: _Bytes) -> bool:
    seen = np.uint8(0)
    for i in range(len(text)):
        seen |= text[i]
    return bool(seen < _FIRST_NOT_ASCII)


@compiled
def _cut_ascii(text: _Bytes, begins: _Longs) -> int:
    """Write where words begin and end, in turns; return how many places that are.

    Whether a run begins at a byte decides by how much a number grows, not where the program goes on: the lengths of
    words cannot be foretold, and each wrong guess costs as much as ten bytes.
    """
    n, last = 0, np.uint8(SEPARATOR)
    for at in range(len(text)):
        kind = _ASCII_KINDS[text[at]]
        begins[n] = at
        n += kind != last
        last = kind
    begins[n] = len(text)
    return n


@compiled
def _cut_runs(text: _Bytes, kinds: _Bytes, begins: _Longs, run_kinds: _Bytes) -> int:
    """Write where runs of one kind of character begin, and which kind; return how many runs there are."""
    n, last, at = 0, SEPARATOR, 0
    while at < len(text):
        kind, size = _kind_at(text, at, kinds)
        begins[n], run_kinds[n] = at, kind
        n += kind != last
        last = kind
        at += size
    begins[n] = len(text)
    return n


@compiled
def _word_number(blocks: NDArray[np.uint64], begin: int, end: int) -> Any:
    """Return 32 bits of the hash of the bytes from `begin` to `end`, read eight at a time."""
    state = _SEED ^ np.uint64(end - begin)
    shift, block = np.uint64((begin & 7) << 3), begin >> 3
    left = end - begin
    while left > 0:
        # A shift by 64 is not defined: twice, by 1 and by the rest, is.
        chunk = blocks[block] >> shift | (blocks[block + 1] << np.uint64(1)) << (np.uint64(63) - shift)
        if left < 8:  # noqa: PLR2004 - bytes of a number
            chunk &= (np.uint64(1) << np.uint64(left << 3)) - np.uint64(1)
        state = (state ^ chunk) * _MIX
        state ^= state >> _HALF
        block, left = block + 1, left - 8
    return np.uint32((state * _MIX) >> _HALF)


@compiled
def _number_pairs(blocks: NDArray[np.uint64], data: _Bytes, begin: int, end: int, words: _Words) -> int:
    """Write the number of every two neighbouring characters, or of the only one; return how many there are."""
    n, previous = 0, begin
    at = begin + _size_at(data, begin)
    while at < end:
        size = _size_at(data, at)
        words[n] = _word_number(blocks, previous, at + size)
        n, previous, at = n + 1, at, at + size
    if n == 0:
        words[0] = _word_number(blocks, begin, end)
    return max(n, 1)


@compiled
def _size_at(data: _Bytes, at: int) -> int:
    return 3 if data[at] < _FIRST_OF_FOUR else 4  # scripts without spaces begin above U+0800


@compiled
def collect_words(
    blocks: NDArray[np.uint64],
    data: _Bytes,
    starts: _Longs,
    lengths: _Longs,
    kinds: _Bytes,
    words: _Words,
    ends: _Longs,
) -> None:
    """Write the number of every word of every row to `words`, one row after the other.

    Parameters
    ----------
    blocks, data, starts, lengths
        Folded texts, as numbers of eight bytes and as bytes; first byte and number of bytes of each.
    kinds
        Shape (0x110000,): of every character from U+0080 on, see `evenly.inspect.words`.
    words
        At least as many as the rows can have: half of their bytes, and one more a row.
    ends
        Shape (n_rows + 1,), written: where the words of each row end, after a first 0.
    """
    most = 0
    for row in range(len(lengths)):
        most = max(most, lengths[row])
    begins, run_kinds = np.empty(most + 2, np.int64), np.empty(most + 2, np.uint8)
    n = 0
    ends[0] = 0
    for row in range(len(starts)):
        start = starts[row]
        text = data[start : start + lengths[row]]
        if _is_ascii(text):
            for run in range(0, _cut_ascii(text, begins), 2):
                words[n] = _word_number(blocks, start + begins[run], start + begins[run + 1])
                n += 1
        else:
            for run in range(_cut_runs(text, kinds, begins, run_kinds)):
                begin, end = start + begins[run], start + begins[run + 1]
                if run_kinds[run] == WORD:
                    words[n] = _word_number(blocks, begin, end)
                    n += 1
                elif run_kinds[run] == SPACELESS:
                    n += _number_pairs(blocks, data, begin, end, words[n:])
        ends[row + 1] = n


@compiled
def distinct_words(words: _Words, ends: _Longs, distinct: _Words, distinct_ends: _Longs) -> None:
    """Write every word of a row once, in the order of their first places; arrays as `collect_words` fills them.

    A table with open addressing holds word and row together, so that it need not be emptied between rows.
    """
    most = 1
    for row in range(len(ends) - 1):
        most = max(most, ends[row + 1] - ends[row])
    table = np.zeros(_table_size(most), np.uint64)
    mask = np.uint64(len(table) - 1)
    n = 0
    distinct_ends[0] = 0
    for row in range(len(ends) - 1):
        mark = np.uint64(row + 1) << _HALF
        for at in range(ends[row], ends[row + 1]):
            if _insert(table, mask, mark | np.uint64(words[at])):
                distinct[n] = words[at]
                n += 1
        distinct_ends[row + 1] = n


@compiled
def _insert(table: NDArray[np.uint64], mask: Any, entry: Any) -> bool:
    """Put a word with the mark of its row into a table; return whether it was not there yet."""
    slot = entry & mask
    while (table[slot] ^ entry) >> _HALF == 0:  # of the same row
        if table[slot] == entry:
            return False
        slot = (slot + np.uint64(1)) & mask
    table[slot] = entry
    return True


@compiled
def _holds(table: NDArray[np.uint64], mask: Any, entry: Any) -> bool:
    """Return whether a word with the mark of its row is in a table."""
    slot = entry & mask
    while (table[slot] ^ entry) >> _HALF == 0:
        if table[slot] == entry:
            return True
        slot = (slot + np.uint64(1)) & mask
    return False


@compiled
def sign_sets(words: _Words, ends: _Longs, factors: _Words, addends: _Words, n_band_rows: int, keys: _Words) -> None:
    """Write the key of every row in every band.

    The i-th hash of a word w is (a_i w + b_i) mod 2^32, a_i odd; the i-th number of a signature the smallest of
    them over the words of a row, and the key of a band a hash of `n_band_rows` such numbers.

    Parameters
    ----------
    words, ends
        The distinct words of the rows.
    factors, addends
        Shape (n_bands * n_band_rows,): a and b.
    keys
        Shape (n_bands, n_rows), written.
    """
    signature = np.empty(len(factors), np.uint32)
    for row in range(len(ends) - 1):
        signature[:] = np.uint32(0xFFFFFFFF)
        last = ends[row + 1] - 1
        for at in range(ends[row], ends[row + 1], 4):  # four words at a time: the numbers are read once for them
            one, two = words[at], words[min(at + 1, last)]
            three, four = words[min(at + 2, last)], words[min(at + 3, last)]
            for i in range(len(signature)):
                a, b = factors[i], addends[i]
                lower = min(np.uint32(np.uint32(one * a) + b), np.uint32(np.uint32(two * a) + b))
                other = min(np.uint32(np.uint32(three * a) + b), np.uint32(np.uint32(four * a) + b))
                signature[i] = min(signature[i], lower, other)
        for band in range(len(keys)):
            state = _SEED
            for i in range(band * n_band_rows, (band + 1) * n_band_rows):
                state = (state ^ np.uint64(signature[i])) * _MIX
                state ^= state >> _HALF
            keys[band, row] = np.uint32(state >> _HALF)


@compiled
def _are_near(table: Any, mask: Any, mark: Any, n_words: int, other: _Words, threshold: float) -> bool:
    """Return whether a set reaches the Jaccard similarity with the set in the table, stopping when it cannot."""
    most_missing = len(other) - threshold / (1 + threshold) * (n_words + len(other)) + 1e-6
    if most_missing < 0:
        return False
    shared, missing = 0, 0
    for i in range(len(other)):
        if _holds(table, mask, mark | np.uint64(other[i])):
            shared += 1
        else:
            missing += 1
            if missing > most_missing:
                return False
    return shared / (n_words + missing) >= threshold


@compiled
def _table_size(n_most: int) -> int:
    """Return the smallest power of 2 that is twice as large: a table that is at most half full."""
    size = 2
    while size < 2 * n_most:
        size *= 2
    return size


@compiled
def _link_to_leaders(
    row: Any,
    leaders: _Longs,
    n_leaders: int,
    words: _Words,
    ends: _Longs,
    table: NDArray[np.uint64],
    mark: Any,
    threshold: float,
    pairs: _Longs,
) -> tuple[int, int]:
    """Write pairs of the row and the leaders that are near; return how many, and how many leaders are left.

    Of the leaders that are near, the first stays: the row joins the others to it.
    """
    mask = np.uint64(len(table) - 1)
    for at in range(ends[row], ends[row + 1]):
        _insert(table, mask, mark | np.uint64(words[at]))
    n_words, n_near, i = ends[row + 1] - ends[row], 0, 0
    while i < n_leaders:
        leader = leaders[i]
        if not _are_near(table, mask, mark, n_words, words[ends[leader] : ends[leader + 1]], threshold):
            i += 1
            continue
        pairs[n_near, 0], pairs[n_near, 1] = leader, row
        n_near += 1
        if n_near == 1:
            i += 1
        else:
            n_leaders -= 1
            leaders[i] = leaders[n_leaders]
    return n_near, n_leaders


@compiled
def link_rows(packed: NDArray[np.uint64], words: _Words, ends: _Longs, threshold: float) -> _Longs:
    """Return pairs of rows of one bucket whose sets are near, shape (n_pairs, 2), int64.

    Every row is compared with the leaders of its bucket: the rows before it that were near to none, the latest 64
    where there are more. A bucket of m rows costs 64 m comparisons at most. Up to 65 rows, it loses only pairs of
    which one row is no leader and the other is not near to its leader.

    Parameters
    ----------
    packed
        Key of the band (high 32 bits) and row (low 32 bits), sorted.
    words, ends
        The distinct words of all rows.
    threshold
        Jaccard similarity.
    """
    most = 1
    for entry in packed:
        row = np.int64(entry & _LOW)
        most = max(most, ends[row + 1] - ends[row])
    table = np.zeros(_table_size(most), np.uint64)
    pairs = np.empty((2 * len(packed), 2), np.int64)  # each second pair of a row takes a leader away
    leaders = np.empty(_LEADERS, np.int64)
    n_pairs, n_leaders, n_turns = 0, 0, 0
    for place in range(len(packed)):
        row = np.int64(packed[place] & _LOW)
        if place == 0 or packed[place - 1] >> _HALF != packed[place] >> _HALF:
            leaders[0], n_leaders = row, 1
            continue
        mark = np.uint64(place) << _HALF
        n_near, n_leaders = _link_to_leaders(
            row, leaders, n_leaders, words, ends, table, mark, threshold, pairs[n_pairs:]
        )
        n_pairs += n_near
        if n_near == 0 and n_leaders < _LEADERS:
            leaders[n_leaders] = row
            n_leaders += 1
        elif n_near == 0:
            leaders[n_turns % _LEADERS] = row
            n_turns += 1
    return pairs[:n_pairs]


@compiled
def join_pairs(lowest: _Longs, pairs: _Longs) -> None:
    """Join rows in place: `lowest` holds for every row a lower row of its cluster, or itself."""
    for pair in range(len(pairs)):
        one, other = _find_root(lowest, pairs[pair, 0]), _find_root(lowest, pairs[pair, 1])
        lowest[max(one, other)] = min(one, other)


@compiled
def _find_root(lowest: _Longs, row: int) -> int:
    while lowest[row] != row:
        lowest[row] = lowest[lowest[row]]
        row = lowest[row]
    return row


@compiled
def find_roots(lowest: _Longs) -> None:
    """Replace, for every row, a lower row of its cluster by the lowest."""
    for row in range(len(lowest)):  # ascending: what a lower row holds is final
        lowest[row] = lowest[lowest[row]]
