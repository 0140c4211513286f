"""Texts to token ids in Arrow, with the encoder of the `tokenizers` library.

Comes in: texts and a tokenizer. Goes out: a list array of the smallest unsigned integers that hold the ids (uint16
or uint32). The ids are those that the tokenizer itself gives; Python lists live no longer than a chunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evenly.errors import SourceNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

__all__ = ["Encoded", "Encoder", "encode", "open_encoder"]

_CHUNK_BYTES = 1 << 18  # of text: larger chunks are no faster and hold more encodings at a time
_LARGEST_UINT16 = 65_535


def encode(
    texts: Iterable[str | None] | pa.Array | pa.ChunkedArray, tokenizer: Any, *, max_length: int | None = None
) -> pa.ListArray:
    """Encode texts to the ids that the tokenizer gives, special tokens included, without padding.

    Parameters
    ----------
    texts
        Strings; a null counts as an empty text.
    tokenizer
        A folder with a ``tokenizer.json``, a `tokenizers.Tokenizer`, or a fast tokenizer of `transformers`.
    max_length
        Most ids a text; longer ones are cut at the end, special tokens kept. None: no limit.

    Returns
    -------
    pyarrow.ListArray
        list<uint16> where every id of the vocabulary fits, else list<uint32>.

    Raises
    ------
    SourceNotFoundError
        The folder has no ``tokenizer.json``.

    Examples
    --------
    >>> from tokenizers import Tokenizer, models, pre_tokenizers
    >>> words = Tokenizer(models.WordLevel({"[UNK]": 0, "even": 1, "odd": 2}, unk_token="[UNK]"))
    >>> words.pre_tokenizer = pre_tokenizers.Whitespace()
    >>> encode(["odd even odd", "prime", None], words, max_length=2).to_pylist()
    [[2, 1], [0], []]
    """
    given = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    strings = given if isinstance(given, pa.Array) else pa.array(given, pa.string())
    return open_encoder(tokenizer, max_length=max_length)(strings).ids


@dataclass(frozen=True)
class Encoded:
    """The ids of some texts.

    Attributes
    ----------
    ids
        list<uint16 or uint32>, one list a text.
    n_lost
        Shape (n_texts,), int64: tokens that were cut off.
    """

    ids: pa.ListArray
    n_lost: NDArray[np.int64]


@dataclass(frozen=True)
class Encoder:
    """A tokenizer set to cut at `max_length` and not to pad."""

    tokenizer: Any
    max_length: int | None
    id_type: pa.DataType
    n_special: int

    def __call__(self, texts: pa.Array) -> Encoded:
        """Encode an Arrow array of strings."""
        dtype = self.id_type.to_pandas_dtype()
        ids, lengths, n_lost = [np.zeros(0, dtype)], [np.zeros(1, np.int32)], [np.zeros(0, np.int64)]
        for chunk in _chunks(pc.fill_null(texts, "")):
            encodings = self.tokenizer.encode_batch_fast(chunk.to_pylist())
            sizes = np.fromiter(map(len, encodings), np.int32, len(encodings))
            flat = chain.from_iterable(encoding.ids for encoding in encodings)
            ids.append(np.fromiter(flat, dtype, int(sizes.sum())))
            lengths.append(sizes)
            n_lost.append(self._count_lost(encodings, sizes))
        offsets = np.cumsum(np.concatenate(lengths), dtype=np.int64)
        values = pa.array(np.concatenate(ids), self.id_type)
        lists = pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), values)
        return Encoded(lists, np.concatenate(n_lost))

    def _count_lost(self, encodings: list[Any], sizes: NDArray[np.int32]) -> NDArray[np.int64]:
        """Count what stands in the overflow of the texts that fill `max_length`, each piece with its specials."""
        lost = np.zeros(len(encodings), np.int64)
        for i in np.flatnonzero(sizes == self.max_length) if self.max_length else ():
            lost[i] = sum(len(piece) - self.n_special for piece in encodings[i].overflowing)
        return lost


def open_encoder(tokenizer: Any, *, max_length: int | None = None) -> Encoder:
    """Return an encoder of its own: the tokenizer that was given stays as it is. See `encode`."""
    from tokenizers import Tokenizer

    if isinstance(tokenizer, str | Path):
        own = Tokenizer.from_file(str(_find_json(Path(tokenizer))))
    else:
        own = Tokenizer.from_str(getattr(tokenizer, "backend_tokenizer", tokenizer).to_str())
    own.no_padding()
    own.no_truncation()
    if max_length is not None:
        own.enable_truncation(max_length)
    highest = max(own.get_vocab(with_added_tokens=True).values(), default=0)
    id_type = pa.uint16() if highest <= _LARGEST_UINT16 else pa.uint32()
    return Encoder(own, max_length, id_type, own.num_special_tokens_to_add(is_pair=False))


def _find_json(path: Path) -> Path:
    found = path / "tokenizer.json" if path.is_dir() else path
    if not found.is_file():
        raise SourceNotFoundError(
            f"There is no {found}. Expected a tokenizer folder with a tokenizer.json; write one with "
            f"AutoTokenizer.from_pretrained(...).save_pretrained(folder)."
        )
    return found


def _chunks(texts: pa.Array) -> Iterator[pa.Array]:
    """Cut texts into chunks of about `_CHUNK_BYTES`, at least one text each."""
    ends = np.cumsum(pc.binary_length(texts).to_numpy(zero_copy_only=False), dtype=np.int64)
    first = 0
    while first < len(texts):
        limit = _CHUNK_BYTES + (ends[first - 1] if first else 0)
        last = max(first + 1, int(np.searchsorted(ends, limit, side="right")))
        yield texts.slice(first, last - first)
        first = last
