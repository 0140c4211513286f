"""The loops over the bytes of texts: fold them, hash them, find the first row with the same hash.

Rows of folded text start at multiples of 16 bytes and are padded with zeros, so that they are hashed 16 bytes at a
time. The hash is MurmurHash3_x64_128 (A. Appleby, 2011, public domain).

Imported only where texts are read, since importing numba costs half a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    _Bytes = NDArray[np.uint8]
    _Longs = NDArray[np.int64]
    _Hashes = NDArray[np.uint64]

__all__ = ["copy_rows", "find_hard_rows", "find_new_characters", "first_equal_rows", "fold_rows", "hash_rows"]

_SPACE = 32
_ASCII = np.array([_SPACE if chr(code).isspace() else ord(chr(code).lower()) for code in range(128)], np.uint8)
_BLOCK = 16
_PLAIN = 32
_FIRST_NOT_ASCII = np.uint8(128)
_TAB, _N_TABS = np.uint8(9), np.uint8(5)  # tab, newline, vertical tab, form feed, carriage return
_FS, _N_FS = np.uint8(28), np.uint8(4)  # the four separators, which are white space to Python
_A, _N_LETTERS = np.uint8(ord("A")), np.uint8(26)
_FIRST_OF_TWO, _FIRST_OF_THREE, _FIRST_OF_FOUR = 0xC0, 0xE0, 0xF0
_HARD = 2
_C1, _C2 = np.uint64(0x87C37B91114253D5), np.uint64(0x4CF5AD432745937F)
_C3, _C4 = np.uint64(0x52DCE729), np.uint64(0x38495AB5)
_M1, _M2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_FIVE = np.uint64(5)


@compiled
def _decode(data: _Bytes, at: int) -> tuple[Any, int]:
    """Return the character that starts at a byte of valid UTF-8, and how many bytes it has."""
    byte = np.int64(data[at])
    if byte < _FIRST_OF_TWO:
        return byte, 1
    if byte < _FIRST_OF_THREE:
        return (byte & 0x1F) << 6 | (data[at + 1] & 0x3F), 2
    if byte < _FIRST_OF_FOUR:
        return (byte & 0x0F) << 12 | np.int64(data[at + 1] & 0x3F) << 6 | (data[at + 2] & 0x3F), 3
    high = (byte & 0x07) << 18 | np.int64(data[at + 1] & 0x3F) << 12
    return high | np.int64(data[at + 2] & 0x3F) << 6 | (data[at + 3] & 0x3F), 4


@compiled
def find_new_characters(data: _Bytes, known: _Bytes) -> list[int]:
    """Return the characters from U+0080 on that are not yet `known`, and mark them."""
    found = [0][:0]
    at = 0
    while at < len(data):
        if data[at] < _FIRST_NOT_ASCII:
            at += 1
            continue
        character, size = _decode(data, at)
        at += size
        if known[character] == 0:
            known[character] = _HARD
            found.append(character)
    return found


@compiled
def find_hard_rows(data: _Bytes, offsets: _Longs, known: _Bytes) -> NDArray[np.bool_]:
    """Return which rows hold a character that cannot be folded by itself, shape (n_rows,), bool."""
    hard = np.zeros(len(offsets) - 1, np.bool_)
    for row in range(len(hard)):
        at = offsets[row]
        while at < offsets[row + 1] and not hard[row]:
            if data[at] < _FIRST_NOT_ASCII:
                at += 1
                continue
            character, size = _decode(data, at)
            at += size
            hard[row] = known[character] == _HARD
    return hard


@compiled
def _pad(out: _Bytes, end: int) -> int:
    """Write zeros to the next multiple of 16 bytes and return it."""
    padded = (end + _BLOCK - 1) // _BLOCK * _BLOCK
    for at in range(end, padded):
        out[at] = 0
    return padded


@compiled
def _fold_plain(given: _Bytes, before: _Bytes, out: _Bytes) -> bool:
    """Fold 32 bytes and return whether they are what this can fold: ASCII without two spaces in a row.

    `before` are the same bytes, each one place earlier. There is no branch and no number wider than a byte in the
    loop, so that it becomes vector instructions: ten times as fast as a byte at a time.
    """
    odd = np.uint8(0)
    for i in range(_PLAIN):
        byte, last = given[i], before[i]
        space = (byte == _SPACE) | (np.uint8(byte - _TAB) < _N_TABS) | (np.uint8(byte - _FS) < _N_FS)
        after = (last == _SPACE) | (np.uint8(last - _TAB) < _N_TABS) | (np.uint8(last - _FS) < _N_FS)
        odd = np.uint8(odd | np.uint8((byte & _FIRST_NOT_ASCII) | np.uint8(space & after)))
        upper = np.uint8(np.uint8(byte - _A) < _N_LETTERS)
        out[i] = np.uint8(_SPACE) if space else np.uint8(byte + np.uint8(upper << np.uint8(5)))
    return bool(odd == 0)


@compiled
def _fold_plain_blocks(data: _Bytes, at: int, stop: int, out: _Bytes, end: int) -> int:
    """Fold blocks of 32 bytes as long as they are plain and return how many bytes that were."""
    begin = at
    while at + _PLAIN <= stop:
        if not _fold_plain(data[at : at + _PLAIN], data[at - 1 : at + _PLAIN - 1], out[end : end + _PLAIN]):
            break
        at, end = at + _PLAIN, end + _PLAIN
    return at - begin


@compiled
def _count_characters(text: _Bytes) -> int:
    """Return the characters of UTF-8: all bytes but those that go on with one."""
    n_characters = 0
    for i in range(len(text)):
        n_characters += (text[i] & np.uint8(0xC0)) != np.uint8(0x80)
    return n_characters


@compiled
def _count_words(folded: _Bytes) -> int:
    """Return the words of a folded text: one more than its spaces."""
    n_spaces = 0
    for i in range(len(folded)):
        n_spaces += folded[i] == _SPACE
    return n_spaces + (len(folded) > 0)


@compiled
def _append(byte: int, out: _Bytes, end: int, was_space: bool) -> tuple[int, bool]:  # noqa: FBT001 - compiled
    """Write a byte where the last one does not end in a space already; return the new end and whether it is one."""
    space = byte == _SPACE
    out[end] = byte
    return end + (not (space and was_space)), space  # what comes next overwrites a second space


@compiled
def fold_rows(
    data: _Bytes,
    offsets: _Longs,
    hard: _Longs,
    hard_data: _Bytes,
    hard_offsets: _Longs,
    start: NDArray[np.int32],
    length: _Bytes,
    pool: _Bytes,
    out: _Bytes,
    rows: _Longs,
) -> None:
    """Fold texts: every character by its replacement, every run of white space to one space, none at the ends.

    Parameters
    ----------
    data, offsets
        The texts, UTF-8; text i is ``data[offsets[i]:offsets[i + 1]]``.
    hard, hard_data, hard_offsets
        Shape (n_rows,): which of the texts in `hard_data`, folded already, is this row's; -1: none.
    start, length, pool
        Of every character from U+0080 on: where its replacement lies in `pool`.
    out
        Where folded texts are written; each starts at a multiple of 16 bytes.
    rows
        Shape (4, n_rows), written: first byte in `out`, bytes, characters of the given text, words.
    """
    end = 0
    for row in range(len(offsets) - 1):
        begin = end
        at, stop = offsets[row], offsets[row + 1]
        careful = at + 1  # up to here a byte at a time
        characters, was_space = 0, True
        if hard[row] >= 0:
            characters = _count_characters(data[at:stop])
            for i in range(hard_offsets[hard[row]], hard_offsets[hard[row] + 1]):
                end, was_space = _append(hard_data[i], out, end, was_space)
            at = stop
        while at < stop:
            if at >= careful and data[at - 1] < _FIRST_NOT_ASCII:
                size = _fold_plain_blocks(data, at, stop, out, end)
                careful = at + size + _PLAIN
                if size:
                    at, end, characters = at + size, end + size, characters + size
                    was_space = out[end - 1] == _SPACE
                    continue
            characters += 1
            if data[at] < _FIRST_NOT_ASCII:
                end, was_space = _append(_ASCII[data[at]], out, end, was_space)
                at += 1
                continue
            character, size = _decode(data, at)
            at += size
            for i in range(start[character], start[character] + length[character]):
                end, was_space = _append(pool[i], out, end, was_space)
        end -= was_space and end > begin
        rows[0, row], rows[1, row] = begin, end - begin
        rows[2, row], rows[3, row] = characters, _count_words(out[begin:end])
        end = _pad(out, end)


@compiled
def copy_rows(data: _Bytes, offsets: _Longs, out: _Bytes, rows: _Longs) -> None:
    """Copy texts as they are to where they can be hashed; `rows` as for `fold_rows`, the first two only."""
    end = 0
    for row in range(len(offsets) - 1):
        rows[0, row], rows[1, row] = end, offsets[row + 1] - offsets[row]
        for at in range(offsets[row], offsets[row + 1]):
            out[end] = data[at]
            end += 1
        end = _pad(out, end)


@compiled
def _rotate(value: Any, left: int) -> Any:
    return value << np.uint64(left) | value >> np.uint64(64 - left)


@compiled
def _finish(value: Any) -> Any:
    value = (value ^ (value >> np.uint64(33))) * _M1
    value = (value ^ (value >> np.uint64(33))) * _M2
    return value ^ (value >> np.uint64(33))


@compiled
def hash_rows(blocks: _Hashes, starts: _Longs, lengths: _Longs, seed: int, out: _Hashes) -> None:
    """Write the 128-bit hash of every row to `out`, shape (n_rows, 2).

    Parameters
    ----------
    blocks
        The bytes, eight a number, little-endian; each row padded with zeros to a multiple of 16 bytes.
    starts, lengths
        Shape (n_rows,): first byte (a multiple of 16) and number of bytes.
    seed
        Of the hash.
    """
    for row in range(len(starts)):
        one = two = np.uint64(seed)
        size = lengths[row]
        at = starts[row] // 8
        for _ in range(size // _BLOCK):
            one ^= _rotate(blocks[at] * _C1, 31) * _C2
            one = (_rotate(one, 27) + two) * _FIVE + _C3
            two ^= _rotate(blocks[at + 1] * _C2, 33) * _C1
            two = (_rotate(two, 31) + one) * _FIVE + _C4
            at += 2
        if size % _BLOCK:
            two ^= _rotate(blocks[at + 1] * _C2, 33) * _C1
            one ^= _rotate(blocks[at] * _C1, 31) * _C2
        one, two = one ^ np.uint64(size), two ^ np.uint64(size)
        one += two
        two += one
        one, two = _finish(one), _finish(two)
        one += two
        two += one
        out[row, 0], out[row, 1] = one, two


@compiled
def first_equal_rows(digests: _Hashes) -> _Longs:
    """Return the lowest row with the same digest, shape (n_rows,), int64; (0, 0) is the same as nothing else.

    A table of row numbers with open addressing, at most half full.
    """
    n_rows = len(digests)
    size = 2
    while size < 2 * n_rows:
        size *= 2
    mask = np.uint64(size - 1)
    table = np.full(size, -1, np.int64)
    first = np.empty(n_rows, np.int64)
    for row in range(n_rows):
        one, two = digests[row, 0], digests[row, 1]
        first[row] = row
        if one == 0 and two == 0:
            continue
        slot = one & mask
        while table[slot] >= 0:
            other = table[slot]
            if digests[other, 0] == one and digests[other, 1] == two:
                break
            slot = (slot + np.uint64(1)) & mask
        if table[slot] >= 0:
            first[row] = table[slot]
        else:
            table[slot] = row
    return first
