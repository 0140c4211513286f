"""Texts to token ids in Arrow.

Comes in: texts, one or several a row, and a tokenizer. Goes out: a list array of the smallest unsigned integers that
hold the ids (uint16 or uint32). The ids are those of the `tokenizers` library, whichever engine encodes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from evenly.errors import ConfigError, SourceNotFoundError
from evenly.tokenize.assembly import assemble_rows
from evenly.tokenize.engine_check import choose_engine
from evenly.tokenize.engines import open_engine
from evenly.tokenize.nasty import pick_nasty
from evenly.tokenize.plain_text import content_json, special_tokens_of
from evenly.tokenize.template import read_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evenly.tokenize.assembly import Encoded
    from evenly.tokenize.cut import Truncate
    from evenly.tokenize.engines import Engine
    from evenly.tokenize.plain_text import SpecialTokens
    from evenly.tokenize.template import Template

__all__ = ["Encoder", "Vocabulary", "encode", "read_vocabulary"]

_LARGEST_UINT16 = 65_535
_SAMPLE_OF_A_KIND = 32


def encode(
    texts: Iterable[str | None] | pa.Array | pa.ChunkedArray,
    tokenizer: Any,
    *,
    max_length: int | None = None,
    truncate: Truncate = "head",
    special_tokens: SpecialTokens = "text",
    engine: str = "auto",
) -> pa.ListArray:
    """Encode texts to the ids that the tokenizer gives, special tokens around them, without padding.

    Parameters
    ----------
    texts
        Strings; a null counts as an empty text.
    tokenizer
        A folder with a ``tokenizer.json``, a `tokenizers.Tokenizer`, or a fast tokenizer of `transformers`.
    max_length
        Most ids a text; of longer ones a part is kept, special tokens always. None: no limit.
    truncate
        Which part: ``head``, ``tail``, or ``head_tail`` (a quarter and three quarters).
    special_tokens
        ``text``: a special token that a text spells is text like any other; ``control``: it becomes the special id.
    engine
        ``auto``: a fast engine where it takes the tokenizer and gives the ids of `tokenizers` on the nastiest of the
        texts; or ``tokenizers``, ``nanotoken`` (WordPiece), ``gigatoken`` (BPE).

    Returns
    -------
    pyarrow.ListArray
        list<uint16> where every id of the vocabulary fits, else list<uint32>.

    Raises
    ------
    SourceNotFoundError
        The folder has no ``tokenizer.json``.
    ConfigError
        `max_length` leaves no room for the special tokens, or the engine does not take the tokenizer.
    DataError
        The engine that was named gives other ids.

    Examples
    --------
    >>> from tokenizers import Tokenizer, models, pre_tokenizers
    >>> words = Tokenizer(models.WordLevel({"[UNK]": 0, "even": 1, "odd": 2}, unk_token="[UNK]"))
    >>> words.pre_tokenizer = pre_tokenizers.Whitespace()
    >>> encode(["odd even odd", "prime", None], words, max_length=2).to_pylist()
    [[2, 1], [0], []]
    """
    given = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    strings = pc.fill_null((given if isinstance(given, pa.Array) else pa.array(given)).cast(pa.string()), "")
    vocabulary = read_vocabulary(tokenizer, special_tokens=special_tokens)
    sample = pick_nasty(strings, vocabulary.special, _SAMPLE_OF_A_KIND)
    chosen = choose_engine(vocabulary.content_json, engine, sample, vocabulary.special).engine
    return vocabulary.open_encoder(chosen, max_length=max_length, truncate=truncate)([strings]).ids


@dataclass(frozen=True)
class Vocabulary:
    """What is to be known of a tokenizer.

    Attributes
    ----------
    content_json
        Encodes the content of texts, see `plain_text.content_json`.
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
    template: Template
    special: tuple[str, ...]
    id_type: pa.DataType
    token_to_id: dict[str, int]

    def open_encoder(self, engine: str, *, max_length: int | None, truncate: Truncate) -> Encoder:
        """Return an encoder that uses an engine that `choose_engine` has named."""
        return Encoder(open_engine(engine, self.content_json), self.template, self.id_type, max_length, truncate)


def read_vocabulary(tokenizer: Any, *, special_tokens: SpecialTokens = "text") -> Vocabulary:
    """Read a tokenizer, which stays as it is; see `encode`."""
    from tokenizers import Tokenizer

    if isinstance(tokenizer, str | Path):
        own = Tokenizer.from_file(str(_find_json(Path(tokenizer))))
    else:
        own = Tokenizer.from_str(getattr(tokenizer, "backend_tokenizer", tokenizer).to_str())
    own.no_padding()
    own.no_truncation()
    whole, ids = own.to_str(), own.get_vocab(with_added_tokens=True)
    return Vocabulary(
        content_json(whole, special_tokens=special_tokens),
        read_template(own),
        tuple(sorted(special_tokens_of(json.loads(whole)))),
        pa.uint16() if max(ids.values(), default=0) <= _LARGEST_UINT16 else pa.uint32(),
        ids,
    )


@dataclass(frozen=True)
class Encoder:
    """An engine, and how rows are made of the ids that it gives."""

    engine: Engine
    template: Template
    id_type: pa.DataType
    max_length: int | None
    truncate: Truncate

    def __call__(self, columns: Sequence[pa.StringArray]) -> Encoded:
        """Encode rows whose texts stand in one or several Arrow arrays without nulls, one after the other."""
        pieces = self.template.pieces(len(columns))
        n_special = sum(map(len, pieces))
        if self.max_length is not None and self.max_length < n_special:
            raise ConfigError(
                f"max_length is {self.max_length}, and the tokenizer puts {n_special} special tokens around "
                f"{len(columns)} text(s): give at least {n_special + 1}."
            )
        texts = [self.engine.encode(column) for column in columns]
        return assemble_rows(texts, pieces, max_length=self.max_length, truncate=self.truncate, id_type=self.id_type)


def _find_json(path: Path) -> Path:
    found = path / "tokenizer.json" if path.is_dir() else path
    if not found.is_file():
        raise SourceNotFoundError(
            f"There is no {found}. Expected a tokenizer folder with a tokenizer.json; write one with "
            f"AutoTokenizer.from_pretrained(...).save_pretrained(folder)."
        )
    return found
