"""A tokenizer's normaliser run ahead of an engine that does not have it.

Comes in: a ``tokenizer.json``. Goes out: one without its normaliser, and a function that normalises texts as it did.
Texts of ASCII alone are their own normal forms, and lower case is a shift of letters there: Arrow does both. Any
other text goes through the normaliser of `tokenizers` itself, so that nothing can differ.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["take_normalizer"]

_KNOWN = {"Lowercase", "NFC", "NFD", "NFKC", "NFKD"}


def take_normalizer(content_json: str) -> tuple[str, Callable[[pa.StringArray], pa.StringArray]] | None:
    """Return the tokenizer without its normaliser, and what normalises texts; None where the two cannot be parted.

    They can where it is made of normal forms and lower case, and no added token is looked for before or after it.
    """
    config = json.loads(content_json)
    kinds = _kinds(config["normalizer"])
    if not kinds or not kinds <= _KNOWN or config["added_tokens"]:
        return None
    from tokenizers import Tokenizer

    normalizer: Any = Tokenizer.from_str(content_json).normalizer
    lowers = "Lowercase" in kinds

    def normalize(texts: pa.StringArray) -> pa.StringArray:
        found = pc.ascii_lower(texts) if lowers else texts
        beyond = pc.invert(pc.string_is_ascii(texts))
        if not pc.any(beyond).as_py():
            return found
        normal = [normalizer.normalize_str(text) for text in texts.filter(beyond).to_pylist()]
        return pc.replace_with_mask(found, beyond, pa.array(normal, pa.string()))

    return json.dumps(config | {"normalizer": None}, ensure_ascii=False), normalize


def _kinds(normalizer: dict[str, Any] | None) -> set[str]:
    if normalizer is None:
        return set()
    if normalizer["type"] == "Sequence":
        return {kind for part in normalizer["normalizers"] for kind in _kinds(part)}
    return {normalizer["type"]}
