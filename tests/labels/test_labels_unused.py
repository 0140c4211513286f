"""Rows that the checks leave out get no split and are in nothing that follows."""

from __future__ import annotations

import json
import os

import numpy as np
import pyarrow.parquet as pq
import pytest
from labels_stages import Pipeline, read_columns

from evenly.config import load_config
from evenly.errors import DataError
from evenly.flows.steps import cut_after, prepare_steps
from evenly.flows.walk import walk_steps
from evenly.formats import read_split
from small_tables import single_label_rows, write_csv


@pytest.fixture
def pipeline(tmp_path):
    return Pipeline(tmp_path / "store")


def test_every_row_is_in_a_split_or_unused(pipeline):
    labels = [["a"], ["b"], ["a", "b"], ["c"]] * 10
    table = pipeline.table([f"t{row}" for row in range(40)], labels)
    checks = pipeline.checks(table, unused=[0, 1, 3, 39])
    split = pipeline.split(table, checks)
    code = read_split(split.path).code
    assert np.flatnonzero(code < 0).tolist() == [0, 1, 3, 39]
    assert read_columns(split.path / "split.parquet")["split"][3] is None
    facts = split.facts
    assert facts["n_unused"] == 4
    assert facts["n_train"] + facts["n_validation"] + facts["n_test"] + facts["n_unused"] == split.manifest.rows == 40
    quality = json.loads((split.path / "quality.json").read_text(encoding="utf-8"))
    assert sum(quality["rows"].values()) == quality["n_rows"] == 40
    assert sum(quality["shares"].values()) == pytest.approx(1)
    assert "and 4 not used" in split.manifest.notes[0]
    of_labels = read_columns(split.path / "labels.parquet")
    assert of_labels["unused"] == [1, 1, 2]
    parts = zip(*(of_labels[name] for name in ("train", "validation", "test", "unused")), strict=True)
    assert [sum(part) for part in parts] == of_labels["count"] == [20, 20, 10]


def test_statistics_and_weights_know_only_the_used_rows(pipeline):
    """b is in one used row and in three that are not: a text of theirs says nothing of lengths or conflicts."""
    text = ["one", "one", "two", "long and unused", "three", "four", "five"]
    labels = [["a"], ["b"], ["a"], ["b"], ["a", "b"], ["a"], ["a"]]
    table = pipeline.table(text, labels)
    checks = pipeline.checks(table, unused=[1, 3])
    split = pipeline.split(table, checks)
    found = pipeline.statistics(table, split, checks)
    a, b = pq.read_table(found.path / "labels.parquet").to_pylist()
    assert (a["rows"], a["unused"], b["rows"], b["unused"]) == (5, 0, 1, 2)
    assert (a["conflicting_rows"], b["characters_q95"], b["words_q50"]) == (0, 5.0, 1.0)
    summary = json.loads((found.path / "summary.json").read_text(encoding="utf-8"))
    assert summary["all"]["n_rows"] == sum(summary[name]["n_rows"] for name in ("train", "validation", "test")) == 5
    assert found.facts["n_unused"] == 2
    weights = pipeline.weights(table, split)
    assert set(read_columns(weights.path / "rows.parquet")["row"]) == set(read_split(split.path).rows("train").tolist())


def test_a_table_without_a_used_row_is_refused(pipeline):
    table = pipeline.table(["a", "b"], [["x"], ["y"]])
    with pytest.raises(DataError, match="None of the 2 rows is used"):
        pipeline.split(table, pipeline.checks(table, unused=[0, 1]))


@pytest.mark.parametrize(
    ("on_conflict", "unused"), [("drop", {*range(20), *range(200, 220)}), ("first", {*range(200, 220)})]
)
def test_conflicting_rows_are_in_no_shard(tmp_path, on_conflict, unused):
    """20 texts stand there twice, once with each label: both rows are left out, or the later one, to the end.

    With `first` the rows that stay have a twin that is in no split, which is no leak when they are copied.
    """
    rows = [[text, label] for text, label in single_label_rows(200, {"space": 0.7, "law": 0.3})]
    other = {"space": "law", "law": "space"}
    rows += [[f"  {text.upper()}", other[label]] for text, label in rows[:20]]
    write_csv(tmp_path / "table.csv", ["text", "label"], rows)
    (tmp_path / "config.yaml").write_text(
        "source: {files: table.csv, text: text, labels: {columns: label}}\n"
        f"checks: {{on_conflict: {on_conflict}}}\n"
        "resample: {method: random_over, target_ir: 1.5}\n"
        "tokenize: {vocabulary_size: 300}\n"
    )
    config = load_config(tmp_path / "config.yaml")
    made = walk_steps(config, cut_after(prepare_steps(config), "shards"), {})
    assert set(np.flatnonzero(read_split(made["split"].path).code < 0).tolist()) == unused
    assert made["split"].facts["n_unused"] == len(unused)
    assert made["plan"].facts["lineage"]["parents"] > 0
    assert made["plan"].facts["lineage"]["twins_outside"] == 0
    planned = set(read_columns(made["plan"].path / "plan.parquet")["row"])
    weighed = set(read_columns(made["weights"].path / "rows.parquet")["row"])
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import datasets

    stored = {name: set(part["row"]) for name, part in datasets.load_from_disk(str(made["shards"].path)).items()}
    assert planned == weighed == stored["train"]
    assert set.union(*stored.values()) == set(range(220)) - unused
    assert sum(len(part) for part in stored.values()) == made["shards"].manifest.rows == 220 - len(unused)
    lengths = read_columns(made["shards"].path / "token_lengths.parquet")
    assert sum(lengths["rows"]) == 220 - len(unused)
