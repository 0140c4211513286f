"""The stage, on models that are made up: figures, page, terminal; the same bytes twice."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from evenly.comparison import COMPARISON
from evenly.comparison.summary import print_comparison
from evenly.errors import ConfigError, DataError
from evenly.formats import LABELS_TYPE
from evenly.store import Stage, Store

N_ROWS, NAMES = 300, ("a", "b", "<c>")
HOSTILE = "</summary><script>alert(1)</script>|\u202e[red]"
TEST = np.arange(100, N_ROWS)
TRUTH = np.random.default_rng(0).integers(3, size=N_ROWS)


def one_hot(classes):
    return pa.array([[int(each)] for each in classes], LABELS_TYPE)


def make_table(work):
    pq.write_table(pa.table({"id": pa.array(range(3), pa.int32()), "name": NAMES}), work.out / "labels.parquet")
    work.record(rows=N_ROWS, task="multiclass")


def make_split(work):
    names = ["train" if row < 100 else "test" for row in range(N_ROWS)]
    pq.write_table(pa.table({"row": range(N_ROWS), "split": names, "unit": range(N_ROWS)}), work.out / "split.parquet")


def make_model(work, *, skill, seed, rows=N_ROWS):
    """Predict right with the given probability; the same hard rows for every skill."""
    rng = np.random.default_rng(seed)
    hardness = np.random.default_rng(7).random(rows) + 0.02 * rng.standard_normal(rows)
    predicted = np.where(hardness < skill, TRUTH[:rows], (TRUTH[:rows] + 1) % 3)
    scores = np.full((rows, 3), 0.1, np.float32)
    scores[np.arange(rows), predicted] = 0.8
    columns = {"row": range(rows), "split": ["validation"] * 100 + ["test"] * (rows - 100)}
    columns |= {"labels": one_hot(TRUTH[:rows]), "predicted": one_hot(predicted)}
    columns["scores"] = pa.array(scores.tolist(), pa.list_(pa.float32()))
    pq.write_table(pa.table(columns), work.out / "predictions.parquet")
    groups = pa.table(
        {"id": pa.array(range(3), pa.int32()), "split": ["test"] * 3, "group": ["head", "medium", "tail"]}
    )
    pq.write_table(groups, work.out / "per_label.parquet")
    work.record(rows=100, epochs=4, positive=None)


STAGES = {"table": Stage("table", 1, make_table), "split": Stage("split", 1, make_split)}
MODEL, BASELINE = Stage("model", 1, make_model), Stage("baseline", 1, make_model)
SKILLS = {"none": 0.6, HOSTILE: 0.75, "worse": 0.4, "idle": 0.6}


def compare(store, skills=SKILLS, seeds=(0, 1, 2), *, metric=None, rows=N_ROWS):
    inputs = {name: store.build(stage, params={}, inputs={}) for name, stage in STAGES.items()}
    inputs["baseline"] = store.build(BASELINE, params={"skill": 0.6, "seed": 9}, inputs={})
    runs = []
    for seed in seeds:
        for name, skill in skills.items():
            key = f"model_{len(runs)}"
            inputs[key] = store.build(MODEL, params={"skill": skill, "seed": seed, "rows": rows}, inputs={})
            runs.append({"strategy": name, "seed": seed, "model": key, "seconds": 2.0 + seed})
    params = {"title": HOSTILE, "runs": runs, "strategies": {name: {"weights.scheme": name} for name in skills}}
    return store.build(COMPARISON, params=params | {"metric": metric, "cuts": [HOSTILE]}, inputs=inputs)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    return compare(Store(tmp_path_factory.mktemp("comparison")))


@pytest.fixture(scope="module")
def figures(compared):
    return json.loads((compared.path / "comparison.json").read_text(encoding="utf-8"))


def test_differences_are_those_of_the_predictions(figures):
    found = {row["name"]: row for row in figures["strategies"]}
    assert figures["metric"] == "f1_macro"
    assert figures["seeds"] == [0, 1, 2]
    for metric in figures["metrics"]:
        values = [row["metrics"][metric]["value"] for row in (found["none"], found[HOSTILE])]
        assert found[HOSTILE]["differences"][metric]["value"] == pytest.approx(values[1] - values[0])
    assert found[HOSTILE]["metrics"]["f1_micro"]["by_seed"][0] == pytest.approx(0.75, abs=0.06)
    assert found["none"]["differences"] == {}
    assert found["none"]["seconds"] == 3.0


def test_every_strategy_is_set_beside_the_baseline(figures, compared):
    found = {row["name"]: row for row in figures["strategies"]}
    for metric, beside in figures["baseline"]["metrics"].items():
        for row in found.values():
            over = row["over_baseline"][metric]
            assert over["value"] == pytest.approx(row["metrics"][metric]["value"] - beside["value"])
            assert over["low"] < over["value"] < over["high"]
    assert found[HOSTILE]["over_baseline"]["f1_macro"]["low"] > 0
    assert found["worse"]["over_baseline"]["f1_macro"]["high"] < 0
    assert "over the baseline" in (compared.path / "report.html").read_text(encoding="utf-8")


def test_a_difference_is_known_better_than_its_parts(figures):
    row = figures["strategies"][1]
    own, paired = row["metrics"]["f1_micro"], row["differences"]["f1_micro"]
    assert paired["high"] - paired["low"] < own["high"] - own["low"]


def test_the_recommendation_follows(figures):
    assert figures["recommendation"][0].startswith(f"Use `{HOSTILE}`: it beats `none` by ")
    assert any(sentence.startswith("Worse than `none`: `worse`") for sentence in figures["recommendation"])
    assert any("`idle` gives the very predictions" in sentence for sentence in figures["recommendation"])
    assert figures["strategies"][3]["same_as"] == "none"
    assert figures["baseline"]["differences"]["f1_macro"]["p"] > 0.05


def test_the_page_escapes_names_and_runs_nothing(compared):
    page = (compared.path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:;" in page
    assert page.count('role="img"') == 2 + 5  # two widths of the one that decides, and five more


def test_the_terminal_shows_names_as_they_are_and_the_recommendation(figures):
    console = Console(file=io.StringIO(), width=100)
    print_comparison(console, figures)
    shown = console.file.getvalue()
    assert "\u202e" not in shown
    assert "Use `</summary>" in shown
    assert "[red]" in shown
    assert max(map(len, shown.split("Use `")[0].splitlines())) <= 100


def test_the_same_models_give_the_same_bytes(compared, tmp_path):
    again = compare(Store(tmp_path))
    assert again.digest == compared.digest
    assert again.path != compared.path


def test_a_second_comparison_is_reused_and_more_seeds_are_another(compared):
    store = Store(compared.path.parents[1])
    assert compare(store).path == compared.path
    assert compare(store, seeds=(0, 1, 2, 3)).path != compared.path


def test_a_metric_that_is_not_measured_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"compare.metric is 'f1'.*Expected one of f1_macro"):
        compare(Store(tmp_path), metric="f1")


def test_models_of_another_split_are_refused(tmp_path):
    with pytest.raises(DataError, match="other test rows than the split"):
        compare(Store(tmp_path), rows=N_ROWS - 10)
