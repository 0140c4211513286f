"""Arrow IPC, the file format (.arrow, .feather) and the stream, opened to be read as columns.

The two are told apart by their first bytes, not by the ending: `datasets` writes streams under .arrow.
"""

from __future__ import annotations

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
    try:
        with ExitStack() as stack:
            schema = checked_names(_open(plain, stack, is_file=magic == _FILE_MAGIC).schema)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # a name of a column may be no UTF-8
        raise DataError(f"{raw.name} is not an Arrow file: {error}") from error

    def read(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with ExitStack() as stack:
            reader = _open(plain, stack, is_file=magic == _FILE_MAGIC)
            if isinstance(reader, pa.ipc.RecordBatchFileReader):
                for index in range(reader.num_record_batches):
                    yield reader.get_batch(index).select(columns)
            else:
                for batch in reader:
                    yield batch.select(columns)

    return ColumnFile(raw.name, "Arrow", schema, read)


def _open(
    plain: Path, stack: ExitStack, *, is_file: bool
) -> pa.ipc.RecordBatchFileReader | pa.ipc.RecordBatchStreamReader:
    source = stack.enter_context(pa.memory_map(str(plain)))
    return pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)
