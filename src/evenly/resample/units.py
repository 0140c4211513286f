"""A text cut into sentences, words or characters, each with the white space that follows it.

The parts of a text joined again are the text. Scripts that put no space between words are cut into characters, each
with the marks that belong to it.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = [
    "LONGEST_WORD",
    "characters",
    "features_of",
    "is_undivided",
    "needs_space",
    "sentences",
    "smallest_units",
    "words",
]

LONGEST_WORD = 20  # characters; a longer text without any space is not one word

# A full stop ends a sentence when white space follows; a full-width one does anyway; a line break does. The pattern
# begins with a set, by which `re` skips what cannot match; in a run of stops only the first one is tried.
_SENTENCE_END = re.compile(
    r"[.!?…。\uff01\uff1f｡\n]"
    r"(?:(?<=[.!?…])(?<![.!?…]{2})[.!?…]*+[\"'”\u2019»)\]]*+\s++"
    r"|(?<=[。\uff01\uff1f｡])[。\uff01\uff1f｡]*+[」』”\u2019\uff09]*+\s*+"
    r"|(?<=\n)\s*+)"
)
_WORD = re.compile(r"\S+\s*")
_TOKEN = re.compile(r"\w+")
# Thai and Lao, Burmese, Khmer, Chinese punctuation, kana, Chinese characters, full-width forms
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)
_JOINER = "\u200d"


def sentences(text: str) -> list[str]:
    """Return the sentences of a text; a stop before a lower-case letter (``e.g. this``) ends none."""
    parts, begin = [], 0
    for end in (match.end() for match in _SENTENCE_END.finditer(text)):
        if end < len(text) and not text[end].islower():
            parts.append(text[begin:end])
            begin = end
    return [*parts, text[begin:]] if begin < len(text) else parts


def words(text: str) -> list[str]:
    """Return what stands between white space; white space at the start of the text is dropped."""
    return _WORD.findall(text)


def characters(text: str) -> list[str]:
    """Return the characters of a text, each with its marks, joined emoji and white space."""
    parts: list[str] = []
    for character in text:
        belongs = character == _JOINER or character.isspace() or unicodedata.category(character).startswith("M")
        if parts and (belongs or parts[-1].endswith(_JOINER)):
            parts[-1] += character
        else:
            parts.append(character)
    return parts


def smallest_units(text: str) -> list[str]:
    """Return the words of a text, or its characters where it is one word that no space ever divides."""
    return characters(text) if is_undivided(text) else words(text)


def is_undivided(text: str) -> bool:
    """Tell whether a text is a single word, and overlong or of a script that puts no space between words."""
    found = text.split(None, 1)
    return len(found) == 1 and (len(found[0]) > LONGEST_WORD or bool(_UNSPACED.search(text)))


def needs_space(left: str, right: str) -> bool:
    """Tell whether a space belongs between two pieces of text that are put together."""
    both_unspaced = _UNSPACED.match(left[-1]) and _UNSPACED.match(right[0])
    return not (left[-1].isspace() or both_unspaced)


def features_of(text: str) -> list[str]:
    """Return what two texts are compared by: words in lower case, pairs of characters where words are not spaced."""
    text = text.lower()
    tokens: list[str] = _TOKEN.findall(text)
    may_be_cut = max(map(len, tokens), default=0) > LONGEST_WORD or (not text.isascii() and _UNSPACED.search(text))
    return [part for token in tokens for part in _pairs(token)] if may_be_cut else tokens


def _pairs(token: str) -> list[str]:
    if len(token) > 1 and (_UNSPACED.search(token) or len(token) > LONGEST_WORD):
        return [token[at : at + 2] for at in range(len(token) - 1)]
    return [token]
