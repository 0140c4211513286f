"""Token shards: the rows of a table (or the synthetic rows of a plan) as Arrow streams of token ids.

Comes in: parquet with texts and labels, and a tokenizer folder. Goes out: a folder a split with
``data-*.arrow`` (`row` int64, `input_ids` list<uint16 or uint32>, `labels` list<int32>) that
`datasets.load_from_disk` opens, and ``token_lengths.parquet``, the lengths of each label's texts. A part of the table
is a partition: it yields one file a split where it has rows. Rows in no split are left out.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

from evenly.formats import SPLITS, list_parts, read_facts, read_label_names
from evenly.store import Stage
from evenly.tokenize.encoder import open_encoder
from evenly.tokenize.label_lengths import LabelLengths
from evenly.tokenize.lengths import Lengths
from evenly.tokenize.partition import Encoding, Part, shard_schema, write_part
from evenly.tokenize.saved_dataset import write_dataset_files, write_dict_file
from evenly.tokenize.texts import split_codes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa

    from evenly.workspace import Workspace

__all__ = ["SHARDS", "SYNTHETIC", "write_shards", "write_synthetic_shards"]

_NOT_TEXT = ("row", "seed_row", "reference_row", "share", "position", "label", "labels")


def write_shards(work: Workspace, *, table: Path, split: Path, tokenizer: Path, max_length: int) -> None:
    """Encode every row that is in a split once; write the shards of each split and the lengths of each label.

    Parameters
    ----------
    work, table, split, tokenizer
        Where to write; the artifacts to read.
    max_length
        Most ids a row, special tokens included; longer texts are cut at the end.
    """
    parts = [
        Part(path, index, codes)
        for index, (path, codes) in enumerate(zip(list_parts(table), split_codes(table, split), strict=True))
    ]
    columns = read_facts(table)["text_columns"]
    found = _write(work, parts, columns=columns, tokenizer=tokenizer, max_length=max_length, splits=SPLITS)
    per_label = found.table(read_label_names(table), max_length)
    pq.write_table(per_label, work.out / "token_lengths.parquet", compression="zstd")


def write_synthetic_shards(work: Workspace, *, plan: Path, tokenizer: Path, max_length: int) -> None:
    """Encode the synthetic rows of a plan and write them as shards of the train split; there may be none.

    Parameters
    ----------
    work, plan, tokenizer
        Where to write; the artifacts to read.
    max_length
        As in `write_shards`.
    """
    path = plan / "synthetic.parquet"
    schema, n_rows = pq.read_schema(path), pq.read_metadata(path).num_rows
    columns = [name for name in schema.names if name not in _NOT_TEXT]
    parts = [Part(path, 0, np.zeros(n_rows, np.int8))] if n_rows else []
    _write(work, parts, columns=columns, tokenizer=tokenizer, max_length=max_length, splits=SPLITS[:1])


def _write(
    work: Workspace,
    parts: list[Part],
    *,
    columns: Sequence[str],
    tokenizer: Path,
    max_length: int,
    splits: Sequence[str],
) -> LabelLengths:
    n_sharers = max(1, min(work.executor.workers, len(parts)))
    encoding = Encoding(columns, read_facts(tokenizer)["separator"], tokenizer, max_length, n_sharers)
    written = work.map(partial(write_part, encoding), parts, name="encode")
    id_type = open_encoder(tokenizer).id_type
    lengths = {}
    for split in splits:
        pieces = [piece["splits"][split] for piece in written if split in piece["splits"]]
        write_dataset_files(
            work.out / split,
            split=split,
            schema=shard_schema(id_type),
            files={piece["file"]: piece["sha256"] for piece in pieces},
        )
        lengths[split] = Lengths.total(Lengths.from_json(piece["lengths"]) for piece in pieces)
    write_dict_file(work.out, splits)
    _record(work, lengths, id_type, max_length)
    return LabelLengths.total(piece["label_lengths"] for piece in written)


def _record(work: Workspace, lengths: dict[str, Lengths], id_type: pa.DataType, max_length: int) -> None:
    total = Lengths.total(lengths.values())
    work.record(
        rows=total.n_rows,
        n_rows={split: piece.n_rows for split, piece in lengths.items()},
        n_tokens={split: piece.n_tokens for split, piece in lengths.items()},
        id_type=str(id_type),
        **total.facts(),
    )
    if total.n_rows:
        work.note(total.sentence(max_length))


SHARDS = Stage("shards", 2, write_shards)
SYNTHETIC = Stage("synthetic", 2, write_synthetic_shards)
