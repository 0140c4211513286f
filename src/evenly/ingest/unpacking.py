"""The plain bytes of a raw file, whatever it is packed in.

In: a `RawFile`. Out: a stream of its uncompressed bytes, the first of them, or a file that has them (the file itself
where it is not compressed), so that readers, line numbers and dialects all speak of the same bytes. Nothing is
written under a name from an archive. What unpacks to far more than any table does is refused: a decompression bomb
would fill the disk.
"""

from __future__ import annotations

import lzma
import shutil
import zipfile
import zlib
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from evenly.errors import DataError
from evenly.ingest.files import refuse_other_formats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evenly.ingest.files import RawFile

__all__ = ["ByteStream", "open_plain", "open_stream", "read_first_bytes", "refuse_bomb"]

# Text packs to a tenth or so, the most repetitive tables to a hundredth; a bomb to less than a thousandth.
_UNPACKED_BYTES = 1 << 30
_UNPACKED_RATIO = 200
_BLOCK_BYTES = 1 << 20
_UNPACKING_ERRORS = (
    OSError,
    EOFError,
    lzma.LZMAError,
    zlib.error,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,  # a zip with a password
)


class ByteStream(Protocol):
    """What can be read from its beginning to its end."""

    def read(self, size: int = ..., /) -> bytes:
        """Return up to `size` bytes; none at the end."""
        ...


@contextmanager
def open_stream(raw: RawFile) -> Iterator[ByteStream]:
    """Open the uncompressed bytes of a file.

    Raises
    ------
    DataError
        While reading: it cannot be decompressed, or holds more than any table does.
    """
    with ExitStack() as stack:
        try:
            stream, packed_bytes = _open(raw, stack)
        except _UNPACKING_ERRORS as error:
            raise _undecompressed(raw, error) from error
        yield stream if raw.compression is None else _Unpacked(raw, stream, packed_bytes)


def _open(raw: RawFile, stack: ExitStack) -> tuple[ByteStream, int]:
    """Return the stream, and how many bytes it takes in the file."""
    packed_bytes = raw.path.stat().st_size
    if raw.compression == "zip":
        archive = stack.enter_context(zipfile.ZipFile(raw.path))
        member = archive.getinfo(raw.member or "")
        return stack.enter_context(archive.open(member)), member.compress_size
    if raw.compression == "xz":
        return stack.enter_context(lzma.open(raw.path)), packed_bytes
    stream: ByteStream = stack.enter_context(pa.input_stream(str(raw.path), compression=raw.compression))
    return stream, packed_bytes


class _Unpacked:
    """Counts what comes out, and says what is wrong with it in words."""

    def __init__(self, raw: RawFile, stream: ByteStream, packed_bytes: int) -> None:
        self._raw = raw
        self._stream = stream
        self._packed_bytes = packed_bytes
        self._n_read = 0

    def read(self, size: int = -1, /) -> bytes:
        try:
            block = self._stream.read(size)
        except _UNPACKING_ERRORS as error:
            raise _undecompressed(self._raw, error) from error
        self._n_read += len(block)
        refuse_bomb(self._raw, self._n_read, self._packed_bytes)
        return block


def refuse_bomb(raw: RawFile, unpacked_bytes: int, packed_bytes: int) -> None:
    """Raise where a file unpacks to more than 1 GiB and more than 200 times its size.

    Raises
    ------
    DataError
        It does.
    """
    if unpacked_bytes > max(_UNPACKED_BYTES, _UNPACKED_RATIO * packed_bytes):
        raise DataError(
            f"{raw.name} unpacks to more than {_UNPACKED_RATIO} times its size, which no table does: it looks like a "
            f"decompression bomb. If it is right, unpack it yourself and name the unpacked file."
        )


def open_plain(raw: RawFile, folder: Path) -> Path:
    """Return a file with the uncompressed bytes: the file itself, or a copy in `folder`.

    Raises
    ------
    DataError
        It cannot be decompressed.
    """
    if raw.compression is None:
        return raw.path
    target = folder / "plain"
    with open_stream(raw) as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink, _BLOCK_BYTES)
    return target


def read_first_bytes(raw: RawFile, size: int) -> tuple[bytes, bool]:
    """Return up to `size` uncompressed bytes of a text file, and whether that is all of it.

    Raises
    ------
    DataError
        It is empty, cannot be decompressed, or is plainly of another format.
    """
    with open_stream(raw) as source:
        head = _read_fully(source, size + 1)
    if not head.strip():
        raise DataError(f"{raw.name} is empty: no row to read. Give a file with at least a few labelled rows.")
    refuse_other_formats(raw, head)
    return head[:size], len(head) <= size


def _read_fully(source: ByteStream, size: int) -> bytes:
    blocks = []
    while size > 0 and (block := source.read(min(size, _BLOCK_BYTES))):
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)


def _undecompressed(raw: RawFile, error: Exception) -> DataError:
    return DataError(
        f"{raw.name} cannot be decompressed as {raw.compression}: {error}. "
        f"The file is cut or not what its name says; fetch it again."
    )
