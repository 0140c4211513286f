"""The texts on which two encoders are most likely to differ: of a table, and by heart.

Comes in: texts. Goes out: those of each kind that go furthest: the longest, those with the largest share of
non-Latin bytes, with control characters, with combining marks, with special tokens spelled out, empty ones, and some
at even distances. `BY_HEART` has each kind of trouble once, for rows that the sample has missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

__all__ = ["BY_HEART", "pick_nasty"]

_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x{9f}\x{ad}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{feff}\x{fffd}]"
_MARKS = r"\p{M}"
_LOOKED_AT = 1 << 14  # texts: of more, some at even distances
_LONGEST_BYTES = 1 << 18  # of one text: what is longer is cut, at a character

BY_HEART = (
    "",
    " ",
    "\n\t \r\n ",
    "a\x00b\x07c\x1f\x7f\x85d",
    "a\x0bb\x0cc\x1cd\x1ee",
    "soft\xadhyphen zero\u200bwidth \u200djoiner\u200c \u2060word \ufeffmark \ufffd",
    "line\u2028separator\u2029paragraph\u202eoverride",
    "no\xa0break\u2007figure\u3000ideographic\u1680ogham",
    "cafe\u0301 cafe\u0301s Ångström A\u030angstro\u0308m a\u0300\u0316\u0301\u0323",
    "q\u0307\u0323 \u0315 \u20dd e\u20e3 \u0345",
    "İstanbul ISTANBUL \u0131i Σίσυφος ΣΑΣ ß ẞ ﬁ ﬀ ǅ ŉ",
    "日本語のテキスト、中文文本。한국어 \u1112\u1161\u11ab\u1100\u1173\u11af カ\uff9e\u3099",
    "\U00020000\U0002a6d6\uf900\U0002f800 \U0001d49c\U0001d505\U0001d7d9 ① ㎏ ㈱",
    "हिन्दी क्षि ภาษาไทย ကမြန်မာ தமிழ் বাংলা",
    "العربية مُشَكَّلَة ﷺ עברית שָׁלוֹם",
    "👩\u200d👩\u200d👧 🏳️\u200d🌈 🇩🇪 👍🏽 ❤️ ☺",
    "\ue000\U000f0000\U0010ffff\ufdd0\U0001fffe",
    "don't can't WE'LL I'm they've 'tis rock'n'roll \u2019s",
    "1,234.56 1e-9 2024-01-31 $5 50% #tag @user a_b C++ x^2 ~!?",
    "https://example.org/a?b=c&d=%20#e name@example.org C:\\dir\\file",
    "word" * 60,
    "x" * 2_000,
    "é" * 500,
    "日" * 500,
    "!" * 300,
    " " * 300 + "end",
    "[SEP] [CLS][PAD] [MASK] [UNK] x[SEP]y ##ing",
    "<s> </s> <unk> <pad> <|endoftext|> x<|endoftext|>y <mask> <EOT> <0x0A>",
    "▁under Ġg Ċ",
)


def pick_nasty(texts: pa.StringArray, special: Iterable[str], limit: int) -> pa.StringArray:
    """Return at most `limit` texts of each kind, each once, in their order.

    Parameters
    ----------
    texts
        Without nulls.
    special
        The special tokens that a text may spell.
    limit
        Of each kind.
    """
    if len(texts) > _LOOKED_AT:
        texts = texts.take(pa.array(np.linspace(0, len(texts) - 1, _LOOKED_AT).astype(np.int64)))
    kinds = [_furthest(score, limit) for score in _scores(texts, special)]
    spread = np.linspace(0, max(len(texts) - 1, 0), min(limit, len(texts))).astype(np.int64)
    chosen = texts.take(pa.array(np.unique(np.concatenate([*kinds, spread]))))
    return pa.array(
        [text.encode()[:_LONGEST_BYTES].decode(errors="ignore") for text in chosen.to_pylist()], pa.string()
    )


def _scores(texts: pa.StringArray, special: Iterable[str]) -> Iterator[NDArray[np.float64]]:
    """Yield for each kind how far each text goes, shape (n_texts,); 0: not at all."""
    size = _numbers(pc.binary_length(texts))
    yield size
    yield (size == 0).astype(np.float64)
    yield (size - _numbers(pc.utf8_length(texts))) / np.maximum(size, 1)
    yield _numbers(pc.count_substring_regex(texts, _CONTROL))
    yield _numbers(pc.count_substring_regex(texts, _MARKS))
    spelled = np.zeros(len(texts))
    for token in special:
        spelled += _numbers(pc.count_substring(texts, token))
    yield spelled


def _furthest(score: NDArray[np.float64], limit: int) -> NDArray[np.int64]:
    found = np.flatnonzero(score > 0)
    return found[np.argsort(-score[found], kind="stable")[:limit]]


def _numbers(counts: pa.Array) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = counts.to_numpy(zero_copy_only=False).astype(np.float64)
    return numbers
