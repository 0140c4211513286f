"""What a raw file is: its format and compression by its name, its plain bytes in a file that can be mapped.

In: a path and the format that the config names. Out: a `RawFile`; `open_plain` gives the path of its uncompressed
bytes (the file itself where it is not compressed), so that readers, line numbers and dialects all speak of the
same bytes. What is plainly not of its format (a zip, a parquet file named .csv, UTF-16) is refused here.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from evenly.errors import DataError, SourceNotFoundError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RawFile", "find_raw_file", "open_plain", "read_first_bytes"]

_FORMATS = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
_MAGIC = {
    b"PAR1": "a parquet file",
    b"PK\x03\x04": "a zip or Excel file",
    b"\x1f\x8b": "a gzip file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3": "an SQLite database",
    b"%PDF": "a PDF",
}
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class RawFile:
    """One source file.

    Attributes
    ----------
    path
        Where it lies.
    format
        ``csv``, ``tsv``, ``jsonl`` or ``parquet``.
    compression
        ``gzip``, ``zstd`` or None.
    """

    path: Path
    format: str
    compression: str | None


def find_raw_file(path: Path, format: str = "auto") -> RawFile:  # noqa: A002 - the config's word
    """Return what the file is by its name, or by `format` where that is not ``auto``.

    Raises
    ------
    SourceNotFoundError
        There is no such file.
    DataError
        The name does not tell the format, or the compression is none that evenly reads.
    """
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "is not there"
        raise SourceNotFoundError(f"The source file {path} {what}. Name the files themselves, or a glob (data/*.csv).")
    compression = _COMPRESSIONS.get(path.suffix.lower())
    suffix = (path.with_suffix("") if compression else path).suffix.lower()
    found = _FORMATS.get(suffix) if format == "auto" else format
    if found is None or path.suffix.lower() in {".zip", ".xz", ".bz2"}:
        raise DataError(
            f"{path.name}: evenly reads {', '.join(sorted(_FORMATS))}, and the text formats with .gz or .zst behind. "
            f"Unpack or convert the file, or say what it holds with source.format (csv, tsv, jsonl, parquet)."
        )
    if found == "parquet" and compression:
        raise DataError(f"{path.name}: parquet is compressed within; unpack the {path.suffix} first.")
    return RawFile(path, found, compression)


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
    try:
        with pa.input_stream(str(raw.path), compression=raw.compression) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
    except OSError as error:
        raise _undecompressed(raw, error) from error
    return target


def read_first_bytes(raw: RawFile, size: int) -> tuple[bytes, bool]:
    """Return up to `size` uncompressed bytes of a text file, and whether that is all of it.

    Raises
    ------
    DataError
        It is empty, cannot be decompressed, or is plainly no UTF-8 text.
    """
    try:
        with pa.input_stream(str(raw.path), compression=raw.compression) as source:
            head = _read_fully(source, size + 1)
    except OSError as error:
        raise _undecompressed(raw, error) from error
    if not head.strip():
        raise DataError(f"{raw.path.name} is empty: no row to read. Give a file with at least a few labelled rows.")
    _refuse_other_formats(raw, head)
    return head[:size], len(head) <= size


def _read_fully(source: pa.NativeFile, size: int) -> bytes:
    blocks = []
    while size > 0 and (block := source.read(size)):
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)


def _refuse_other_formats(raw: RawFile, head: bytes) -> None:
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise DataError(
                f"{raw.path.name} is read as {raw.format}, but its bytes are {what}. "
                f"Give it the ending of what it is, or unpack it."
            )
    if head.startswith(_UTF16_MARKS) or head[:4096].count(0) > len(head[:4096]) // 4:
        raise DataError(
            f"{raw.path.name} is not UTF-8 (the bytes look like UTF-16). "
            f"Convert it: iconv -f UTF-16 -t UTF-8 {raw.path.name} > utf8-{raw.path.name}"
        )


def _undecompressed(raw: RawFile, error: OSError) -> DataError:
    return DataError(
        f"{raw.path.name} cannot be decompressed as {raw.compression}: {error}. "
        f"The file is cut or not what its name says; fetch it again."
    )
