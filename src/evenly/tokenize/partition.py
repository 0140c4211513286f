"""One unit of a table encoded, in a worker process.

Comes in: the parts of the unit, the split of each of their rows, what encodes them. Goes out: Arrow streams of
each split, and what they hold as a JSON value. Only the engine is loaded here, never `transformers`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evenly.executor import usable_cores
from evenly.formats import LABELS_TYPE, SPLITS
from evenly.tokenize.encoder import Encoder
from evenly.tokenize.engines import open_engine
from evenly.tokenize.label_lengths import LabelLengths
from evenly.tokenize.lengths import Lengths
from evenly.tokenize.nasty import pick_nasty
from evenly.tokenize.shard_files import ShardFiles
from evenly.tokenize.texts import BATCH_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.tokenize.cut import Truncate
    from evenly.tokenize.layout import Layout
    from evenly.tokenize.units import Part, Unit

__all__ = ["Encoding", "sample_unit", "shard_schema", "write_unit"]


@dataclass(frozen=True)
class Encoding:
    """What is the same for every unit.

    Attributes
    ----------
    content
        A file with `Vocabulary.content_json`.
    layout
        The columns of ids.
    id_type
        uint16 or uint32.
    engine, max_length, truncate
        As for `evenly.tokenize.encode`, the engine by name.
    shard_bytes
        A file of this size is full.
    n_sharers
        Processes that share the cores of this machine.
    """

    content: Path
    layout: Layout
    id_type: str
    engine: str
    max_length: int
    truncate: Truncate
    shard_bytes: int
    n_sharers: int

    @property
    def columns(self) -> list[str]:
        """The text columns."""
        return [name for _, columns in self.layout.fields for name in columns]


def shard_schema(layout: Layout, id_type: pa.DataType) -> pa.Schema:
    """Return the columns of a shard."""
    ids = [(name, pa.list_(id_type)) for name, _ in layout.fields]
    return pa.schema([("row", pa.int64()), *ids, ("labels", LABELS_TYPE)])


def sample_unit(columns: Sequence[str], special: tuple[str, ...], limit: int, unit: Unit, folder: Path) -> str:
    """Write ``sample-UNIT.parquet`` with the nastiest texts of the first rows of a unit, and return its name.

    There are `limit` of a kind and column; see `pick_nasty`.
    """
    batch = next(pq.ParquetFile(unit.parts[0].path).iter_batches(BATCH_ROWS, columns=list(columns)), None)
    found = [] if batch is None else [pc.fill_null(batch.column(name).cast(pa.string()), "") for name in columns]
    texts = pa.chunked_array([pick_nasty(column, special, limit) for column in found], pa.string())
    name = f"sample-{unit.index:05d}.parquet"
    pq.write_table(pa.table({"text": texts}), folder / name)
    return name


def write_unit(encoding: Encoding, unit: Unit, folder: Path) -> dict[str, Any]:
    """Write ``SPLIT/data-UNIT.arrow``, and more files where one is full, for every split that has rows here.

    Returns
    -------
    dict
        `splits`: by split `files` (see `ShardFiles.written`) and `lengths` (see `Lengths.to_json`);
        `label_lengths`: of all splits together (see `LabelLengths.to_json`).
    """
    os.environ.setdefault("RAYON_NUM_THREADS", str(max(1, usable_cores() // encoding.n_sharers)))
    encoder = _open_encoder(replace(encoding, n_sharers=1))
    schema = shard_schema(encoding.layout, encoder.id_type)
    files: dict[str, ShardFiles] = {}
    lengths, label_lengths = {}, LabelLengths()
    for split, batch in _split_batches(unit.parts, encoding.columns):
        if split not in files:
            files[split] = ShardFiles(folder / split, unit.index, schema, encoding.shard_bytes)
            lengths[split] = Lengths()
        encoded, kept, lost, longest = _encode_batch(batch, encoding.layout, encoder, schema)
        files[split].write(encoded, int(kept.sum()))
        lengths[split].add(kept, lost, longest)
        label_lengths.add(encoded.column("labels"), longest)
    for held in files.values():
        held.close()
    splits = {split: {"files": held.written, "lengths": lengths[split].to_json()} for split, held in files.items()}
    return {"splits": splits, "label_lengths": label_lengths.to_json()}


@lru_cache(maxsize=1)
def _open_encoder(encoding: Encoding) -> Encoder:
    """Keep one encoder a process: from unit to unit an engine knows more words by heart."""
    engine = open_engine(encoding.engine, encoding.content.read_text(encoding="utf-8"))
    id_type = pa.type_for_alias(encoding.id_type)
    return Encoder(engine, encoding.layout.template, id_type, encoding.max_length, encoding.truncate)


def _split_batches(parts: Sequence[Part], columns: Sequence[str]) -> Iterator[tuple[str, pa.RecordBatch]]:
    for part in parts:
        first = 0
        for batch in pq.ParquetFile(part.path).iter_batches(BATCH_ROWS, columns=["row", *columns, "labels"]):
            codes = part.codes[first : first + len(batch)]
            for code in np.unique(codes[codes >= 0]):
                yield SPLITS[code], batch.filter(pa.array(codes == code))
            first += len(batch)


def _encode_batch(
    batch: pa.RecordBatch, layout: Layout, encoder: Encoder, schema: pa.Schema
) -> tuple[pa.RecordBatch, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the columns of a shard, and of each row the ids kept and lost, and the length of its longest field."""
    encoded = [encoder(layout.texts(batch, columns)) for _, columns in layout.fields]
    kept = np.stack([np.diff(field.ids.offsets.to_numpy()).astype(np.int64) for field in encoded])
    lost = np.stack([field.n_lost for field in encoded])
    labels = batch.column("labels").cast(LABELS_TYPE)
    made = pa.record_batch([batch.column("row"), *(field.ids for field in encoded), labels], schema=schema)
    return made, kept.sum(axis=0), lost.sum(axis=0), (kept + lost).max(axis=0)
