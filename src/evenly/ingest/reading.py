"""What every reader of a raw file takes and gives; `evenly.ingest.readers` opens the one for a format.

In: a `RawFile` and the columns that are wanted. Out: Arrow tables of those columns in the order of the file, and
afterwards the rows that the format itself refused. Own checks come later and name a row by how many were delivered
before it; the reader then finds the line (a second pass, only where something was refused).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from evenly.ingest.delimited.dialect import Dialect
    from evenly.ingest.rejects import Reject

__all__ = [
    "AUTO",
    "BATCH_ROWS",
    "MEMORY_BYTES",
    "ROW_BYTES",
    "TOO_LONG",
    "Place",
    "ReadOptions",
    "Reader",
    "TextFormat",
]

BATCH_ROWS = 8_192
MEMORY_BYTES = 2**30
ROW_BYTES = 16 << 20
TOO_LONG = f"a row of more than {ROW_BYTES >> 20} MB"


@dataclass(frozen=True)
class TextFormat:
    """How a text file is written, as far as the config says; see `evenly.config.SourceConfig`.

    Attributes
    ----------
    encoding
        ``auto`` or a Python codec.
    on_bad_bytes
        ``reject`` or ``replace``: what becomes of rows with bytes that the encoding does not have.
    delimiter, quote, header
        Of CSV; None: found by looking. `quote` is '' where quotes are part of the text.
    """

    encoding: str = "auto"
    on_bad_bytes: str = "reject"
    delimiter: str | None = None
    quote: str | None = None
    header: bool | None = None


AUTO = TextFormat()


class Place(NamedTuple):
    """Where a delivered row stands in its file, and what stands there."""

    line: int | None
    raw: str


@dataclass(frozen=True)
class ReadOptions:
    """What to read and how.

    Attributes
    ----------
    wanted
        Column names, in order.
    text
        Those of them that must hold text.
    carried
        Those of them that are only carried along: of JSON, whatever they hold (`evenly.ingest.kept_types`).
    given
        What the config says of text files.
    dialect
        Of CSV, where it is known already.
    threads
        That the reader may use.
    memory_bytes
        What the reader should stay under, besides what its libraries take.
    """

    wanted: tuple[str, ...]
    text: tuple[str, ...]
    given: TextFormat = AUTO
    dialect: Dialect | None = None
    threads: int = 1
    memory_bytes: int = MEMORY_BYTES
    carried: tuple[str, ...] = ()


class Reader(Protocol):
    """Delivers the rows of one file."""

    @property
    def remarks(self) -> Sequence[str]:
        """What was done to the file before it could be read, in phrases."""
        ...

    @property
    def dialect(self) -> dict[str, str | bool]:
        """How the file is written, for the manifest."""
        ...

    def batches(self) -> Iterator[pa.Table]:
        """Yield the wanted columns, rows in the order of the file."""
        ...

    def diverted(self) -> Iterator[Reject]:
        """Yield the rows that could not be delivered; valid once `batches` is exhausted."""
        ...

    def locate(self, delivered: NDArray[np.int64]) -> Iterator[Place]:
        """Yield the places of delivered rows (ascending, from 0); valid once `batches` is exhausted."""
        ...
