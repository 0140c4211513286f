"""What is done to a text before it is looked at: HTML entities turned into characters, then Unicode normalised.

In: a text column. Out: the same column, changed where it had to be, and how many cells were. Most cells need
neither, so only those with an ampersand, or with a character beyond ASCII, become Python strings.
"""

from __future__ import annotations

import html
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NORMALISED", "UNESCAPED", "TextRules", "clean_text"]

UNESCAPED = "unescaped"
NORMALISED = "normalised"


@dataclass(frozen=True)
class TextRules:
    """What is done to the cells of the text columns.

    Attributes
    ----------
    unescape_html
        Entities such as ``&amp;`` become characters, once: ``&amp;amp;`` becomes ``&amp;``.
    unicode
        ``as_is``, or the normal form ``NFC`` or ``NFKC``.
    """

    unescape_html: bool = False
    unicode: str = "as_is"


def clean_text(text: pa.StringArray, rules: TextRules) -> tuple[pa.StringArray, dict[str, int]]:
    """Return the cleaned cells, and how many cells each rule has changed."""
    changed: dict[str, int] = {}
    if rules.unescape_html:
        text, changed[UNESCAPED] = _change(text, pc.match_substring(text, "&"), html.unescape)
    if rules.unicode != "as_is":
        beyond_ascii = pc.invert(pc.string_is_ascii(text))
        text, changed[NORMALISED] = _change(text, beyond_ascii, lambda cell: _normalise(cell, rules.unicode))
    return text, changed


def _normalise(cell: str, form: str) -> str:
    return unicodedata.normalize("NFC" if form == "NFC" else "NFKC", cell)


def _change(text: pa.StringArray, mask: pa.BooleanArray, change: Callable[[str], str]) -> tuple[pa.StringArray, int]:
    """Apply `change` where the mask holds; return the cells and how many differ from before."""
    rows = np.flatnonzero(mask.fill_null(pa.scalar(value=False)).to_numpy(zero_copy_only=False))
    before = text.take(pa.array(rows)).to_pylist()
    after = [change(cell) for cell in before]
    differs = np.array([new != old for new, old in zip(after, before, strict=True)], np.bool_)
    if not differs.any():
        return text, 0
    where = np.zeros(len(text), np.bool_)
    where[rows] = differs
    replaced = pa.array([cell for cell, is_new in zip(after, differs, strict=True) if is_new], pa.string())
    return pc.replace_with_mask(text, pa.array(where), replaced), int(differs.sum())
