"""Ids as `tokenizers` itself gives them, template and truncation included, to compare evenly's with."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from evenly.tokenize import encode
from evenly.tokenize.engines import FAST_ENGINES, REFERENCE, is_installed
from evenly.tokenize.plain_text import content_config
from evenly.tokenize.vocabulary import read_vocabulary

if TYPE_CHECKING:
    from pathlib import Path


@cache
def open_tokenizer(folder: Path) -> Any:
    """Return the fast tokenizer of a folder as `transformers` opens it."""
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


@cache
def open_reference(folder: Path, max_length: int, stride: int = 0) -> Tokenizer:
    """Return the tokenizer of a folder with a truncation of its own, to which special tokens in a text are text."""
    whole = json.loads(open_tokenizer(folder).backend_tokenizer.to_str())
    content = content_config(whole, special_tokens="text")
    own = Tokenizer.from_str(json.dumps(content | {"post_processor": whole["post_processor"]}))
    own.enable_truncation(max_length, stride=stride)
    return own


@cache
def fast_engine(folder: Path) -> str:
    """Return the engine that takes the tokenizer of a folder, by name; `tokenizers` where there is none."""
    name = FAST_ENGINES.get(read_vocabulary(open_tokenizer(folder)).kind, REFERENCE)
    return name if is_installed(name) else REFERENCE


def differences(folder: Path, texts: list[str], max_length: int = 256) -> list[str]:
    """Return a line for each text that evenly, by its fast engine, gives other ids than `tokenizers`."""
    found = encode(texts, open_tokenizer(folder), max_length=max_length, engine=fast_engine(folder)).to_pylist()
    expected = [encoding.ids for encoding in open_reference(folder, max_length).encode_batch_fast(texts)]
    return [
        f"{ascii(text)[:200]}: {got[:12]}, expected {wanted[:12]}"
        for text, got, wanted in zip(texts, found, expected, strict=True)
        if got != wanted
    ]
