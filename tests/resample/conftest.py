"""A small table and split in a store, as ingest and split would leave them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenly import formats
from evenly.executor import InProcess
from evenly.resample import PLAN
from evenly.store import Artifact, Stage, Store

if TYPE_CHECKING:
    from pathlib import Path

    from evenly.executor import Executor
    from evenly.workspace import Workspace

DEFAULTS = {
    "method": "none",
    "target_ir": 10.0,
    "max_copies": 10,
    "max_growth": 0.5,
    "k_neighbors": 5,
    "labels": "weighted",
    "seed": 0,
}


def _fill_table(
    work: Workspace,
    *,
    columns: dict[str, list[str]],
    kept: dict[str, list[Any]],
    labels: list[list[int]],
    n_labels: int,
    given: bool,
    parts: int,
) -> None:
    n_rows = len(labels)
    fields = {"row": pa.array(range(n_rows), pa.int64())}
    fields |= {name: pa.array(texts, pa.string()) for name, texts in columns.items()}
    fields |= {name: pa.array(values) for name, values in kept.items()}
    fields["labels"] = pa.array(labels, formats.LABELS_TYPE)
    if given:
        fields["given_split"] = pa.array(["train"] * n_rows)
    table = pa.table(fields)
    size = -(-n_rows // parts)
    for part in range(parts):
        pq.write_table(table.slice(part * size, size), work.out / f"part-{part:05d}.parquet")
    counts = np.bincount([label for held in labels for label in held], minlength=n_labels)
    ids = pa.array(range(n_labels), pa.int32())
    names = [f"label {label}" for label in range(n_labels)]
    pq.write_table(pa.table({"id": ids, "name": names, "count": counts}), work.out / "labels.parquet")
    work.record(rows=n_rows, task="multilabel", text_columns=list(columns))


def _fill_split(work: Workspace, *, split: list[str], unit: list[int]) -> None:
    columns = {"row": pa.array(range(len(split)), pa.int64()), "split": split, "unit": pa.array(unit, pa.int64())}
    pq.write_table(pa.table(columns), work.out / "split.parquet")


@dataclass(frozen=True)
class Planner:
    """Builds plans of small tables in a store."""

    store: Store

    def table(
        self,
        columns: dict[str, list[str]],
        labels: list[list[int]],
        n_labels: int,
        *,
        given: bool = False,
        parts: int = 1,
        **kept: list[Any],
    ) -> Artifact:
        """Build a table artifact in so many parts, with columns that are carried along."""
        params = {"columns": columns, "labels": labels, "n_labels": n_labels, "given": given, "parts": parts}
        params |= {"kept": kept}
        return self.store.build(Stage("table", 1, _fill_table), params=params, inputs={})

    def split(self, split: list[str], unit: list[int] | None = None) -> Artifact:
        """Build a split artifact; every row is its own unit unless units are given."""
        params = {"split": split, "unit": unit or list(range(len(split)))}
        return self.store.build(Stage("split", 1, _fill_split), params=params, inputs={})

    def plan(self, table: Artifact, split: Artifact, executor: Executor | None = None, **params: Any) -> Artifact:
        """Build the plan; parameters that are not given have their usual values."""
        inputs = {"table": table, "split": split}
        return self.store.build(PLAN, params=DEFAULTS | params, inputs=inputs, executor=executor or InProcess())


@pytest.fixture
def planner(tmp_path: Path) -> Planner:
    """Return a planner with an empty store."""
    return Planner(Store(tmp_path / "store"))
