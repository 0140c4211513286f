"""A pandas, polars or Arrow frame from Python as a source file.

In: any object of the Arrow PyCapsule interface. Out: a parquet file named by its content, so that an equal frame is
the same source, and everything made of it is found again.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa

from evenly.errors import DataError
from evenly.ingest.structured.parquet_writer import plain_schema, write_parquet
from evenly.manifest import digest_files

__all__ = ["save_frame"]

_PANDAS_INDEX = "__index_level_"


def save_frame(frame: Any, folder: Path | str) -> Path:
    """Write a frame as a source file and return its path.

    Parameters
    ----------
    frame
        A `pandas.DataFrame`, `polars.DataFrame`, `pyarrow.Table`, or whatever else has ``__arrow_c_stream__``. An
        index without a name is left out.
    folder
        Where to write; it is made where it is missing.

    Returns
    -------
    Path
        ``frame-<digest>.parquet``: the same for an equal frame, whose file is left as it is.

    Raises
    ------
    DataError
        It is no frame, or a column holds objects of several types.
    """
    reader = _open_stream(frame)
    names = [name for name in reader.schema.names if not name.startswith(_PANDAS_INDEX)]
    schema = plain_schema(pa.schema([reader.schema.field(name) for name in names]))
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".frame-{uuid.uuid4().hex}"
    try:
        write_parquet(partial, schema, (pa.Table.from_batches([batch]).select(names) for batch in reader))
        digest = digest_files([partial])[0].blake3
        return partial.rename(folder / f"frame-{digest[:16]}.parquet")
    finally:
        partial.unlink(missing_ok=True)


def _open_stream(frame: Any) -> pa.RecordBatchReader:
    if not hasattr(frame, "__arrow_c_stream__"):
        raise DataError(
            f"save_frame got {type(frame).__name__}, expected a pandas, polars or Arrow frame "
            f"(with __arrow_c_stream__). Make one of it, such as pandas.DataFrame(rows)."
        )
    try:
        return pa.RecordBatchReader.from_stream(frame)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"The frame has a column of several types: {error}. Give it one, such as str.") from error
