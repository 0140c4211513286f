"""Folders of token shards with the rows that a test wants, written without a tokenizer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa

from evenly.formats import LABELS_TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def write_shards(
    folder: Path,
    ids: dict[str, list[list[int]]],
    labels: list[list[int]],
    *,
    rows: Sequence[int] | None = None,
    windows: Sequence[int] | None = None,
    split: str = "train",
    batch_rows: int = 7,
    file_batches: int = 2,
    id_type: pa.DataType | None = None,
) -> Path:
    """Write ``SPLIT/state.json`` and Arrow streams of at most `file_batches` record batches of `batch_rows` rows."""
    columns = {"row": pa.array(range(len(labels)) if rows is None else rows, pa.int64())}
    if windows is not None:
        columns["window"] = pa.array(windows, pa.int32())
    columns |= {name: pa.array(lists, pa.list_(id_type or pa.uint16())) for name, lists in ids.items()}
    table = pa.table({**columns, "labels": pa.array(labels, LABELS_TYPE)})
    (folder / split).mkdir(parents=True, exist_ok=True)
    names = []
    for first in range(0, len(table), batch_rows * file_batches):
        names.append(f"data-{len(names):05d}.arrow")
        with pa.ipc.new_stream(folder / split / names[-1], table.schema) as stream:
            stream.write_table(table.slice(first, batch_rows * file_batches), max_chunksize=batch_rows)
    state = {"_data_files": [{"filename": name} for name in names]}
    (folder / split / "state.json").write_text(json.dumps(state), encoding="utf-8")
    return folder
