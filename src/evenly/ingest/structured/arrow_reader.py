"""Arrow IPC, the file format (.arrow, .feather) and the stream, opened to be read as columns.

The two are told apart by their first bytes, not by the ending: `datasets` writes streams under .arrow.

Only a file of our own is mapped into memory: touching a mapped page behind the end of a file that is cut short
meanwhile ends the process. Batches that are too large to be read as a whole are copied first, and mapped.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.ipc

from evenly.errors import DataError
from evenly.ingest.structured.columnar_reader import ColumnFile, checked_names
from evenly.ingest.unpacking import open_plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from evenly.ingest.files import RawFile

__all__ = ["open_arrow"]

_FILE_MAGIC = b"ARROW1"
_FEATHER_1_MAGIC = b"FEA1"
_MOST_BATCH_BYTES = 64 << 20


def open_arrow(raw: RawFile, folder: Path) -> ColumnFile:
    """Open an Arrow file or stream; one that is packed is unpacked into `folder`.

    Raises
    ------
    DataError
        It is none, or cannot be decompressed.
    """
    plain = open_plain(raw, folder)
    with plain.open("rb") as source:
        magic = source.read(len(_FILE_MAGIC))
    if magic.startswith(_FEATHER_1_MAGIC):
        raise DataError(
            f"{raw.name} is Feather of version 1, which is no Arrow file. "
            f"Write it anew: pyarrow.feather.write_feather(pyarrow.feather.read_table(old), new)"
        )
    is_file, is_own = magic == _FILE_MAGIC, plain != raw.path
    try:
        with ExitStack() as stack:
            reader = _open(plain, stack, is_file=is_file, is_own=is_own)
            schema = checked_names(reader.schema)
            large = not is_own and _has_large_batches(plain, reader)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # a name of a column may be no UTF-8
        raise DataError(f"{raw.name} is not an Arrow file: {error}") from error

    def read(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with ExitStack() as stack:
            path = _copy(plain, folder) if large else plain
            reader = _open(path, stack, is_file=is_file, is_own=is_own or large)
            if isinstance(reader, pa.ipc.RecordBatchFileReader):
                for index in range(reader.num_record_batches):
                    yield reader.get_batch(index).select(columns)
            else:
                for batch in reader:
                    yield batch.select(columns)

    return ColumnFile(raw.name, "Arrow", schema, read)


def _open(
    plain: Path, stack: ExitStack, *, is_file: bool, is_own: bool
) -> pa.ipc.RecordBatchFileReader | pa.ipc.RecordBatchStreamReader:
    source = stack.enter_context(pa.memory_map(str(plain)) if is_own else pa.OSFile(str(plain)))
    return pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)


def _has_large_batches(plain: Path, reader: pa.ipc.RecordBatchFileReader | pa.ipc.RecordBatchStreamReader) -> bool:
    """Return whether a batch may be too large to be read as a whole; a stream does not tell how many it has."""
    n_batches = reader.num_record_batches if isinstance(reader, pa.ipc.RecordBatchFileReader) else 1
    return plain.stat().st_size > _MOST_BATCH_BYTES * max(n_batches, 1)


def _copy(plain: Path, folder: Path) -> Path:
    """Return a copy in a folder of our own, made once."""
    target = folder / "plain.arrow"
    if not target.exists():
        shutil.copyfile(plain, target)
    return target
