"""An export holds each row as often as the plan says, and the same rows as the reader of the shards."""

from __future__ import annotations

import csv
import json
from collections import Counter

import pyarrow.parquet as pq
import pytest
import yaml

from evenly.config import load_config
from evenly.errors import ConfigError, StoreError
from evenly.export import export_split, order
from evenly.flows.steps import cut_after, prepare_steps
from evenly.flows.walk import walk_steps
from evenly.formats import read_label_names, read_split
from evenly.train.feed.batches import iter_batches
from small_tables import write_genres


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a prepared table with clones or splices, by method."""
    folder = tmp_path_factory.mktemp("export")
    source = {"files": write_genres(folder, 300).name, "text": "text", "labels": {"columns": "genres"}}
    resample = {"target_ir": 2, "max_growth": 1}
    config = {"source": source, "resample": resample, "executor": {"workers": 1}, "tokenize": {"max_length": 64}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))

    def prepare(method):
        loaded = load_config(folder / "config.yaml", {"resample.method": method})
        return walk_steps(loaded, cut_after(prepare_steps(loaded), "synthetic"), {})

    return {method: prepare(method) for method in ("none", "ml_ros", "mlsmote")}


def test_another_strategy_writes_nothing_but_its_synthetic_shards(made):
    store = made["none"]["shards"].path.parents[1]
    built = {stage: {artifacts[stage].path for artifacts in made.values()} for stage in ("plan", "shards", "synthetic")}
    assert {stage: len(paths) for stage, paths in built.items()} == {"plan": 3, "shards": 1, "synthetic": 3}
    assert [path.parent for path in (store / "shards").glob("*/manifest.json")] == list(built["shards"])


def export(made, target, **options):
    paths = [made[name].path for name in ("table", "split", "plan")]
    return export_split(*paths, target, **options)


@pytest.mark.parametrize("method", ["none", "ml_ros", "mlsmote"])
def test_the_rows_are_those_of_the_plan_in_a_seeded_order(made, method, tmp_path):
    n_rows = export(made[method], tmp_path / "train.parquet", seed=1)
    rows = pq.read_table(tmp_path / "train.parquet").to_pylist()
    plan = pq.read_table(made[method]["plan"].path / "plan.parquet").to_pydict()
    synthetic = pq.read_table(made[method]["plan"].path / "synthetic.parquet").to_pylist()

    expected = Counter(dict(zip(plan["row"], plan["copies"], strict=True)))
    expected.update(row["row"] for row in synthetic)
    assert Counter(row["row"] for row in rows) == +expected
    assert len(rows) == n_rows == made[method]["plan"].manifest.rows
    assert [row["row"] for row in rows] != sorted(row["row"] for row in rows)

    text = {row["row"]: row["text"] for row in synthetic}
    for row in rows:
        assert row["synthetic"] == (row["row"] in text)
        assert (row["seed_row"] is not None) == row["synthetic"]
        assert row["text"] == text.get(row["row"], row["text"])

    export(made[method], tmp_path / "again.parquet", seed=1)
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "train.parquet").read_bytes()


@pytest.mark.parametrize("method", ["ml_ros", "mlsmote"])
def test_the_reader_of_the_shards_has_the_same_rows(made, method, tmp_path):
    """Both expand the same plan: as many rows, with the same labels and ids."""
    from transformers import AutoTokenizer

    artifacts = made[method]
    export(artifacts, tmp_path / "train.parquet")
    names = read_label_names(artifacts["table"].path)
    tokenizer = AutoTokenizer.from_pretrained(artifacts["tokenizer"].path)
    exported = Counter(
        (tuple(tokenizer(row["text"], truncation=True, max_length=64)["input_ids"]), tuple(row["labels"]))
        for row in pq.read_table(tmp_path / "train.parquet").to_pylist()
    )
    facts = artifacts["tokenizer"].facts
    batches = iter_batches(
        [artifacts["shards"].path, artifacts["synthetic"].path],
        plan=artifacts["plan"].path,
        split="train",
        batch_size=16,
        shuffle=True,
        seed=0,
        labels="multi_hot",
        n_labels=len(names),
        pad_id=facts["pad_id"],
    )
    read = Counter()
    for ids, targets in batches:
        read.update(
            (tuple(row[row != facts["pad_id"]].tolist()), tuple(names[label] for label in target.nonzero()[0]))
            for row, target in zip(ids, targets, strict=True)
        )
    assert read == exported


def test_held_out_splits_have_every_row_once(made, tmp_path):
    export(made["mlsmote"], tmp_path / "test.parquet", name="test")
    found = sorted(pq.read_table(tmp_path / "test.parquet")["row"].to_pylist())
    assert found == read_split(made["mlsmote"]["split"].path).rows("test").tolist()


def test_all_formats_hold_the_same(made, tmp_path):
    for suffix in ("parquet", "jsonl", "csv"):
        export(made["mlsmote"], tmp_path / f"train.{suffix}")
    rows = pq.read_table(tmp_path / "train.parquet").to_pylist()
    lines = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines == [{name: value for name, value in row.items() if value is not None} for row in rows]
    with (tmp_path / "train.csv").open(newline="", encoding="utf-8") as stream:
        cells = list(csv.DictReader(stream))
    assert [row["text"] for row in cells] == [row["text"] for row in rows]
    assert [row["labels"].split("|") for row in cells] == [row["labels"] for row in rows]


def test_the_order_does_not_depend_on_the_size_of_the_buckets(made, tmp_path, monkeypatch):
    export(made["mlsmote"], tmp_path / "whole.jsonl")
    monkeypatch.setattr(order, "BUCKET_ROWS", 7)
    export(made["mlsmote"], tmp_path / "cut.jsonl")
    assert (tmp_path / "cut.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_nothing_is_written_over_and_nothing_is_left_behind(made, tmp_path):
    (tmp_path / "train.csv").write_text("mine")
    with pytest.raises(StoreError, match="is there already"):
        export(made["none"], tmp_path / "train.csv")
    assert (tmp_path / "train.csv").read_text() == "mine"
    export(made["none"], tmp_path / "train.csv", force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["train.csv"]
    with pytest.raises(StoreError, match="Cannot write"):
        export(made["none"], tmp_path / "missing" / "train.csv")
    with pytest.raises(ConfigError, match="does not say its format"):
        export(made["none"], tmp_path / "train.xlsx")
    with pytest.raises(ConfigError, match="no split 'tset'"):
        export(made["none"], tmp_path / "a.csv", name="tset")
