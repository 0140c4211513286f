"""What must be known of a text: whether it is the same as another, and how long it is.

Comes in: the parts of a table. Goes out: two numbers of 64 bits and two lengths for every row; a text itself is in memory only while its batch is read. Two texts are the same when they agree after Unicode
NFKC, case folding and with every run of white space as one space; several text columns must agree each.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evenly.formats import list_parts, read_facts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.workspace import Workspace

__all__ = ["RowTexts", "first_rows", "fold_text", "read_row_texts"]

_BATCH_ROWS = 8_192
_DIGEST_BYTES = 16
_COLUMN_END = b"\x1f"  # folding leaves none inside a text
_NO_GROUP = b""


@dataclass(frozen=True)
class RowTexts:
    """What is known of the text of every row.

    Attributes
    ----------
    text
        Shape (n_rows,), int64: the lowest row with the same text.
    group
        Shape (n_rows,), int64: the lowest row of the same group, itself where the group is null; None where
        the table has no groups.
    length
        Shape (n_rows,), int64: characters, over all text columns.
    """

    text: NDArray[np.int64]
    group: NDArray[np.int64] | None
    length: NDArray[np.int64]


def fold_text(text: str) -> str:
    r"""Return the text under which it is compared: NFKC, case folded, white space folded.

    Examples
    --------
    >>> fold_text("  Straße\tNo 1 ") == fold_text("STRASSE no 1")
    True
    """
    if text.isascii():
        return " ".join(text.lower().split())
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.split())


def read_row_texts(work: Workspace, table: Path) -> RowTexts:
    """Read the texts of a table, part by part, wherever the workspace has its workers."""
    columns = tuple(read_facts(table)["text_columns"])
    items = [(str(part), columns) for part in list_parts(table)]
    has_group = all(work.map(_digest_part, items, name="texts", keep=False, unit="parts"))
    folder = work.scratch / "texts"
    read = [_read_arrays(folder, Path(part).stem) for part, _ in items]
    text, group, length = (np.concatenate(arrays) for arrays in zip(*read, strict=True))
    return RowTexts(first_rows(text), first_rows(group) if has_group else None, length)


def first_rows(digests: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the lowest row with the same digest, shape (n_rows,), int64.

    Parameters
    ----------
    digests
        Shape (n_rows, 2), uint64. The pair (0, 0) is the same as nothing but itself in its own row.
    """
    order = np.lexsort((digests[:, 1], digests[:, 0]))  # stable: the lowest row of a run comes first
    ordered = digests[order]
    differs = (ordered[1:] != ordered[:-1]).any(axis=1) | ~ordered[1:].any(axis=1)
    starts = np.concatenate([[True], differs])[: len(order)]
    first = np.empty(len(order), np.int64)
    first[order] = order[np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))]
    return first


def _digest_part(item: tuple[str, tuple[str, ...]], folder: Path) -> bool:
    """Write digests and lengths of one part and return whether it has groups."""
    part, columns = Path(item[0]), item[1]
    with pq.ParquetFile(part) as source:
        has_group = "group" in source.schema_arrow.names
        wanted = [*columns, *(["group"] if has_group else [])]
        batches = [_digest_batch(batch, columns) for batch in source.iter_batches(_BATCH_ROWS, columns=wanted)]
    nothing = (np.empty((0, 2), np.uint64), np.empty((0, 2), np.uint64), np.empty(0, np.int64))
    arrays = [np.concatenate(pieces) for pieces in zip(nothing, *batches, strict=True)]
    for name, array in zip(("text", "group", "length"), arrays, strict=True):
        np.save(folder / f"{part.stem}.{name}.npy", array)
    return has_group


def _digest_batch(batch: pa.RecordBatch, columns: tuple[str, ...]) -> tuple[NDArray[Any], ...]:
    """Return digests of text and group, shape (n, 2), uint64, and lengths, shape (n,), int64."""
    texts = [batch[name].to_pylist() for name in columns]
    joined = (_COLUMN_END.join(_encode(fold_text(text or "")) for text in row) for row in zip(*texts, strict=True))
    groups = batch["group"].to_pylist() if "group" in batch.schema.names else [None] * len(batch)
    lengths = sum(pc.fill_null(pc.utf8_length(batch[name]), 0).to_numpy().astype(np.int64) for name in columns)
    grouped = _digests(_NO_GROUP if value is None else b"=" + _encode(value) for value in groups)
    grouped[[value is None for value in groups]] = 0
    return _digests(joined), grouped, np.asarray(lengths)


def _digests(values: Any) -> NDArray[np.uint64]:
    joined = b"".join(hashlib.blake2b(value, digest_size=_DIGEST_BYTES).digest() for value in values)
    return np.frombuffer(joined, "<u8").reshape(-1, 2).astype(np.uint64)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _read_arrays(folder: Path, stem: str) -> tuple[NDArray[Any], ...]:
    return tuple(np.load(folder / f"{stem}.{name}.npy") for name in ("text", "group", "length"))
