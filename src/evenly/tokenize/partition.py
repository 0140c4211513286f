"""One parquet file encoded, in a worker process.

Comes in: the file, the split of each of its rows, a ``tokenizer.json``. Goes out: an Arrow stream a split, and what
it holds as a JSON value. Only the `tokenizers` library is loaded here, never `transformers`.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evenly.executor import usable_cores
from evenly.formats import LABELS_TYPE, SPLITS
from evenly.tokenize.encoder import open_encoder
from evenly.tokenize.label_lengths import LabelLengths
from evenly.tokenize.lengths import Lengths
from evenly.tokenize.texts import BATCH_ROWS, join_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.tokenize.encoder import Encoder

__all__ = ["Encoding", "Part", "shard_schema", "write_part"]


@dataclass(frozen=True)
class Part:
    """A parquet file, its number among the parts, and the split of its rows.

    `codes` has the shape (n_rows,): index into `SPLITS`, or -1 for a row that is in none.
    """

    path: Path
    index: int
    codes: NDArray[np.int8]


@dataclass(frozen=True)
class Encoding:
    """What is the same for every part; `n_sharers` processes share the cores of this machine."""

    columns: Sequence[str]
    separator: str
    tokenizer: Path
    max_length: int
    n_sharers: int


def shard_schema(id_type: pa.DataType) -> pa.Schema:
    """Return the columns of a shard."""
    return pa.schema({"row": pa.int64(), "input_ids": pa.list_(id_type), "labels": LABELS_TYPE})


def write_part(encoding: Encoding, part: Part, folder: Path) -> dict[str, Any]:
    """Write ``SPLIT/data-INDEX.arrow`` for every split that has rows here.

    Returns
    -------
    dict
        `splits`: by split `file`, its `sha256`, and `lengths` (see `Lengths.to_json`); `label_lengths`: of all
        splits together (see `LabelLengths.to_json`).
    """
    os.environ.setdefault("RAYON_NUM_THREADS", str(max(1, usable_cores() // encoding.n_sharers)))
    encoder = open_encoder(encoding.tokenizer, max_length=encoding.max_length)
    name = f"data-{part.index:05d}.arrow"
    schema = shard_schema(encoder.id_type)
    lengths, label_lengths = {split: Lengths() for split in _present(part.codes)}, LabelLengths()
    with ExitStack() as stack:
        writers = {}
        for split in lengths:
            (folder / split).mkdir()
            writers[split] = stack.enter_context(pa.ipc.new_stream(folder / split / name, schema))
        for split, batch in _split_batches(part, encoding.columns):
            encoded, length = _encode_batch(batch, encoding, encoder, schema, lengths[split])
            writers[split].write_batch(encoded)
            label_lengths.add(encoded.column("labels"), length)
    splits = {
        split: {"file": name, "sha256": _sha256(folder / split / name), "lengths": counts.to_json()}
        for split, counts in lengths.items()
    }
    return {"splits": splits, "label_lengths": label_lengths.to_json()}


def _present(codes: NDArray[np.int8]) -> list[str]:
    """Return the splits that rows are in; a row with -1 is in none."""
    return [SPLITS[code] for code in np.unique(codes) if code >= 0]


def _split_batches(part: Part, columns: Sequence[str]) -> Iterator[tuple[str, pa.RecordBatch]]:
    first = 0
    for batch in pq.ParquetFile(part.path).iter_batches(BATCH_ROWS, columns=["row", *columns, "labels"]):
        codes = part.codes[first : first + len(batch)]
        for split in _present(codes):
            yield split, batch.filter(pa.array(codes == SPLITS.index(split)))
        first += len(batch)


def _encode_batch(
    batch: pa.RecordBatch, encoding: Encoding, encoder: Encoder, schema: pa.Schema, lengths: Lengths
) -> tuple[pa.RecordBatch, NDArray[np.int64]]:
    """Return the columns of a shard, and the length of each row before the cut; add the rows to `lengths`."""
    encoded = encoder(join_columns(batch, encoding.columns, encoding.separator))
    kept = pc.list_value_length(encoded.ids).to_numpy(zero_copy_only=False).astype(np.int64)
    lengths.add(kept, encoded.n_lost)
    labels = batch.column("labels").cast(LABELS_TYPE)
    return pa.record_batch([batch.column("row"), encoded.ids, labels], schema=schema), kept + encoded.n_lost


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
