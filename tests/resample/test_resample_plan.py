"""The stage: what the three files hold, that only train rows go in, and that the bytes are the same for all workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenly import formats
from evenly.errors import ConfigError, DataError
from evenly.executor import LocalProcesses
from evenly.resample import PLAN, synthetic
from evenly.resample.lineage import LineageError

if TYPE_CHECKING:
    from conftest import Planner
    from evenly.store import Artifact

# 60 rows, 48 of them train: label 1 stands in 6 of those (2 hold label 0 too), label 2 in one, label 3 in none
LABELS = [[0] if row % 5 else [0, 1] if row % 30 == 0 else [1] for row in range(59)] + [[0, 2]]
WORDS = ["red", "green", "blue", "black", "white", "brown"]
TEXTS = [f"{WORDS[row % 6]} {WORDS[row % 5]} number {row} of them" for row in range(60)]
SPLIT = ["validation" if row % 10 == 3 else "test" if row % 10 == 5 else "train" for row in range(60)]


def _build(planner: Planner, executor: Any = None, *, parts: int = 1, **params: Any) -> Artifact:
    table = planner.table({"text": TEXTS}, LABELS, 4, parts=parts)
    return planner.plan(table, planner.split(SPLIT), executor, **params)


def _read(artifact: Artifact, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(artifact.path / name).to_pylist()
    return rows


@pytest.mark.parametrize("method", ["none", "random_over", "random_under", "ml_ros", "ml_rus", "mlsmote"])
def test_every_method_writes_the_three_files(planner: Planner, method: str) -> None:
    plan = _build(planner, method=method, target_ir=3.0)
    table = pq.read_table(plan.path / "plan.parquet")
    assert table.schema.equals(pa.schema([("row", pa.int64()), ("copies", pa.int32())]))
    assert table["row"].to_pylist() == [row for row in range(60) if SPLIT[row] == "train"]
    made = pq.read_table(plan.path / "synthetic.parquet")
    assert made.schema.types == [
        *[pa.int64()] * 3,
        *[pa.float64()] * 2,
        pa.int32(),
        pa.string(),
        formats.LABELS_TYPE,
    ]
    labels = _read(plan, "labels.parquet")
    assert [row["name"] for row in labels] == [f"label {number}" for number in range(4)]
    facts = plan.facts
    copies = table["copies"].to_numpy()
    assert facts["n_added"] == (copies - 1).clip(0).sum() + made.num_rows
    assert facts["n_removed"] == (copies == 0).sum()
    assert facts["n_synthetic"] == made.num_rows
    assert facts["lineage"]["outside_train"] == facts["lineage"]["twins_outside"] == 0
    assert plan.manifest.rows == copies.sum() + made.num_rows
    for row in labels:
        held = [number for number in range(60) if row["id"] in LABELS[number] and SPLIT[number] == "train"]
        copied = sum(copies[table["row"].to_pylist().index(number)] for number in held)
        synthetic_rows = sum(row["id"] in names for names in made["labels"].to_pylist())
        assert row["before"] == len(held)
        assert row["after"] == copied + synthetic_rows


def test_none_keeps_every_train_row_once_and_aims_at_nothing(planner: Planner) -> None:
    plan = _build(planner)
    assert {row["copies"] for row in _read(plan, "plan.parquet")} == {1}
    assert plan.manifest.notes == ()
    assert plan.facts["n_not_reached"] == 0


def test_synthetic_rows_are_spliced_of_train_rows_that_hold_the_label(planner: Planner) -> None:
    rows = _read(_build(planner, method="mlsmote", target_ir=3.0, parts=3), "synthetic.parquet")
    assert [row["row"] for row in rows] == list(range(60, 60 + len(rows)))
    assert rows
    for row in rows:
        parents = (row["seed_row"], row["reference_row"])
        assert row["label"] == 1
        assert row["labels"] in ([1], [0, 1])
        assert {SPLIT[parent] for parent in parents} == {"train"}
        assert all(1 in LABELS[parent] for parent in parents)
        assert set(row["text"].split()) <= set(" ".join(TEXTS[parent] for parent in parents).split())


@pytest.mark.parametrize(("method", "twin"), [("random_over", "ml_ros"), ("random_under", "ml_rus")])
def test_several_labels_a_row_take_the_multilabel_form(planner: Planner, method: str, twin: str) -> None:
    plan = _build(planner, method=method)
    assert plan.facts["method"] == twin
    assert f"{twin} is used" in plan.manifest.notes[0]


@pytest.mark.parametrize("method", ["random_over", "random_under"])
def test_one_label_a_row_takes_imbalanced_learns(planner: Planner, method: str) -> None:
    table = planner.table({"text": TEXTS}, [[0]] * 50 + [[1]] * 10, 2)
    plan = planner.plan(table, planner.split(["train"] * 60), method=method, target_ir=2.0)
    assert plan.facts["method"] == method
    assert plan.facts["max_ir_after"] == 2.0


def test_the_note_says_what_was_done_and_what_was_not(planner: Planner) -> None:
    (note,) = _build(planner, method="mlsmote", target_ir=3.0).manifest.notes
    assert "synthetic rows added (+" in note
    assert "2 labels not brought to 3" in note
    assert "one row, which mlsmote cannot use (label 2)" in note
    assert "no train rows (label 3)" in note


def test_the_same_bytes_for_any_number_of_workers_and_parts(
    planner: Planner, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = {"method": "mlsmote", "target_ir": 2.0, "max_growth": 1.0}
    monkeypatch.setattr(synthetic, "ROWS_AT_ONCE", 7)
    first = _build(planner, **params)
    assert pq.ParquetFile(first.path / "synthetic.parquet").num_row_groups > 1
    other = type(planner)(type(planner.store)(tmp_path / "other"))
    executor = LocalProcesses(2)
    try:
        again = _build(other, executor, **params)
    finally:
        executor.close()
    assert again.digest == first.digest
    assert _read(_build(planner, parts=4, **params), "synthetic.parquet") == _read(first, "synthetic.parquet")


def test_another_seed_is_another_plan(planner: Planner) -> None:
    digests = {_build(planner, method="mlsmote", target_ir=3.0, seed=seed).digest for seed in (1, 2)}
    assert len(digests) == 2


def _with_twins(planner: Planner, *, given: bool) -> Artifact:
    table = planner.table({"text": TEXTS}, LABELS, 4, given=given)
    twins = planner.split(SPLIT, [row % 10 for row in range(60)])  # units run across the splits
    return planner.plan(table, twins, method="ml_ros", target_ir=3.0)


def test_a_unit_in_two_splits_does_no_harm_while_no_row_of_it_is_a_parent(planner: Planner) -> None:
    # units 0 to 9 hold rows of one split each; only units 3 and 5 are outside of train
    assert _with_twins(planner, given=False).facts["lineage"]["twins_outside"] == 0


def test_a_leak_is_refused_and_one_in_a_given_split_is_said(planner: Planner) -> None:
    twins = planner.split(SPLIT, [row % 2 for row in range(60)])
    bounds = {"method": "ml_ros", "target_ir": 3.0}
    with pytest.raises(LineageError):
        planner.plan(planner.table({"text": TEXTS}, LABELS, 4), twins, **bounds)
    plan = planner.plan(planner.table({"text": TEXTS}, LABELS, 4, given=True), twins, **bounds)
    assert plan.facts["lineage"]["twins_outside"] > 0
    assert any("the given split leaks" in note for note in plan.manifest.notes)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"method": "smota"}, "random_over"),
        ({"method": "mlsmote", "labels": "soft"}, "weighted"),
        ({"target_ir": 0.0}, "target_ir"),
    ],
)
def test_unknown_settings_are_refused(planner: Planner, params: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _build(planner, **params)


def test_an_empty_train_split_is_refused(planner: Planner) -> None:
    with pytest.raises(DataError, match="no rows"):
        planner.plan(planner.table({"text": TEXTS}, LABELS, 4), planner.split(["test"] * 60))


def test_a_column_that_lacks_a_text_is_the_seeds(planner: Planner) -> None:
    columns = {"title": [""] * 60, "text": TEXTS}
    plan = planner.plan(planner.table(columns, LABELS, 4), planner.split(SPLIT), method="mlsmote", target_ir=3.0)
    assert {row["title"] for row in _read(plan, "synthetic.parquet")} == {""}
    assert np.all([row["text"] for row in _read(plan, "synthetic.parquet")])


def test_the_stage_names_its_artifact() -> None:
    assert (PLAN.name, PLAN.version) == ("plan", 4)
