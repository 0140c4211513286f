"""Compiled loops that splice texts of letters that need no table: ASCII, and what two bytes of UTF-8 hold from U+00C0.

The same texts as `evenly.resample.splicing.splice` makes, which does the others. Kernels that call one another stand in
one file; see `evenly.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.compiled import compiled
from evenly.resample.units import LONGEST_WORD

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["find_plain", "splice_plain"]

_NOT_ASCII, _FIRST_PLAIN, _FIRST_OF_THREE = 0x80, 0xC3, 0xE0
_NEWLINE, _SPACE = ord("\n"), ord(" ")
_UNKNOWN = -1


def _table(characters: str) -> NDArray[np.bool_]:
    """Return for every byte whether it is one of these."""
    return np.isin(np.arange(256), [ord(character) for character in characters])


_IS_SPACE = _table("".join(chr(code) for code in range(128) if chr(code).isspace()))
_IS_STOP = _table(".!?")
_IS_CLOSER = _table("\"')]")
_IS_LOWER = _table("abcdefghijklmnopqrstuvwxyz")


@compiled
def find_plain(
    data: NDArray[np.uint8], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """Return which texts are of such letters only, and where each begins and ends without white space around it."""
    n_texts = len(offsets) - 1
    is_plain, begins, ends = np.ones(n_texts, np.bool_), offsets[:-1].copy(), offsets[1:].copy()
    for text in range(n_texts):
        for at in range(offsets[text], offsets[text + 1]):
            byte = data[at]
            if byte >= _FIRST_OF_THREE or (byte < _FIRST_PLAIN and byte >= 0xC0):  # noqa: PLR2004 - not a later byte
                is_plain[text] = False
                break
        while begins[text] < ends[text] and _IS_SPACE[data[begins[text]]]:
            begins[text] += 1
        while begins[text] < ends[text] and _IS_SPACE[data[ends[text] - 1]]:
            ends[text] -= 1
    return is_plain, begins, ends


@compiled
def _after_stop(data: NDArray[np.uint8], begin: int, at: int, end: int) -> int:
    """Return where the sentence after a stop or line break at `at` begins; `at` where none ends there."""
    if data[at] == _NEWLINE:
        after = at + 1
    else:
        if at > begin and _IS_STOP[data[at - 1]]:
            return at
        after = at
        while after < end and _IS_STOP[data[after]]:
            after += 1
        while after < end and _IS_CLOSER[data[after]]:
            after += 1
        if after == end or not _IS_SPACE[data[after]]:
            return at
    while after < end and _IS_SPACE[data[after]]:
        after += 1
    return after


@compiled
def _cut_sentences(data: NDArray[np.uint8], begin: int, end: int, first: int, last: int) -> tuple[int, int, int]:
    """Return how many sentences there are, -1 where a table is needed to tell, and where two of them begin."""
    n, at, at_first, at_last = 1, begin, begin if first == 0 else end, begin if last == 0 else end
    while at < end:
        byte = data[at]
        after = _after_stop(data, begin, at, end) if _IS_STOP[byte] or byte == _NEWLINE else at
        if after > at:
            if after < end and data[after] >= _NOT_ASCII:
                return _UNKNOWN, begin, begin
            if after < end and not _IS_LOWER[data[after]]:
                at_first = after if n == first else at_first
                at_last = after if n == last else at_last
                n += 1
            at = after
        else:
            at += 1
    return n, at_first, at_last


@compiled
def _cut_words(data: NDArray[np.uint8], begin: int, end: int, first: int, last: int) -> tuple[int, int, int]:
    """Return how many words there are, and where two of them begin; the end, where there are not so many."""
    n, at_first, at_last = 0, end, end
    was_space = True
    for at in range(begin, end):
        is_space = _IS_SPACE[data[at]]
        if was_space and not is_space:
            at_first = at if n == first else at_first
            at_last = at if n == last else at_last
            n += 1
        was_space = is_space
    return n, at_first, at_last


@compiled
def _cut(
    data: NDArray[np.uint8],
    begin: int,
    end: int,
    span: tuple[int, int],
    by_word: bool,  # noqa: FBT001 - numba takes flags by position
) -> tuple[int, int, int]:
    if by_word:
        return _cut_words(data, begin, end, span[0], span[1])
    return _cut_sentences(data, begin, end, span[0], span[1])


@compiled
def _span(n_units: int, share: float, position: float) -> tuple[int, int]:
    size = min(n_units, max(1, int(np.rint(share * n_units))))
    begin = min(int(position * n_units), n_units - size)
    return begin, begin + size


@compiled
def _append(data: NDArray[np.uint8], begin: int, end: int, out: NDArray[np.uint8], start: int, n: int) -> int:
    """Append bytes to the text that begins at `start` and ends at `n`, with a space between; return its new end."""
    if begin == end:
        return n
    if n > start and not _IS_SPACE[out[n - 1]]:
        out[n] = _SPACE
        n += 1
    for at in range(begin, end):
        out[n + at - begin] = data[at]
    return n + end - begin


@compiled
def splice_plain(
    data: NDArray[np.uint8],
    texts: tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]],
    seeds: NDArray[np.int64],
    references: NDArray[np.int64],
    share: NDArray[np.float64],
    position: NDArray[np.float64],
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_]]:
    """Splice texts; those that are not made are empty.

    Parameters
    ----------
    data, texts
        UTF-8, and what `find_plain` says of the texts in it.
    seeds, references
        Shape (n_rows,): the texts of each row.
    share, position
        Shape (n_rows,): see `splice`.

    Returns
    -------
    tuple
        The texts, where each begins (with the end of the last), and which were made.
    """
    is_plain, begins, ends = texts
    room = 0
    for row in range(len(seeds)):
        room += ends[seeds[row]] - begins[seeds[row]] + ends[references[row]] - begins[references[row]] + 2
    out, starts, made = np.empty(room, np.uint8), np.zeros(len(seeds) + 1, np.int64), np.zeros(len(seeds), np.bool_)
    n = 0
    for row in range(len(seeds)):
        starts[row + 1] = n
        seed, other = seeds[row], references[row]
        if not (is_plain[seed] and is_plain[other]):
            continue
        begin, end, other_begin, other_end = begins[seed], ends[seed], begins[other], ends[other]
        if begin == end or other_begin == other_end:
            n = _append(data, begin, end, out, n, n)
            starts[row + 1], made[row] = n, True
            continue
        n_units, _, _ = _cut_sentences(data, begin, end, -1, -1)
        n_others, _, _ = _cut_sentences(data, other_begin, other_end, -1, -1)
        if min(n_units, n_others) == _UNKNOWN:
            continue
        by_word = min(n_units, n_others) < 2  # noqa: PLR2004 - one sentence is the whole text
        if by_word:
            n_units, _, _ = _cut_words(data, begin, end, -1, -1)
            n_others, _, _ = _cut_words(data, other_begin, other_end, -1, -1)
            overlong = n_units == 1 and end - begin > LONGEST_WORD
            if overlong or (n_others == 1 and other_end - other_begin > LONGEST_WORD):
                continue
        span = _span(n_units, share[row], position[row])
        _, cut, again = _cut(data, begin, end, span, by_word)
        _, first, last = _cut(data, other_begin, other_end, _span(n_others, share[row], position[row]), by_word)
        start = n
        n = _append(data, begin, cut, out, start, n)
        n = _append(data, first, last, out, start, n)
        n = _append(data, again, end, out, start, n)
        while n > start and _IS_SPACE[out[n - 1]]:
            n -= 1
        starts[row + 1], made[row] = n, True
    return out[:n], starts, made
