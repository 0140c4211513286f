"""Every method as a stage on a table: what the plan says, and that it is what the sampler does on values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from evenly.executor import InProcess, LocalProcesses
from evenly.formats import read_facts
from evenly.imbalance import irlbl, label_counts, label_matrix, row_scumble
from evenly.resample import neighborhoods
from evenly.resample.methods import METHODS, sampler_of
from evenly.store import Store

if TYPE_CHECKING:
    from conftest import Planner

N_ROWS = 90
RARE = ["rain and wind over the sea", "wind from the sea brings rain", "a storm over the sea", "rain again"]


def _texts() -> dict[str, list[str]]:
    return {
        "text": [f"{RARE[row % 4]} on day {row}" if row % 9 == 0 else f"notes of day {row}" for row in range(N_ROWS)]
    }


def _many() -> list[list[int]]:
    held = [[0, 1] if row % 9 == 0 else [0] for row in range(N_ROWS)]
    held[5], held[6], held[7] = [2], [2], [0, 2]
    return held


def _one() -> list[list[int]]:
    return [[1] if row % 9 == 0 else [2] if row % 9 == 4 else [0] for row in range(N_ROWS)]


SPLIT = ["train"] * 80 + ["validation"] * 5 + ["test"] * 5


@pytest.mark.parametrize("method", METHODS)
def test_every_method_makes_a_plan_of_train_rows(planner: Planner, method: str) -> None:
    many = "ml" in method or "lp" in method or "remedial" in method
    held = _many() if many else _one()
    plan = planner.plan(
        planner.table(_texts(), held, 3), planner.split(SPLIT), method=method, target_ir=3.0, max_growth=2.0
    )
    copies = pq.read_table(plan.path / "plan.parquet")
    made = pq.read_table(plan.path / "synthetic.parquet")
    facts = read_facts(plan.path)
    assert copies["row"].to_pylist() == list(range(80))
    assert facts["method"] == method
    assert facts["lineage"]["outside_train"] == facts["lineage"]["twins_outside"] == 0
    assert (made["seed_row"].to_numpy() < 80).all()
    assert (made["reference_row"].to_numpy() < 80).all()
    assert facts["n_synthetic"] == len(made)
    after = label_counts(label_matrix(_dense(held[:80])[np.repeat(np.arange(80), copies["copies"].to_numpy())]))
    after += np.bincount(np.concatenate([np.zeros(0, int), *made["labels"].to_pylist()]).astype(int), minlength=3)
    assert pq.read_table(plan.path / "labels.parquet")["after"].to_pylist() == after.tolist()


def _dense(held: list[list[int]]) -> np.ndarray:
    dense = np.zeros((len(held), 3), np.int8)
    for row, labels in enumerate(held):
        dense[row, labels] = 1
    return dense


def test_remedial_repeats_texts_with_labels_of_their_own(planner: Planner) -> None:
    table = planner.table(_texts(), _many(), 3)
    plan = planner.plan(table, planner.split(SPLIT), method="remedial")
    made = pq.read_table(plan.path / "synthetic.parquet").to_pylist()
    copies = pq.read_table(plan.path / "plan.parquet")["copies"].to_numpy()
    before = label_matrix(_dense(_many()[:80]))
    scumble = row_scumble(before, irlbl(label_counts(before)))
    parted = np.flatnonzero(scumble > scumble.mean())
    assert np.flatnonzero(copies == 0).tolist() == parted.tolist()
    assert [row["seed_row"] for row in made] == np.repeat(parted, 2).tolist()
    for first, second in zip(made[::2], made[1::2], strict=True):
        assert first["text"] == second["text"] == _texts()["text"][first["seed_row"]]
        assert sorted(first["labels"] + second["labels"]) == _many()[first["seed_row"]]
        assert first["label"] is second["label"] is None
    assert "rows split in two" in plan.manifest.notes[-1]


def test_duplicates_are_realised_as_the_seed(planner: Planner) -> None:
    table = planner.table(_texts(), _many(), 3)
    options: dict[str, Any] = {"method": "mlsmote", "target_ir": 3.0, "max_growth": 2.0, "realise": "duplicate"}
    plan = planner.plan(table, planner.split(SPLIT), **options)
    made = pq.read_table(plan.path / "synthetic.parquet").to_pylist()
    assert made
    for row in made:
        assert row["seed_row"] == row["reference_row"]
        assert row["text"] == _texts()["text"][row["seed_row"]]
        assert row["labels"] == _many()[row["seed_row"]]


def test_amounts_of_rows(planner: Planner) -> None:
    table, split = planner.table(_texts(), _many(), 3), planner.split(SPLIT)
    bounds: dict[str, Any] = {"target_ir": None, "max_copies": None, "max_growth": None}
    for amount, n_added in (({"n_samples": 3}, 3), ({"ratio": 0.05}, 4)):
        facts = read_facts(planner.plan(table, split, method="ml_ros", **bounds, **amount).path)
        assert facts["n_added"] == n_added
    own = planner.plan(table, split, method="mlsmote", **bounds)
    # IRLbl 1, 8.7, 26: the mean is 11.9, above which label 2 alone is, with three rows
    assert read_facts(own.path)["n_synthetic"] == 3


def test_a_method_that_means_nothing_here_says_so(planner: Planner) -> None:
    held = [[row % 2, 2 + row] for row in range(20)]
    table = planner.table({"text": [f"row {row}" for row in range(20)]}, held, 22)
    plan = planner.plan(table, planner.split(["train"] * 20), method="lp_ros", target_ir=None)
    assert any("20 of 20 rows have a labelset that no other row has" in note for note in plan.manifest.notes)


MAPPED = ["mlsol", "ml_enn", "remedial_hwr", "smote_enn", "borderline_smote", "all_knn"]


def test_the_same_bytes_for_any_number_of_workers(
    planner: Planner, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighborhoods, "PAIRS_AT_ONCE", 1_500)
    two = LocalProcesses(2)
    try:
        for method in MAPPED:
            plans = []
            for number, executor in enumerate([InProcess(), two]):
                own = type(planner)(Store(tmp_path / str(number)))
                held = _many() if "ml" in method or "hwr" in method else _one()
                table, split = own.table(_texts(), held, 3), own.split(SPLIT)
                plan = own.plan(table, split, executor, method=method, target_ir=3.0, max_growth=2.0)
                plans.append({path.name: path.read_bytes() for path in plan.path.glob("*.parquet")})
            assert plans[0] == plans[1], method
    finally:
        two.close()


@pytest.mark.parametrize("method", MAPPED)
def test_a_plan_is_what_the_sampler_does_on_the_texts(planner: Planner, method: str) -> None:
    held = _many() if "ml" in method or "hwr" in method else _one()
    plan = planner.plan(
        planner.table(_texts(), held, 3), planner.split(["train"] * N_ROWS), method=method, target_ir=3.0
    )
    amount: Any = {"target_ir": 3.0, "max_copies": 10, "max_growth": 0.5}
    sampler = sampler_of(method, amount)
    assert sampler is not None
    sampler.set_params(random_state=0).fit_resample(_texts()["text"], _dense(held))
    made = pq.read_table(plan.path / "synthetic.parquet")
    copies = pq.read_table(plan.path / "plan.parquet")["copies"].to_numpy()
    rows = sampler.sample_indices_
    assert copies.tolist() == np.bincount(rows[rows >= 0], minlength=N_ROWS).tolist()
    assert made["seed_row"].to_pylist() == sampler.recipes_.seed.tolist()
    assert made["reference_row"].to_pylist() == sampler.recipes_.reference.tolist()
    assert made["share"].to_pylist() == sampler.recipes_.share.tolist()


def test_settings_reach_the_samplers_that_have_them() -> None:
    options: dict[str, Any] = {"k_neighbors": 3, "label_rule": "union", "ranking_ties": "half"}
    assert repr(sampler_of("mlsmote", {"target_ir": 4}, **options)) == (
        "MLSMOTE(target_ir=4, k_neighbors=3, label_rule='union', ranking_ties='half')"
    )
    assert repr(sampler_of("mlsol", {"ratio": 0.5}, **options)) == "MLSOL(ratio=0.5, k_neighbors=3)"
    assert repr(sampler_of("tomek_links", {"target_ir": 4})) == "FromImblearn(sampler='TomekLinks')"
    assert repr(sampler_of("near_miss", {"target_ir": 4})) == "FromImblearn(target_ir=4, sampler='NearMiss')"
    assert sampler_of("none", {}) is None
