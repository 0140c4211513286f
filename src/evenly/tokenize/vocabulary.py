"""What is to be known of a tokenizer before it encodes: read once a build.

Comes in: a tokenizer folder or object. Goes out: the ``tokenizer.json`` that encodes texts, the special tokens and
where they stand, the type that holds the ids.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from evenly.errors import SourceNotFoundError
from evenly.tokenize.failures import refusing_failures
from evenly.tokenize.plain_text import content_config, special_tokens_of
from evenly.tokenize.template import read_template

if TYPE_CHECKING:
    from evenly.tokenize.plain_text import SpecialTokens
    from evenly.tokenize.template import Template

__all__ = ["Vocabulary", "read_vocabulary"]

_LARGEST_UINT16 = 65_535


@dataclass(frozen=True)
class Vocabulary:
    """What is to be known of a tokenizer.

    Attributes
    ----------
    content_json
        A ``tokenizer.json`` that encodes the content of texts, see `plain_text`.
    kind
        Of its model: WordPiece, BPE, Unigram or WordLevel.
    template
        The special ids around texts.
    special
        The special tokens, sorted.
    id_type
        uint16 or uint32.
    token_to_id
        Of all tokens, added ones included.
    """

    content_json: str
    kind: str
    template: Template
    special: tuple[str, ...]
    id_type: pa.DataType
    token_to_id: dict[str, int]


def read_vocabulary(tokenizer: Any, *, special_tokens: SpecialTokens = "text") -> Vocabulary:
    """Read a tokenizer, which stays as it is.

    Parameters
    ----------
    tokenizer
        A folder with a ``tokenizer.json``, a `tokenizers.Tokenizer`, or a fast tokenizer of `transformers`.
    special_tokens
        See `plain_text.content_config`.

    Raises
    ------
    SourceNotFoundError
        The folder has no ``tokenizer.json``.
    DataError
        It is damaged, or fails on every text.
    """
    from tokenizers import Tokenizer

    if isinstance(tokenizer, str | Path):
        path = _find_json(Path(tokenizer))
        with refusing_failures(f"{path} cannot be opened"):
            own = Tokenizer.from_file(str(path))
    else:
        own = Tokenizer.from_str(getattr(tokenizer, "backend_tokenizer", tokenizer).to_str())
    own.no_padding()
    own.no_truncation()
    config, ids = json.loads(own.to_str()), own.get_vocab(with_added_tokens=True)
    with refusing_failures("The tokenizer fails on a text"):
        template = read_template(own)
    return Vocabulary(
        json.dumps(content_config(config, special_tokens=special_tokens), ensure_ascii=False),
        config["model"]["type"],
        template,
        tuple(sorted(special_tokens_of(config))),
        pa.uint16() if max(ids.values(), default=0) <= _LARGEST_UINT16 else pa.uint32(),
        ids,
    )


def _find_json(path: Path) -> Path:
    found = path / "tokenizer.json" if path.is_dir() else path
    if not found.is_file():
        raise SourceNotFoundError(
            f"There is no {found}. Expected a tokenizer folder with a tokenizer.json; write one with "
            f"AutoTokenizer.from_pretrained(...).save_pretrained(folder)."
        )
    return found
