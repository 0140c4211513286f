"""The words of a text, by which near-duplicates are told.

Words, not runs of three of them: a text to be classified is often a sentence. In one of 20 words, one other word
leaves 19 of 21 words in common (Jaccard .90), but 15 of 21 runs of three (.71): a threshold such as 0.8 would be
about length more than about likeness. What words cannot see is their order; texts made of the same words count as
near, which for keeping them in one split is the safer error.
"""

from __future__ import annotations

import unicodedata

from evenly.inspect.folding import fold_text

__all__ = ["SEPARATOR", "SPACELESS", "WORD", "jaccard", "kind_of_character", "text_words"]

SEPARATOR, WORD, SPACELESS = 1, 2, 3
_SPACELESS_RANGES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


def text_words(text: str) -> set[str]:
    """Return the distinct words of a text: runs of letters, marks and digits of the folded text.

    In scripts without spaces between words (Han, Kana, Thai, Lao, Burmese, Khmer) every two neighbouring
    characters are a word.

    Examples
    --------
    >>> sorted(text_words("Don't panic, DON'T!"))
    ['don', 'panic', 't']
    >>> sorted(text_words("東京都 2020"))
    ['2020', '京都', '東京']
    """
    words, run, last = set(), "", SEPARATOR
    for character in fold_text(text) + " ":
        kind = kind_of_character(character)
        if kind != last:
            words.update(_words_of_run(run, last))
            run = ""
        run, last = run + character, kind
    return words


def _words_of_run(run: str, kind: int) -> list[str]:
    if kind == SEPARATOR:
        return []
    if kind == WORD or len(run) == 1:
        return [run]
    return [run[i : i + 2] for i in range(len(run) - 1)]


def kind_of_character(character: str) -> int:
    """Return whether a character stands between words, in one, or is of a script without spaces."""
    if unicodedata.category(character)[0] not in "LMN":
        return SEPARATOR
    point = ord(character)
    return SPACELESS if any(low <= point <= high for low, high in _SPACELESS_RANGES) else WORD


def jaccard(one: set[str], other: set[str]) -> float:
    """Return the words that two texts share as a share of all their words; 0 where there are none."""
    union = len(one | other)
    return len(one & other) / union if union else 0.0
