"""Vectors of the caller in the stage: any kind of list, bounded blocks, and what is wrong by its row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenly.config import RunConfig
from evenly.errors import ColumnNotFoundError, DataError
from evenly.executor import InProcess, LocalProcesses
from evenly.flows.steps import prepare_steps
from evenly.resample import table_rows
from evenly.resample.feature_files import open_features
from evenly.resample.vector_features import write_vector_features
from evenly.store import Store
from evenly.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Planner

VECTORS = np.random.default_rng(0).normal(size=(12, 3))
KINDS: dict[str, pa.Array] = {
    "list of double": pa.array(VECTORS.tolist()),
    "list of float": pa.array(VECTORS.tolist(), pa.list_(pa.float32())),
    "list of half": pa.array(VECTORS.astype(np.float16).tolist(), pa.list_(pa.float16())),
    "large list": pa.array(VECTORS.tolist(), pa.large_list(pa.float64())),
    "fixed size": pa.array(VECTORS.tolist(), pa.list_(pa.float64(), 3)),
    "whole numbers": pa.array((100 * VECTORS).astype(int).tolist()),
    "text": pa.array([json.dumps(vector) for vector in VECTORS.tolist()]),
}


def _write(planner: Planner, folder: Path, vectors: Any, rows: list[int] | None = None) -> Any:
    table = planner.table({"text": ["a"] * len(vectors)}, [[0]] * len(vectors), 1, parts=3)
    for number, part in enumerate(sorted(table.path.glob("part-*"))):  # as the type is, which a list would not say
        size = -(-len(vectors) // 3)
        own = vectors.slice(number * size, size)
        pq.write_table(pq.read_table(part).append_column("vector", own), part)
    work = Workspace(folder / "work", stage="plan", executor=InProcess())
    chosen = np.arange(len(vectors)) if rows is None else np.array(rows)
    return open_features(write_vector_features(work, table=table.path, rows=chosen, column="vector"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at_once", [2, 100])
def test_every_kind_of_list_becomes_a_matrix(
    planner: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, at_once: int
) -> None:
    monkeypatch.setattr(table_rows, "ROWS_AT_ONCE", at_once)
    found = _write(planner, tmp_path, KINDS[kind], rows=[0, 3, 4, 5, 6, 11])
    expected = (100 * VECTORS).astype(int) if kind == "whole numbers" else VECTORS
    rounding = 1e-2 if kind == "list of half" else 1e-6
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected[[0, 3, 4, 5, 6, 11]], rtol=rounding)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([[1.0, 2.0]] * 7 + [None] + [[1.0, 2.0]] * 4, "Row 7 has nothing in the column 'vector'"),
        ([[1.0, 2.0]] * 5 + [[1.0, None]] + [[1.0, 2.0]] * 6, "Row 5 has a value that is no number"),
        ([[1.0, 2.0]] * 5 + [[1.0, float("nan")]] * 7, "Row 5 has a value that is no number"),
        ([[1.0, 2.0]] * 9 + [[1.0, float("inf")]] * 3, "Row 9 has a value that is no number"),
        ([[1.0, 2.0]] * 6 + [[1.0]] + [[1.0, 2.0]] * 5, "Row 6 has a list of 1 numbers .* rows before it 2"),
        ([[1.0, 2.0]] * 8 + [[1.0, 2.0, 3.0]] * 4, "Row 8 has a list of 3 numbers .* rows before it 2"),
        ([[]] * 12, "Row 0 has a value|Row 0 has an empty list"),
        (["[1, 2]"] * 10 + ["1, 2"] * 2, r"Row 10 has '1, 2' .* such as \[0.1, 0.2\]"),
        (["[1, 2]"] * 10 + ["17"] * 2, "Row 10 has '17'"),
        (["[1, 2]"] * 11 + ["[1, null]"], "Row 11 has a value that is no number"),
        ([3.5] * 12, "which holds double; expected a list of numbers"),
        ([["a"]] * 12, "which holds list<.*string>; expected a list of numbers"),
    ],
)
def test_what_is_wrong_is_said_with_its_row(planner: Planner, tmp_path: Path, cells: list[Any], message: str) -> None:
    vectors = pa.array(cells, pa.list_(pa.float64())) if cells == [[]] * 12 else pa.array(cells)
    with pytest.raises(DataError, match=message):
        _write(planner, tmp_path, vectors)


def test_rows_of_other_splits_may_lack_a_vector(planner: Planner, tmp_path: Path) -> None:
    cells = pa.array([[1.0]] * 11 + [None])
    assert _write(planner, tmp_path, cells, rows=list(range(11))).shape == (11, 1)


# Label 1 in rows 0, 5, 10, ...: by the vectors, rows of the same tens digit are near, by their texts all are alike
N_ROWS = 100
HELD = [[0, 1] if row % 5 == 0 else [0] for row in range(N_ROWS)]
POINTS = [[float(row // 10), 0.001 * row] for row in range(N_ROWS)]
OPTIONS: dict[str, Any] = {"method": "mlsmote", "target_ir": 2.0, "max_growth": 2.0, "k_neighbors": 1}


def _plan(planner: Planner, executor: Any = None, **options: Any) -> list[dict[str, Any]]:
    table = planner.table({"text": ["the same words"] * N_ROWS}, HELD, 2, parts=4, point=POINTS)
    plan = planner.plan(table, planner.split(["train"] * N_ROWS), executor, **OPTIONS, **options)
    made: list[dict[str, Any]] = pq.read_table(plan.path / "synthetic.parquet").to_pylist()
    return made


def test_neighbours_are_looked_for_in_the_column(planner: Planner, tmp_path: Path) -> None:
    made = _plan(planner, features="point")
    assert made
    assert all(row["seed_row"] // 10 == row["reference_row"] // 10 for row in made)
    executor = LocalProcesses(2)
    again = _plan(type(planner)(Store(tmp_path / "other")), executor, features="point")
    executor.close()
    assert again == made
    assert any(row["seed_row"] // 10 != row["reference_row"] // 10 for row in _plan(planner))


def test_a_column_that_is_not_there_is_named(planner: Planner) -> None:
    with pytest.raises(ColumnNotFoundError, match=r"'points'; did you mean 'point'|'points'.*point"):
        _plan(planner, features="points")


def test_the_column_is_carried_into_the_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("t,l\n")
    source = {"files": str(tmp_path / "t.csv"), "text": "t", "labels": {"columns": "l"}, "keep": ["other"]}
    config = RunConfig.model_validate({"source": source, "resample": {"method": "mlsmote", "features": "point"}})
    assert prepare_steps(config)[0].params["keep"] == ["other", "point"]
