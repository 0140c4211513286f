"""Exported tokens: each stored row as often as the plan says, with its weight, as the reader of the shards has it."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenly.errors import ConfigError, DataError, MissingExtraError, StoreError
from evenly.export import Export, export_tokens, order
from evenly.store import Stage, Store
from evenly.tokenize import SHARDS, SYNTHETIC
from token_tables import build_plan, build_split, build_table, build_tokenizer

N_ROWS = 24
COPIES = {0: 1, 1: 0, 2: 3, **{row: 1 + row % 2 for row in range(3, 20)}}
SYNTHETIC_ROWS = [(24, "a b a b a", [1]), (25, "c", [2])]


def write_weights(work, *, rows):
    weight = pa.array([0.5 + row / 16 for row in rows], pa.float32())
    pq.write_table(pa.table({"row": rows, "sample_weight": weight}), work.out / "rows.parquet")
    pq.write_table(pa.table({"id": [0, 1, 2], "class_weight": [1.0, 2.0, 4.0]}), work.out / "labels.parquet")


@pytest.fixture
def make(tmp_path):
    """Return a function that builds the artifacts of a run: 20 train rows, 4 of test, some texts of several windows."""
    store = Store(tmp_path / "store")

    def build(task="multilabel", copies=COPIES, **tokens):
        labels = [[i % 3] if task == "multiclass" else [0, 2][: i % 3] for i in range(N_ROWS)]
        texts = [" ".join("abc"[: 1 + i % 3] * (1 + i % 4)) for i in range(N_ROWS)]
        artifacts = {
            "table": build_table(store, {"text": texts}, labels, n_labels=3, part_rows=10, task=task),
            "split": build_split(store, ["train"] * 20 + ["test"] * 4),
            "plan": build_plan(store, copies, SYNTHETIC_ROWS),
            "tokenizer": build_tokenizer(store, ["[UNK]", "a", "b", "c"]),
            "weights": store.build(Stage("weights", 1, write_weights), params={"rows": list(range(20))}, inputs={}),
        }
        params = {"max_length": 4, **tokens}
        inputs = {name: artifacts[name] for name in ("table", "split", "tokenizer")}
        artifacts["shards"] = store.build(SHARDS, params=params, inputs=inputs)
        inputs = {name: artifacts[name] for name in ("plan", "tokenizer")}
        artifacts["synthetic"] = store.build(SYNTHETIC, params=params, inputs=inputs)
        return {name: artifact.path for name, artifact in artifacts.items()}

    return build


def read_batches(made, **options):
    """Return ids, targets and weights of every row as the reader gives them, in the order of the rows."""
    from evenly.train.feed.batches import iter_batches

    batches = iter_batches(
        [made["shards"], made["synthetic"]],
        made["plan"],
        made["weights"],
        split="train",
        batch_size=7,
        n_labels=3,
        pad_id=4,
        **options,
    )
    return [
        (ids[ids != 4].tolist(), np.asarray(target).tolist(), float(weight))
        for batch in batches
        for ids, target, weight in zip(*batch, strict=True)
    ]


def test_rows_worked_by_hand(make, tmp_path):
    made = make(task="multiclass")
    n_rows = export_tokens(made, tmp_path / "train.parquet", form="parquet", seed=3)
    table = pq.read_table(tmp_path / "train.parquet")
    assert table.schema.names == ["row", "input_ids", "labels", "weight"]
    assert table.schema.field("input_ids").type == pa.list_(pa.uint16())
    rows = table.to_pylist()
    assert len(rows) == n_rows == sum(COPIES.values()) + 2
    assert Counter(row["row"] for row in rows) == +Counter(COPIES | {24: 1, 25: 1})
    by_row = {row["row"]: row for row in rows}
    assert by_row[2] == {"row": 2, "input_ids": [1, 2, 3, 1], "labels": [2], "weight": 0.625}  # a b c a b c ..., cut
    assert by_row[24] == {"row": 24, "input_ids": [1, 2, 1, 2], "labels": [1], "weight": 2.0}  # of its class
    about = json.loads(table.schema.metadata[b"evenly"])
    assert about["label_names"] == ["l0", "l1", "l2"]
    assert (about["split"], about["rows"], about["pad_id"], about["token_types"]) == ("train", n_rows, 4, None)
    assert [row["row"] for row in rows] != sorted(row["row"] for row in rows)


@pytest.mark.parametrize(("task", "labels"), [("multilabel", "multi_hot"), ("multiclass", "int")])
def test_the_reader_has_the_same_rows(make, tmp_path, task, labels):
    made = make(task=task)
    export_tokens(made, tmp_path / "train.parquet", form="parquet")
    rows = sorted(pq.read_table(tmp_path / "train.parquet").to_pylist(), key=lambda row: row["row"])
    one_hot = np.eye(3)
    expected = [
        (
            row["input_ids"],
            row["labels"][0] if labels == "int" else one_hot[row["labels"]].sum(axis=0).tolist(),
            row["weight"],
        )
        for row in rows
    ]
    assert read_batches(made, labels=labels) == expected


def test_every_window_as_often_as_its_row(make, tmp_path):
    made = make(truncate="windows", stride=1)
    export_tokens(made, tmp_path / "train.parquet", form="parquet")
    rows = pq.read_table(tmp_path / "train.parquet").to_pylist()
    rows.sort(key=lambda row: (row["row"], row["window"]))
    assert [(ids, weight) for ids, _, weight in read_batches(made)] == [
        (row["input_ids"], row["weight"]) for row in rows
    ]
    found = Counter((row["row"], row["window"], tuple(row["input_ids"]), row["weight"]) for row in rows)
    stored = [
        row
        for name in ("shards", "synthetic")
        for path in sorted((made[name] / "train").glob("data-*.arrow"))
        for row in pa.ipc.open_stream(path.read_bytes()).read_all().to_pylist()
    ]
    assert max(row["window"] for row in stored) == 3
    weight = {row: 0.5 + row / 16 for row in range(20)}
    assert found == +Counter(
        {
            (row["row"], row["window"], tuple(row["input_ids"]), weight.get(row["row"], 1)): COPIES.get(row["row"], 1)
            for row in stored
        }
    )


def test_held_out_rows_are_there_once_with_weight_1(make, tmp_path):
    export_tokens(make(), tmp_path / "test.parquet", form="parquet", name="test")
    table = pq.read_table(tmp_path / "test.parquet")
    assert sorted(table["row"].to_pylist()) == [20, 21, 22, 23]
    assert set(table["weight"].to_pylist()) == {1}


def test_the_order_depends_on_the_seed_alone(make, tmp_path, monkeypatch):
    made = make()
    found = {}
    for name, seed, bucket_rows in (("a", 1, 50_000), ("b", 1, 7), ("c", 2, 50_000)):
        monkeypatch.setattr(order, "BUCKET_ROWS", bucket_rows)
        export_tokens(made, tmp_path / name, form="parquet", seed=seed)
        found[name] = pq.read_table(tmp_path / name)["row"].to_pylist()
    assert found["a"] == found["b"] != found["c"]
    assert sorted(found["a"]) == sorted(found["c"])


def test_tfrecord_holds_what_parquet_and_the_reader_have(make, tmp_path, monkeypatch):
    tf = pytest.importorskip("tensorflow")
    made = make()
    monkeypatch.setattr(order, "BUCKET_ROWS", 10)
    n_rows = export_tokens(made, tmp_path / "records", form="tfrecord", seed=5)
    export_tokens(made, tmp_path / "train.parquet", form="parquet", seed=5)
    export_tokens(made, tmp_path / "one.tfrecord", form="tfrecord", seed=5)
    files = sorted(path.name for path in (tmp_path / "records").iterdir())
    assert files == ["features.json", *(f"train-0000{i}-of-00004.tfrecord" for i in range(4))]
    about = json.loads((tmp_path / "records" / "features.json").read_text(encoding="utf-8"))
    assert about["columns"] == {
        "row": "int64",
        "input_ids": "list<uint16>",
        "labels": "list<int32>",
        "weight": "float",
    }
    assert about["rows"] == n_rows

    spec = {
        "row": tf.io.FixedLenFeature([], tf.int64),
        "input_ids": tf.io.RaggedFeature(tf.int64),
        "labels": tf.io.RaggedFeature(tf.int64),
        "weight": tf.io.FixedLenFeature([], tf.float32),
    }
    expected = pq.read_table(tmp_path / "train.parquet").to_pylist()
    for paths in (sorted((tmp_path / "records").glob("*.tfrecord")), [tmp_path / "one.tfrecord"]):
        records = tf.data.TFRecordDataset([str(path) for path in paths]).batch(64)
        (batch,) = records.map(lambda serialized: tf.io.parse_example(serialized, spec))
        columns = {name: (value.to_list() if name in ("input_ids", "labels") else value.numpy().tolist())
                   for name, value in batch.items()}  # fmt: skip
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        assert [{name: row[name] for name in spec} for row in rows] == expected
    ids = [row["input_ids"] for row in sorted(expected, key=lambda row: row["row"])]
    assert ids == [row[0] for row in read_batches(made)]


def test_what_cannot_be_written_is_refused(make, tmp_path, monkeypatch):
    made = make()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    with pytest.raises(StoreError, match=r"The folder .*mine is there already, with files in it"):
        export_tokens(made, tmp_path / "mine", form="parquet", force=True)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StoreError, match="--force"):
        export_tokens(made, tmp_path / "file", form="parquet")
    export_tokens(made, tmp_path / "file", form="parquet", force=True)
    assert pq.read_table(tmp_path / "file").num_rows > 0
    with pytest.raises(ConfigError, match="no split 'tset'"):
        export_tokens(made, tmp_path / "a", form="parquet", name="tset")
    with pytest.raises(DataError, match="other rows: give those of one run"):
        export_tokens(make(copies={0: 1}), tmp_path / "a", form="parquet")
    monkeypatch.setattr("evenly.export.tokens.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"evenly export --to-tfrecord needs TensorFlow: pip install"):
        export_tokens(made, tmp_path / "a", form="tfrecord")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "mine", "store"]


def test_one_target_is_asked_for(tmp_path):
    chosen = Export.choose(texts=None, parquet=tmp_path / "a", tfrecord=None)
    assert (chosen.form, chosen.last_stage) == ("parquet", "synthetic")
    assert Export.choose(texts=tmp_path / "a.csv", parquet=None, tfrecord=None).last_stage == "plan"
    with pytest.raises(ConfigError, match="0 targets are given, expected one: -o FILE"):
        Export.choose(texts=None, parquet=None, tfrecord=None)
    with pytest.raises(ConfigError, match="2 targets"):
        Export.choose(texts=tmp_path / "a.csv", parquet=None, tfrecord=tmp_path / "b")
