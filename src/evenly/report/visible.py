"""Texts from outside in, texts that can be shown without deceiving the eye out.

Escaping of markup is the template engine's work; what stands here is about characters that HTML lets through but
that hide, reorder or end a text: control characters and the bidirectional overrides.
"""

from __future__ import annotations

import unicodedata

__all__ = ["clip", "clip_width", "visible"]

_KEPT = "\n\t"
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
"""Needed to spell Persian and Indic words and many emoji."""


def visible(text: str) -> str:
    """Return the text with control, format and bidirectional characters written as ``<U+202E>``.

    Line feeds, tabs and the joiners that spelling needs stay.
    """
    if text.isprintable():
        return text
    return "".join(_show(char) for char in text)


def _show(char: str) -> str:
    if char in _KEPT or char in _JOINERS or unicodedata.category(char) not in _HIDDEN:
        return char
    return f"<U+{ord(char):04X}>"


def clip(text: str, n_characters: int) -> str:
    """Return at most `n_characters` of a text, with an ellipsis where it was cut."""
    return text if len(text) <= n_characters else text[: n_characters - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def clip_width(text: str, n_columns: int) -> str:
    """Return what of a text fits into `n_columns` of a fixed-width font; East Asian wide characters take two."""
    taken = 0
    for end, char in enumerate(text):
        taken += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if taken > n_columns:
            return text[: end - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
    return text
