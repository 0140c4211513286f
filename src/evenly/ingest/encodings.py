"""What the bytes of a text file mean: UTF-8, UTF-16, cp1252, latin-1, or what the config names.

In: the plain bytes of a file. Out: the codec, found by looking where the config says ``auto``, and a file with the
same text in UTF-8: the file itself, or a copy made block by block, whatever its size. Bytes that the codec does not
have become a byte that UTF-8 does not have either, so that the readers refuse their rows, or U+FFFD where such rows
are to be kept. Line feeds stay where they are: the lines of the copy are those of the file.
"""

from __future__ import annotations

import codecs
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from evenly.errors import ConfigError, DataError
from evenly.ingest.unpacking import open_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from evenly.ingest.files import RawFile
    from evenly.ingest.reading import TextFormat

__all__ = ["Utf8File", "decode_head", "find_encoding", "open_utf8"]

_BLOCK_BYTES = 1 << 20
_CACHED_BYTES = 1 << 18  # stay in the cache of a processor
_MARKS = (  # the longer first: UTF-32 begins as UTF-16 does
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WITHOUT_ORDER = ("utf-16", "utf-32")
_LOOKED_AT = 1 << 16
_MANY_NULS = 0.2
_FEW_NULS = 0.02
_SURE_CHARACTERS = 1_000
_ACCIDENTAL = 0.25
_NOT_IN_CP1252 = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
_C1 = bytes(range(0x80, 0xA0))


def _mark_bad(error: UnicodeError) -> tuple[str, int]:
    """Return what becomes the byte 0xff in UTF-8, which is never valid there."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error("evenly.mark", _mark_bad)


@dataclass(frozen=True)
class Utf8File:
    """A text file in UTF-8, the codec that it was written in, and what should be said about that, in phrases."""

    path: Path
    encoding: str
    remarks: tuple[str, ...]


def open_utf8(raw: RawFile, folder: Path, given: TextFormat) -> Utf8File:
    """Return the text of a file in UTF-8: the file itself, or a copy in `folder`.

    Raises
    ------
    ConfigError
        Python does not know the encoding.
    DataError
        The file cannot be decompressed, or is no text.
    """
    plain = open_plain(raw, folder)
    encoding = _settle_encoding(raw.name, given, _telling_blocks(plain))
    if encoding == "utf-8":
        return Utf8File(plain, encoding, ())
    target = folder / "utf8"
    decoder = codecs.getincrementaldecoder(encoding)(_errors(given))
    with target.open("wb") as sink:
        for text in _decoded(decoder, _blocks(plain)):
            sink.write(text.encode("utf-8", "surrogateescape"))
    said = () if given.encoding != "auto" else (_say(encoding),)
    return Utf8File(target, encoding, said)


def decode_head(name: str, head: bytes, given: TextFormat) -> str:
    """Return the text of the first bytes of a file, without a byte order mark.

    Bytes that the encoding does not have become U+FFFD; a last character that is cut is left out.
    """
    encoding = _settle_encoding(name, given, iter([head]))
    text: str = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    return text.removeprefix("\ufeff")


def _settle_encoding(name: str, given: TextFormat, blocks: Iterator[bytes]) -> str:
    """Return the codec that is asked for, or else found; UTF-16 and UTF-32 with the order of their bytes."""
    asked = _codec_name(given.encoding)
    if asked is None:
        return find_encoding(name, blocks)
    if asked not in _WITHOUT_ORDER:
        return asked
    first = next(blocks, b"")
    marked = (encoding for mark, encoding in _MARKS if first.startswith(mark) and encoding.startswith(asked))
    return next(marked, f"{asked}-le")


def _codec_name(asked: str) -> str | None:
    """Return Python's name of the codec; None: it is to be found."""
    if asked == "auto":
        return None
    try:
        name = codecs.lookup(asked).name
        "".encode(name)
    except LookupError as error:  # a codec of bytes, such as hex, is refused here too
        raise ConfigError(
            f"source.encoding is {asked!r}, which is no text encoding that Python knows. "
            f"Give auto, utf-8, utf-16, cp1252, latin-1, or another of Python's standard encodings."
        ) from error
    return "utf-8" if name == "utf-8-sig" else name


def _errors(given: TextFormat) -> str:
    return "replace" if given.on_bad_bytes == "replace" else "evenly.mark"


def _say(encoding: str) -> str:
    if encoding.startswith("utf-"):
        return f"read as {encoding.upper()}, by its first bytes"
    return f"its bytes are no UTF-8; read as {encoding} (source.encoding: {encoding}; set another where that is wrong)"


def _blocks(plain: Path) -> Iterator[bytes]:
    with plain.open("rb") as source:
        while block := source.read(_BLOCK_BYTES):
            yield block


def _telling_blocks(plain: Path) -> Iterator[bytes]:
    """Yield the first block, and the others unless all of them are ASCII, which tells nothing."""
    blocks = _blocks(plain)
    yield next(blocks, b"")
    size = plain.stat().st_size
    middle = max(_BLOCK_BYTES, (_BLOCK_BYTES + size) // 2)
    with ThreadPoolExecutor(2) as pool:
        halves = pool.map(_is_ascii, (plain, plain), (_BLOCK_BYTES, middle), (middle, size))
        if all(halves):
            return
    yield from blocks


def _is_ascii(plain: Path, start: int, stop: int) -> bool:
    """Return whether the bytes from `start` to about `stop` are ASCII."""
    block = bytearray(_CACHED_BYTES)
    with plain.open("rb", buffering=0) as source:
        source.seek(start)
        while start < stop and (n_read := source.readinto(block)):
            if not (block if n_read == len(block) else block[:n_read]).isascii():
                return False
            start += n_read
    return True


def _decoded(decoder: codecs.IncrementalDecoder, blocks: Iterable[bytes]) -> Iterator[str]:
    first = True
    for block in blocks:
        text = decoder.decode(block)
        yield text.removeprefix("\ufeff") if first else text
        first = first and not text
    yield decoder.decode(b"", final=True)


def find_encoding(name: str, blocks: Iterator[bytes]) -> str:
    """Return the codec of a file, by its bytes.

    A byte order mark decides, then NUL bytes at every other place (UTF-16). Else it is UTF-8, unless bytes that UTF-8
    does not have are several times as many as its characters of several bytes: those few are accidents then, and the
    file is cp1252, or latin-1 where it has bytes that cp1252 does not have.

    Raises
    ------
    DataError
        So many bytes are NUL that it is no text.
    """
    first = next(blocks, b"")
    for mark, encoding in _MARKS:
        if first.startswith(mark):
            return encoding
    wide = _find_utf16(name, first[:_LOOKED_AT])
    if wide is not None:
        return wide
    tally = _Tally()
    tally.add(first)
    for block in blocks:
        if tally.sure:
            break
        tally.add(block)
    return tally.encoding()


def _find_utf16(name: str, head: bytes) -> str | None:
    """Return the UTF-16 of a head without a mark: ASCII in it has a NUL as the higher byte, line ends among it."""
    half = max(len(head) // 2, 1)
    even, odd = head[::2].count(0) / half, head[1::2].count(0) / half
    if odd > _MANY_NULS and even < _FEW_NULS and _has_line_end(head, "<u2"):
        return "utf-16-le"
    if even > _MANY_NULS and odd < _FEW_NULS and _has_line_end(head, ">u2"):
        return "utf-16-be"
    if min(even, odd) > _MANY_NULS:
        raise DataError(
            f"{name} is no text: {(even + odd) / 2:.0%} of its first bytes are NUL. Give a text file, or say how it "
            f"is written with source.format and source.encoding."
        )
    return None


def _has_line_end(head: bytes, unit: str) -> bool:
    return bool(np.isin(np.frombuffer(head[: len(head) // 2 * 2], unit), (ord("\n"), ord("\r"))).any())


@dataclass
class _Tally:
    """Counts what speaks for UTF-8 and what against it."""

    n_bad: int = 0
    n_wide: int = 0
    seen: set[int] = field(default_factory=set)
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("surrogateescape")
    )

    @property
    def sure(self) -> bool:
        """Whether it is UTF-8 whatever comes: that many characters are no accident where no byte is bad."""
        return self.n_bad == 0 and self.n_wide > _SURE_CHARACTERS

    def add(self, block: bytes) -> None:
        if block.isascii() and not self._decoder.getstate()[0]:
            return
        text = self._decoder.decode(block)
        n_valid = len(text.encode("utf-8", "ignore").decode())
        self.n_bad += len(text) - n_valid
        self.n_wide += n_valid - len(text.encode("ascii", "ignore"))
        self.seen.update(byte for byte in _C1 if byte not in self.seen and byte in block)

    def encoding(self) -> str:
        self.n_bad += len(self._decoder.decode(b"", final=True))
        if self.n_wide >= _ACCIDENTAL * self.n_bad:
            return "utf-8"
        c1 = self.seen.intersection(_C1)
        return "cp1252" if c1 and not c1.intersection(_NOT_IN_CP1252) else "latin-1"
