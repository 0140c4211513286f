"""One unit of a table encoded, in a worker process.

Comes in: the parts of the unit, the split of each of their rows, what encodes them. Goes out: Arrow streams of
each split, and what they hold as a JSON value. Only the engine is loaded here, never `transformers`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
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
from evenly.tokenize.windows import expand_windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.tokenize.assembly import Encoded
    from evenly.tokenize.cut import Truncate
    from evenly.tokenize.engines import Engine
    from evenly.tokenize.layout import Layout
    from evenly.tokenize.units import Part, Unit

__all__ = ["Encoding", "sample_unit", "write_unit", "write_unit_with"]


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
    engine, max_length, truncate, stride
        As for `evenly.tokenize.encode` and `encode_windows`, the engine by name.
    shard_bytes
        A file of this size is full.
    n_sharers
        Processes or threads that share the cores of this machine.
    """

    content: Path
    layout: Layout
    id_type: str
    engine: str
    max_length: int
    truncate: Truncate
    stride: int
    shard_bytes: int
    n_sharers: int

    @property
    def columns(self) -> list[str]:
        """The text columns."""
        return [name for _, columns in self.layout.fields for name in columns]

    @property
    def schema(self) -> pa.Schema:
        """The columns of a shard."""
        window = [("window", pa.int32())] if self.truncate == "windows" else []
        ids = [(name, pa.list_(pa.type_for_alias(self.id_type))) for name, _ in self.layout.fields]
        return pa.schema([("row", pa.int64()), *window, *ids, ("labels", LABELS_TYPE)])

    def encoder(self, engine: Engine) -> Encoder:
        """Return what encodes rows; the engine uses threads of its own where there are cores for them."""
        id_type = pa.type_for_alias(self.id_type)
        threads = usable_cores() // self.n_sharers > 1
        return Encoder(engine, self.layout.template, id_type, self.max_length, self.truncate, self.stride, threads)


def sample_unit(columns: Sequence[str], special: tuple[str, ...], limit: int, unit: Unit, folder: Path) -> str:
    """Write ``sample-UNIT.parquet`` with the nastiest texts of the first rows of a unit, and return its name.

    There are `limit` of a kind and column; see `pick_nasty`.
    """
    batch = next(_open_part(unit.parts[0]).iter_batches(BATCH_ROWS, columns=list(columns)), None)
    found = [] if batch is None else [pc.fill_null(batch.column(name).cast(pa.string()), "") for name in columns]
    texts = pa.chunked_array([pick_nasty(column, special, limit) for column in found], pa.string())
    name = f"sample-{unit.index:05d}.parquet"
    pq.write_table(pa.table({"text": texts}), folder / name)
    return name


def write_unit(encoding: Encoding, unit: Unit, folder: Path) -> dict[str, Any]:
    """Do what `write_unit_with` does, with an engine that this process opens and keeps."""
    os.environ.setdefault("RAYON_NUM_THREADS", str(max(1, usable_cores() // encoding.n_sharers)))
    engine = _open_engine(encoding.engine, encoding.content)
    return write_unit_with(engine, encoding, unit, folder)


@lru_cache(maxsize=1)
def _open_engine(name: str, content: Path) -> Engine:
    """Keep one engine a process: from unit to unit it knows more words by heart."""
    return open_engine(name, content.read_text(encoding="utf-8"))


def write_unit_with(engine: Engine, encoding: Encoding, unit: Unit, folder: Path) -> dict[str, Any]:
    """Write ``SPLIT/data-UNIT.arrow``, and more files where one is full, for every split that has rows here.

    Several threads may do so at once with one engine.

    Returns
    -------
    dict
        `splits`: by split `files` (see `ShardFiles.written`) and `lengths` (see `Lengths.to_json`);
        `label_lengths`: of all splits together (see `LabelLengths.to_json`).
    """
    encoder = encoding.encoder(engine)
    files: dict[str, ShardFiles] = {}
    lengths, label_lengths = {}, LabelLengths()
    for split, batch in _split_batches(unit.parts, encoding.columns):
        if split not in files:
            files[split] = ShardFiles(folder / split, unit.index, encoding.schema, encoding.shard_bytes)
            lengths[split] = Lengths()
        encoded = [encoder(encoding.layout.texts(batch, columns)) for _, columns in encoding.layout.fields]
        stored, n_windows = _lay_side_by_side(batch, encoded, encoding.schema)
        n_tokens = sum(len(stored.column(name).values) for name, _ in encoding.layout.fields)
        longest = np.max([field.length for field in encoded], axis=0)
        files[split].write(stored, n_tokens, longest)
        lost = np.sum([field.n_lost for field in encoded], axis=0)
        lengths[split].add(n_tokens, lost=lost, length=longest, n_windows=n_windows)
        label_lengths.add(batch.column("labels").cast(LABELS_TYPE), longest)
    for held in files.values():
        held.close()
    splits = {split: {"files": held.written, "lengths": lengths[split].to_json()} for split, held in files.items()}
    return {"splits": splits, "label_lengths": label_lengths.to_json()}


def _open_part(part: Part) -> pq.ParquetFile:
    """Map the file: pages that are not compressed are not copied, and only those that are reached are read."""
    return pq.ParquetFile(part.path, memory_map=True)


def _split_batches(parts: Sequence[Part], columns: Sequence[str]) -> Iterator[tuple[str, pa.RecordBatch]]:
    for part in parts:
        first = 0
        for batch in _open_part(part).iter_batches(BATCH_ROWS, columns=["row", *columns, "labels"]):
            codes = part.codes[first : first + len(batch)]
            for code in np.unique(codes[codes >= 0]):
                yield SPLITS[code], batch.filter(pa.array(codes == code))
            first += len(batch)


def _lay_side_by_side(
    batch: pa.RecordBatch, fields: Sequence[Encoded], schema: pa.Schema
) -> tuple[pa.RecordBatch, NDArray[np.int64]]:
    """Return the columns of a shard, and the windows of each row: those of its field with the most of them."""
    n_windows = np.max([field.n_windows for field in fields], axis=0)
    row, window = expand_windows(n_windows)
    columns = {
        "row": batch.column("row").take(pa.array(row)),
        "window": pa.array(window.astype(np.int32)),
        "labels": batch.column("labels").cast(LABELS_TYPE).take(pa.array(row)),
    }
    names = [name for name in schema.names if name not in columns]
    columns |= {name: _spread(field, row, window) for name, field in zip(names, fields, strict=True)}
    return pa.record_batch([columns[name] for name in schema.names], schema=schema), n_windows


def _spread(field: Encoded, row: NDArray[np.int64], window: NDArray[np.int64]) -> pa.ListArray:
    """Return the list of each window; a field that has fewer windows than another repeats its last one."""
    if len(field.ids) == len(row):
        return field.ids
    first = np.cumsum(field.n_windows) - field.n_windows
    return field.ids.take(pa.array(first[row] + np.minimum(window, field.n_windows[row] - 1)))
