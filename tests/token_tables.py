"""Artifacts with the texts and labels that a test wants: a table and its split, written as the stages write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer, models, pre_tokenizers

from evenly.formats import LABELS_TYPE
from evenly.store import Stage, Store

if TYPE_CHECKING:
    from pathlib import Path

    from evenly.store import Artifact
    from evenly.workspace import Workspace


def build_table(
    store: Store,
    columns: dict[str, list[str | None]],
    labels: list[list[int]],
    *,
    n_labels: int,
    part_rows: int = 1000,
    task: str = "multilabel",
) -> Artifact:
    """Build ``table/`` with the given text columns."""
    params = {"columns": columns, "labels": labels, "n_labels": n_labels, "part_rows": part_rows, "task": task}
    return store.build(Stage("table", 1, _write_table), params=params, inputs={})


def word_level(vocabulary: dict[str, int]) -> Tokenizer:
    """Return a tokenizer that gives each word its id; the first word stands for unknown ones."""
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=next(iter(vocabulary))))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def build_tokenizer(store: Store, words: list[str], separator: str = " ") -> Artifact:
    """Build ``tokenizer/`` with `word_level` over the words, numbered in their order."""
    params = {"words": words, "separator": separator}
    return store.build(Stage("tokenizer", 1, _write_tokenizer), params=params, inputs={})


def build_split(store: Store, splits: list[str]) -> Artifact:
    """Build ``split/`` with a split a row."""
    return store.build(Stage("split", 1, _write_split), params={"splits": splits}, inputs={})


def write_plan(folder: Path, copies: dict[int, int], synthetic: list[tuple[int, str, list[int]]]) -> Path:
    """Write ``plan.parquet`` and ``synthetic.parquet``; a synthetic row is (row, text, labels)."""
    folder.mkdir()
    rows, counts = pa.array(list(copies), pa.int64()), pa.array(list(copies.values()), pa.int32())
    pq.write_table(pa.table({"row": rows, "copies": counts}), folder / "plan.parquet")
    made = {
        "row": pa.array([row for row, _, _ in synthetic], pa.int64()),
        "seed_row": pa.array([0] * len(synthetic), pa.int64()),
        "reference_row": pa.array([0] * len(synthetic), pa.int64()),
        "share": pa.array([0.5] * len(synthetic), pa.float64()),
        "label": pa.array([0] * len(synthetic), pa.int32()),
        "text": pa.array([text for _, text, _ in synthetic], pa.string()),
        "labels": pa.array([labels for _, _, labels in synthetic], LABELS_TYPE),
    }
    pq.write_table(pa.table(made), folder / "synthetic.parquet")
    return folder


def build_plan(store: Store, copies: dict[int, int], synthetic: list[tuple[int, str, list[int]]]) -> Artifact:
    """Build ``plan/``."""
    params = {"copies": list(copies.items()), "synthetic": synthetic}
    return store.build(Stage("plan", 1, _write_plan), params=params, inputs={})


def _write_plan(work: Workspace, *, copies: list[Any], synthetic: list[Any]) -> None:
    write_plan(work.scratch / "plan", dict(copies), synthetic)
    for name in ("plan.parquet", "synthetic.parquet"):
        (work.scratch / "plan" / name).rename(work.out / name)


def _write_tokenizer(work: Workspace, *, words: list[str], separator: str) -> None:
    word_level({word: i for i, word in enumerate(words)}).save(str(work.out / "tokenizer.json"))
    work.record(vocabulary_size=len(words), n_ids=len(words) + 1, pad_id=len(words), separator=separator)


def _write_table(
    work: Workspace, *, columns: dict[str, Any], labels: list[list[int]], n_labels: int, part_rows: int, task: str
) -> None:
    table = pa.table(
        {
            "row": pa.array(np.arange(len(labels))),
            **{name: pa.array(texts, pa.string()) for name, texts in columns.items()},
            "labels": pa.array(labels, LABELS_TYPE),
        }
    )
    for number, first in enumerate(range(0, len(labels), part_rows)):
        pq.write_table(table.slice(first, part_rows), work.out / f"part-{number:05d}.parquet")
    counts = np.bincount([label for held in labels for label in held], minlength=n_labels)
    names = {"id": pa.array(range(n_labels), pa.int32()), "name": [f"l{i}" for i in range(n_labels)]}
    pq.write_table(pa.table({**names, "count": counts}), work.out / "labels.parquet")
    work.record(rows=len(labels), task=task, text_columns=list(columns))


def _write_split(work: Workspace, *, splits: list[str]) -> None:
    rows = np.arange(len(splits))
    pq.write_table(pa.table({"row": rows, "split": splits, "unit": rows}), work.out / "split.parquet")
