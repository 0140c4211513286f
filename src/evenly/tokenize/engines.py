"""The libraries that turn texts into ids: `tokenizers`, and two that do the same faster for some tokenizers.

Comes in: a ``tokenizer.json`` (see `plain_text`) and an Arrow array of texts. Goes out: flat ids. `nanotoken` takes
WordPiece, `gigatoken` takes BPE; both keep the pieces of words that they have met, and both are young: no engine but
`tokenizers` is used before `engine_check` has compared it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evenly.tokenize.assembly import FlatIds
from evenly.tokenize.failures import refusing_failures
from evenly.tokenize.normalization import take_normalizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = ["FAST_ENGINES", "REFERENCE", "Engine", "engine_version", "is_installed", "open_engine"]

REFERENCE = "tokenizers"
FAST_ENGINES = {"WordPiece": "nanotoken", "BPE": "gigatoken"}
_REFERENCE_BYTES = 1 << 18  # of text a call: larger chunks are no faster and hold more encodings at a time
_FAST_BYTES = 1 << 23  # of text a call: bounds the strings that are held
_CACHE_ENTRIES = 1 << 18  # of nanotoken, a thread and level: 30 MB where its own number takes 130
_NOTHING = FlatIds(np.zeros(0, np.uint32), np.zeros(0, np.int64))


class Engine(Protocol):
    """Encodes texts, without special ids and at full length."""

    def encode(self, texts: pa.StringArray, *, threads: bool = True) -> FlatIds:
        """Return the ids of texts that are not null.

        `threads`: whether a fast engine may use threads of its own; not where each thread has its own texts already.
        """
        ...


def open_engine(name: str, content_json: str) -> Engine:
    """Open an engine by name.

    Raises
    ------
    Exception
        Whatever the library raises for a tokenizer that it does not take.
    """
    if name == "nanotoken":
        return _Nanotoken.open(content_json)
    if name == "gigatoken":
        return _Gigatoken.open(content_json)
    return _Tokenizers.open(content_json)


def is_installed(name: str) -> bool:
    """Return whether the library of an engine can be imported."""
    return find_spec(name) is not None


def engine_version(name: str) -> str:
    """Return the version of the library of an engine."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


@dataclass(frozen=True)
class _Tokenizers:
    tokenizer: Any

    @classmethod
    def open(cls, content_json: str) -> _Tokenizers:
        from tokenizers import Tokenizer

        with refusing_failures("The tokenizer cannot be opened"):
            return cls(Tokenizer.from_str(content_json))

    def encode(self, texts: pa.StringArray, *, threads: bool = True) -> FlatIds:  # noqa: ARG002 - the environment's
        with refusing_failures("The tokenizer fails on a text"):
            return _join([self._encode_chunk(chunk.to_pylist()) for chunk in _chunks(texts, _REFERENCE_BYTES)])

    def _encode_chunk(self, texts: list[str]) -> FlatIds:
        encodings = self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        lengths = np.fromiter(map(len, encodings), np.int64, len(encodings))
        flat = chain.from_iterable(encoding.ids for encoding in encodings)
        return FlatIds(np.fromiter(flat, np.uint32, int(lengths.sum())), lengths)


@dataclass(frozen=True)
class _Nanotoken:
    tokenizer: Any

    @classmethod
    def open(cls, content_json: str) -> _Nanotoken:
        import nanotoken
        from nanotoken import nanotoken_rs

        nanotoken_rs.set_cache_entries(_CACHE_ENTRIES)
        return cls(nanotoken.Tokenizer.from_json(content_json))

    def encode(self, texts: pa.StringArray, *, threads: bool = True) -> FlatIds:
        parallel = threads and _use_threads()
        return _join([self._encode_chunk(chunk.to_pylist(), parallel) for chunk in _chunks(texts, _FAST_BYTES)])

    def _encode_chunk(self, texts: list[str], parallel: bool) -> FlatIds:  # noqa: FBT001 - its only caller is above
        found = self.tokenizer.encode_batch(texts, add_special_tokens=False, parallel=parallel)
        return FlatIds(found.ids, found.lengths)


@dataclass(frozen=True)
class _Gigatoken:
    tokenizer: Any
    normalize: Callable[[pa.StringArray], pa.StringArray] | None = None

    @classmethod
    def open(cls, content_json: str) -> _Gigatoken:
        import gigatoken

        parted = take_normalizer(content_json)  # gigatoken has none of those that can be taken
        if parted is None:
            return cls(gigatoken.Tokenizer.from_json(content_json))
        return cls(gigatoken.Tokenizer.from_json(parted[0]), parted[1])

    def encode(self, texts: pa.StringArray, *, threads: bool = True) -> FlatIds:
        parallel = threads and _use_threads()
        return _join([self._encode_chunk(chunk, parallel) for chunk in _chunks(texts, _FAST_BYTES)])

    def _encode_chunk(self, texts: pa.StringArray, parallel: bool) -> FlatIds:  # noqa: FBT001 - its only caller is above
        texts = texts if self.normalize is None else self.normalize(texts)
        found = self.tokenizer.encode_batch(_to_awkward(texts), parallel=parallel).layout
        offsets = np.asarray(found.offsets.data)
        return FlatIds(np.asarray(found.content.data)[offsets[0] : offsets[-1]], np.diff(offsets))


def _to_awkward(texts: pa.StringArray) -> Any:
    """Return the same bytes as an awkward array of strings; nothing but the offsets is copied."""
    import awkward

    contents = awkward.contents
    offsets, data = _buffers(texts)
    characters = contents.NumpyArray(data, parameters={"__array__": "char"})
    index = awkward.index.Index64(offsets)
    return awkward.Array(contents.ListOffsetArray(index, characters, parameters={"__array__": "string"}))


def _buffers(texts: pa.StringArray) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return offsets from 0, shape (n_texts + 1,), and the UTF-8 bytes between them."""
    _, offsets, data = texts.buffers()
    if offsets is None or not len(texts):
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    own = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    held = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return own - own[0], held[own[0] : own[-1]]


def _use_threads() -> bool:
    """Return whether an engine may use threads: a worker that shares the cores is told how many it has."""
    return os.environ.get("RAYON_NUM_THREADS") != "1" and os.environ.get("TOKENIZERS_PARALLELISM") != "false"


def _join(chunks: list[FlatIds]) -> FlatIds:
    if len(chunks) == 1:
        return chunks[0]
    chunks = [_NOTHING, *chunks]
    return FlatIds(
        np.concatenate([chunk.values for chunk in chunks]), np.concatenate([chunk.lengths for chunk in chunks])
    )


def _chunks(texts: pa.StringArray, limit_bytes: int) -> Iterator[pa.StringArray]:
    """Cut texts into chunks of about `limit_bytes`, at least one text each."""
    ends = np.cumsum(pc.binary_length(texts).to_numpy(zero_copy_only=False), dtype=np.int64)
    first = 0
    while first < len(texts):
        limit = limit_bytes + (ends[first - 1] if first else 0)
        last = max(first + 1, int(np.searchsorted(ends, limit, side="right")))
        yield texts.slice(first, last - first)
        first = last
