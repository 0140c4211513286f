from __future__ import annotations

import os

import pyarrow as pa
import pytest

from evenly.executor import LocalProcesses
from evenly.manifest import list_files
from evenly.store import Store
from evenly.tokenize import SHARDS, SYNTHETIC
from evenly.tokenize.texts import join_columns
from token_tables import build_plan, build_split, build_table, build_tokenizer

WORDS = ["[UNK]", "a", "b", "c", "|"]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def tokenizer(store):
    return build_tokenizer(store, WORDS, separator=" | ")


def load(folder):
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import datasets

    return datasets.load_from_disk(str(folder))


def test_rows_as_datasets_reads_them(store, tokenizer):
    title, body = ["a", "", "b b", " "], ["b c", "c", None, ""]
    table = build_table(store, {"title": title, "body": body}, [[0, 2], [1], [], [2]], n_labels=3, part_rows=3)
    split = build_split(store, ["train", "test", "train", "test"])
    built = store.build(
        SHARDS, params={"max_length": 3}, inputs={"table": table, "split": split, "tokenizer": tokenizer}
    )
    train = load(built.path / "train")
    # "a | b c" is four tokens, of which three are kept; only columns with a text are joined
    assert train.to_list() == [
        {"row": 0, "input_ids": [1, 4, 2], "labels": [0, 2]},
        {"row": 2, "input_ids": [2, 2], "labels": []},
    ]
    assert load(built.path / "test").to_list() == [
        {"row": 1, "input_ids": [3], "labels": [1]},
        {"row": 3, "input_ids": [], "labels": [2]},
    ]
    assert train.features["input_ids"].feature.dtype == "uint16"
    assert str(train.split) == "train"
    assert built.manifest.rows == 4
    assert built.facts == {
        "n_rows": {"train": 2, "validation": 0, "test": 2},
        "n_tokens": {"train": 5, "validation": 0, "test": 1},
        "id_type": "uint16",
        "truncated_rows": 0.25,
        "lost_tokens": 0.142857,  # 1 of 7
        "length_quantiles": {"0.05": 0, "0.25": 0, "0.5": 1, "0.75": 2, "0.95": 4, "1": 4},
    }
    assert built.manifest.notes == ("median 1 tokens, 25.0 % of the rows cut at 3 (14.3 % of the tokens lost)",)


def test_a_split_without_rows_opens(store, tokenizer):
    table = build_table(store, {"text": ["a"]}, [[0]], n_labels=1)
    split = build_split(store, ["train"])
    built = store.build(
        SHARDS, params={"max_length": 8}, inputs={"table": table, "split": split, "tokenizer": tokenizer}
    )
    everything = load(built.path)
    assert {name: part.num_rows for name, part in everything.items()} == {"train": 1, "validation": 0, "test": 0}
    assert everything["test"].features == everything["train"].features
    assert everything["train"].save_to_disk(str(store.root / "again")) is None
    assert load(store.root / "again").to_list() == everything["train"].to_list()


def test_same_bytes_for_any_number_of_workers(tmp_path):
    texts = [f"a b{' c' * (i % 7)}" for i in range(90)]
    digests, names = set(), []
    for workers in (1, 2):
        store = Store(tmp_path / f"store{workers}")
        tokenizer = build_tokenizer(store, WORDS)
        table = build_table(store, {"text": texts}, [[i % 3] for i in range(90)], n_labels=3, part_rows=40)
        # the last part has no row of the validation split
        split = build_split(store, ["validation" if i % 9 == 0 and i < 80 else "train" for i in range(90)])
        inputs = {"table": table, "split": split, "tokenizer": tokenizer}
        executor = LocalProcesses(workers)
        built = store.build(SHARDS, params={"max_length": 6}, inputs=inputs, executor=executor)
        executor.close()
        digests.add(built.digest)
        names = list_files(built.path)
    assert len(digests) == 1
    assert [name for name in names if name.startswith("validation/data-")] == [
        "validation/data-00000.arrow",
        "validation/data-00001.arrow",
    ]


def test_synthetic_rows_are_shards_of_their_own(store, tokenizer):
    plan = build_plan(store, {0: 1}, [(10, "a b", [1]), (11, "c", [0, 1])])
    built = store.build(SYNTHETIC, params={"max_length": 8}, inputs={"plan": plan, "tokenizer": tokenizer})
    assert load(built.path / "train").to_list() == [
        {"row": 10, "input_ids": [1, 2], "labels": [1]},
        {"row": 11, "input_ids": [3], "labels": [0, 1]},
    ]
    assert built.facts["n_rows"] == {"train": 2}


def test_a_plan_without_synthetic_rows(store, tokenizer):
    plan = build_plan(store, {0: 1}, [])
    built = store.build(SYNTHETIC, params={"max_length": 8}, inputs={"plan": plan, "tokenizer": tokenizer})
    assert load(built.path / "train").num_rows == 0
    assert built.manifest.rows == 0
    assert built.manifest.notes == ()


def test_one_text_column_stays_as_it_is():
    batch = pa.record_batch({"text": pa.array(["  a ", None, ""]), "other": pa.array(["x", " ", "y"])})
    assert join_columns(batch, ["text"], "|").to_pylist() == ["  a ", "", ""]
    assert join_columns(batch, ["text", "other"], "|").to_pylist() == ["  a |x", "", "y"]
