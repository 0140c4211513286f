"""A user's text is not control: the tokenizer that encodes texts knows no special tokens.

Comes in: a ``tokenizer.json``. Goes out: another one, which encodes a text alone, without anything around it or cut
off. A text that spells ``[SEP]`` or ``</s>`` gives the pieces of these characters, as `AutoTokenizer` gives with
``split_special_tokens=True``; otherwise anyone who writes a text could end it, or mask a word, for the model. That
option alone is not enough: the vocabulary of a Unigram model holds ``</s>`` as a piece, so it is taken out of there,
too. The token for what is unknown stays: it is no control. Added tokens that are not special (emoji, domain words)
are found in texts as before.
"""

from __future__ import annotations

from typing import Any, Literal

__all__ = ["SpecialTokens", "content_config", "special_tokens_of"]

SpecialTokens = Literal["text", "control"]
_UNREACHABLE = "\ufdd0"  # a code point that Unicode keeps out of texts for good


def content_config(config: dict[str, Any], *, special_tokens: SpecialTokens) -> dict[str, Any]:
    """Return what a ``tokenizer.json`` holds that encodes the content of texts.

    Parameters
    ----------
    config
        What the ``tokenizer.json`` of the whole tokenizer holds.
    special_tokens
        ``text``: a special token that a text spells is text; ``control``: it becomes the special id.
    """
    content = config | {"truncation": None, "padding": None, "post_processor": None}
    if special_tokens == "text":
        special = special_tokens_of(config)
        content["added_tokens"] = [token for token in config["added_tokens"] if token["content"] not in special]
        content["model"] = _forget(config["model"], special)
    return content


def special_tokens_of(config: dict[str, Any]) -> set[str]:
    """Return the special tokens of a parsed ``tokenizer.json``."""
    return {token["content"] for token in config["added_tokens"] if token["special"]}


def _forget(model: dict[str, Any], special: set[str]) -> dict[str, Any]:
    """Return a model that no text can lead to a special token but the unknown one; ids stay as they are."""
    vocabulary = model["vocab"]
    if isinstance(vocabulary, list):  # Unigram: an id is a place in the list, so a piece is renamed, not removed
        unknown = model.get("unk_id")
        named = [
            [f"{_UNREACHABLE}{piece}{_UNREACHABLE}" if piece in special and i != unknown else piece, score]
            for i, (piece, score) in enumerate(vocabulary)
        ]
        return model | {"vocab": named}
    gone = special - {model.get("unk_token")}
    kept = {token: i for token, i in vocabulary.items() if token not in gone}
    merges = {"merges": [pair for pair in model["merges"] if not _touches(pair, gone)]} if "merges" in model else {}
    return model | {"vocab": kept} | merges


def _touches(merge: str | list[str], gone: set[str]) -> bool:
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    return left in gone or right in gone or left + right in gone
