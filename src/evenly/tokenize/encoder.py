"""Texts to token ids in Arrow.

Comes in: texts, one or several a row, and a tokenizer. Goes out: a list array of the smallest unsigned integers that
hold the ids (uint16 or uint32), of several lists a row where long rows are divided into windows. The ids are those of
the `tokenizers` library, whichever engine encodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evenly.errors import ConfigError
from evenly.tokenize.assembly import assemble_rows
from evenly.tokenize.engine_check import choose_engine
from evenly.tokenize.nasty import pick_nasty
from evenly.tokenize.vocabulary import read_vocabulary
from evenly.tokenize.windows import expand_windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evenly.tokenize.assembly import Encoded
    from evenly.tokenize.cut import Truncate
    from evenly.tokenize.engines import Engine
    from evenly.tokenize.plain_text import SpecialTokens
    from evenly.tokenize.template import Template
    from evenly.tokenize.vocabulary import Vocabulary

__all__ = ["Encoder", "encode", "encode_windows"]

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
        Which part: ``head``, ``tail``, or ``head_tail`` (a quarter and three quarters). For windows, of which a text
        has several, there is `encode_windows`.
    special_tokens
        ``text``: a special token that a text spells is text like any other; ``control``: it becomes the special id.
    engine
        ``auto``: for a megabyte of texts or more a fast engine where it takes the tokenizer and gives the ids of
        `tokenizers` on the nastiest of the texts; or ``tokenizers``, ``nanotoken`` (WordPiece), ``gigatoken`` (BPE).

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
    if truncate == "windows":
        raise ConfigError("encode gives one list of ids a text: for truncate='windows' there is encode_windows.")
    strings = _as_strings(texts)
    vocabulary = read_vocabulary(tokenizer, special_tokens=special_tokens)
    chosen = _open_engine(strings, vocabulary, engine)
    return Encoder(chosen, vocabulary.template, vocabulary.id_type, max_length, truncate)([strings]).ids


def encode_windows(
    texts: Iterable[str | None] | pa.Array | pa.ChunkedArray,
    tokenizer: Any,
    *,
    max_length: int,
    stride: int = 0,
    special_tokens: SpecialTokens = "text",
    engine: str = "auto",
) -> pa.RecordBatch:
    """Encode texts to windows of at most `max_length` ids, special tokens around each, so that nothing is cut off.

    Parameters
    ----------
    texts, tokenizer, special_tokens, engine
        As for `encode`.
    max_length
        Most ids a window, special ones included.
    stride
        Ids that a window shares with the one before it.

    Returns
    -------
    pyarrow.RecordBatch
        A row a window, those of a text together: `row` int64 (the text, counted from 0), `window` int32 (counted from
        0 within the text), `input_ids` as `encode` gives them. A text that fits is one window.

    Raises
    ------
    SourceNotFoundError, ConfigError, DataError
        As `encode` raises them; ConfigError also where `stride` leaves a window nothing new.

    Examples
    --------
    >>> from tokenizers import Tokenizer, models, pre_tokenizers
    >>> words = Tokenizer(models.WordLevel({"[UNK]": 0, "even": 1, "odd": 2}, unk_token="[UNK]"))
    >>> words.pre_tokenizer = pre_tokenizers.Whitespace()
    >>> windows = encode_windows(["odd even odd odd", "even"], words, max_length=3, stride=1)
    >>> windows["row"].to_pylist(), windows["input_ids"].to_pylist()
    ([0, 0, 1], [[2, 1, 2], [2, 2], [1]])
    """
    strings = _as_strings(texts)
    vocabulary = read_vocabulary(tokenizer, special_tokens=special_tokens)
    chosen = _open_engine(strings, vocabulary, engine)
    encoded = Encoder(chosen, vocabulary.template, vocabulary.id_type, max_length, "windows", stride)([strings])
    row, window = expand_windows(encoded.n_windows)
    columns = [pa.array(row), pa.array(window.astype(np.int32)), encoded.ids]
    return pa.record_batch(columns, names=["row", "window", "input_ids"])


def _as_strings(texts: Iterable[str | None] | pa.Array | pa.ChunkedArray) -> pa.StringArray:
    given = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return pc.fill_null((given if isinstance(given, pa.Array) else pa.array(given)).cast(pa.string()), "")


def _open_engine(strings: pa.StringArray, vocabulary: Vocabulary, engine: str) -> Engine:
    sample = pick_nasty(strings, vocabulary.special, _SAMPLE_OF_A_KIND)
    return choose_engine(vocabulary, engine, sample, strings.nbytes).open(vocabulary.content_json)


@dataclass(frozen=True)
class Encoder:
    """An engine, and how rows are made of the ids that it gives."""

    engine: Engine
    template: Template
    id_type: pa.DataType
    max_length: int | None
    truncate: Truncate
    stride: int = 0
    threads: bool = True  # see `Engine.encode`

    def __call__(self, columns: Sequence[pa.StringArray]) -> Encoded:
        """Encode rows whose texts stand in one or several Arrow arrays without nulls, one after the other."""
        pieces = self.template.pieces(len(columns))
        n_special = sum(map(len, pieces))
        if self.max_length is not None and self.max_length < n_special:
            raise ConfigError(
                f"max_length is {self.max_length}, and the tokenizer puts {n_special} special tokens around "
                f"{len(columns)} text(s): give at least {n_special + 1}."
            )
        self._check_stride(len(columns), n_special)
        return assemble_rows(
            [self.engine.encode(column, threads=self.threads) for column in columns],
            pieces,
            max_length=self.max_length,
            truncate=self.truncate,
            stride=self.stride,
            id_type=self.id_type,
        )

    def _check_stride(self, n_texts: int, n_special: int) -> None:
        """Refuse windows that may not move on; a text that is divided has at least its even share of the room."""
        if self.truncate != "windows" or self.max_length is None:
            return
        room = (self.max_length - n_special) // n_texts
        if not 0 <= self.stride < room:
            smaller = f"a stride of at most {room - 1}, or " if room > 0 else ""
            raise ConfigError(
                f"stride is {self.stride}, and a window of max_length {self.max_length} holds {room} ids of each of "
                f"{n_texts} text(s) beside {n_special} special tokens: give {smaller}a larger max_length."
            )
