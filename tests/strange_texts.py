"""Texts that encoders disagree on, drawn at random: every script, marks, controls, special tokens, endless words."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

RANGES = [
    (0x00, 0x80), (0x80, 0x250), (0x300, 0x370), (0x370, 0x600), (0x600, 0x700), (0x900, 0xA00), (0xE00, 0xE80),
    (0x1100, 0x1200), (0x1E00, 0x2000), (0x2000, 0x2070), (0x20D0, 0x2100), (0x2150, 0x2200), (0x3000, 0x3100),
    (0x4E00, 0x4F00), (0xAC00, 0xAD00), (0xF900, 0xFB10), (0xFB50, 0xFC00), (0xFE00, 0xFE30), (0xFF00, 0xFFF0),
    (0x1F300, 0x1F700), (0x20000, 0x20100), (0xE0000, 0xE0080), (0x1D400, 0x1D500),
]  # fmt: skip
PIECES = [
    "[SEP]", "[CLS]", "[PAD]", "[MASK]", "[UNK]", "<|endoftext|>", "</s>", "<s>", "<unk>", "<pad>", "<EOT>", "<META>",
    " ", "  ", "\n", "\t", "\r\n", "the", "The", "running", "don't", "'LL", "we're", "2024", "1,000", "http://x.y/z?q=1",
    "e\u0301", "\u200d", "\ufeff", "\ufffd", "\x00", "\x1f", "\x7f", "\x85", "\xa0", "\u2028", "İ", "ß", "\ufb01",
    "Σας", "日本", "한국", "👩\u200d👩\u200d👧", "##ly", "▁a", "Ġa",
]  # fmt: skip
ENDLESS = ["x", "é", "日", "a\u0301", "!", "\u200d", "[SEP]"]


def strange_texts(n: int, seed: int, *, endless: int) -> list[str]:
    """Return `n` texts, then an empty one and words of `endless` characters."""
    rng = random.Random(seed)  # noqa: S311 - test data
    return [*(_text(rng) for _ in range(n)), "", *(piece * (endless // len(piece)) for piece in ENDLESS)]


def _text(rng: random.Random) -> str:
    kind = rng.randrange(4)
    if kind == 0:
        return "".join(_any_character(rng, rng.randrange(20)))
    if kind == 1:
        return "".join(rng.choice(PIECES) for _ in range(rng.randrange(12)))
    ranges = rng.sample(RANGES, rng.randrange(1, 4))
    parts = [
        chr(rng.randrange(*rng.choice(ranges))) if rng.random() < 0.8 else rng.choice(PIECES)
        for _ in range(rng.randrange(40))
    ]
    return "".join(parts)


def _any_character(rng: random.Random, n: int) -> Iterator[str]:
    for _ in range(n):
        code = rng.randrange(0x110000)
        yield "x" if 0xD800 <= code < 0xE000 else chr(code)
