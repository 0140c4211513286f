from __future__ import annotations

import os
from importlib.metadata import version

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pytest
from tokenizers import processors

from evenly.executor import InProcess, LocalProcesses, Threads
from evenly.manifest import list_files, read_manifest
from evenly.store import Stage, Store
from evenly.tokenize import SHARDS, SYNTHETIC
from evenly.tokenize.layout import choose_layout
from evenly.tokenize.texts import join_columns
from evenly.tokenize.units import Part, make_units
from evenly.tokenize.vocabulary import read_vocabulary
from evenly.train.feed.shards import open_shards
from token_tables import build_plan, build_split, build_table, build_tokenizer, word_level

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
        "join": "text",
        "token_types": None,
        "engine": {
            "engine": "tokenizers",
            "version": version("tokenizers"),
            "n_sampled": 0,
            "outcome": "no faster engine takes a WordLevel model",
        },
        "shards": {
            "train": [
                {
                    "file": "data-00000.arrow",
                    "rows": 2,
                    "tokens": 5,
                    "length_histogram": [[1, 0], [2, 1], [3, 0], [4, 1]],
                }
            ],
            "validation": [],
            "test": [{"file": "data-00000.arrow", "rows": 2, "tokens": 1, "length_histogram": [[1, 2]]}],
        },
        "truncated_rows": 0.25,
        "lost_tokens": 0.142857,  # 1 of 7
        "length_quantiles": {"0.05": 0, "0.25": 0, "0.5": 1, "0.75": 2, "0.95": 4, "1": 4},
        "length_histogram": [[1, 2], [2, 1], [3, 0], [4, 1]],
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
    for workers in (1, 2, 3):
        store = Store(tmp_path / f"store{workers}")
        tokenizer = build_tokenizer(store, WORDS)
        table = build_table(store, {"text": texts}, [[i % 3] for i in range(90)], n_labels=3, part_rows=40)
        # the last part has no row of the validation split
        split = build_split(store, ["validation" if i % 9 == 0 and i < 80 else "train" for i in range(90)])
        inputs = {"table": table, "split": split, "tokenizer": tokenizer}
        executor = LocalProcesses(workers)
        params = {"max_length": 6, "shard_bytes": 10}  # each part is a unit, each batch of a split a file
        built = store.build(SHARDS, params=params, inputs=inputs, executor=executor)
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


def build_shards(store, texts, *, words=WORDS, part_rows=1000, separator=" ", **params):
    n_rows = len(texts) if isinstance(texts, list) else len(next(iter(texts.values())))
    columns = {"text": texts} if isinstance(texts, list) else texts
    table = build_table(store, columns, [[i % 3] for i in range(n_rows)], n_labels=3, part_rows=part_rows)
    split = build_split(store, ["train"] * n_rows)
    inputs = {"table": table, "split": split, "tokenizer": build_tokenizer(store, words, separator)}
    return store.build(SHARDS, params={"max_length": 8, **params}, inputs=inputs)


def test_a_full_file_is_followed_by_another(store, monkeypatch):
    monkeypatch.setattr("evenly.tokenize.partition.BATCH_ROWS", 10)
    texts = [f"a b {'c ' * (i % 5)}{' ' * i}" for i in range(95)]
    built = build_shards(store, texts, part_rows=50, shard_bytes=1)
    files = built.facts["shards"]["train"]
    # two parts, each with more text than a file takes: two units; each batch of ten rows fills a file
    names = [f"data-0000{unit}{number}.arrow" for unit in (0, 1) for number in ("", "-1", "-2", "-3", "-4")]
    assert [file["file"] for file in files] == names
    assert [file["rows"] for file in files] == [10] * 9 + [5]
    # of ten rows two each have 2, 3, 4, 5 and 6 tokens; the bins end at 1, 2, 3, 4, 6
    assert [file["length_histogram"] for file in files[8:]] == [
        [[1, 0], [2, 2], [3, 2], [4, 2], [6, 4]],
        [[1, 0], [2, 1], [3, 1], [4, 1], [6, 2]],
    ]
    assert built.facts["length_histogram"] == [[1, 0], [2, 19], [3, 19], [4, 19], [6, 38]]
    half = [file["file"] for file in build_shards(store, texts, shard_bytes=1000).facts["shards"]["train"]]
    assert 1 < len(half) < 10
    n_tokens = sum(2 + i % 5 for i in range(95))
    assert sum(file["tokens"] for file in files) == built.facts["n_tokens"]["train"] == n_tokens
    assert load(built.path / "train")["row"][:] == list(range(95))
    assert open_shards(built.path, "train").row.tolist() == list(range(95))


def test_small_parts_are_worked_on_together(store):
    table = build_table(store, {"text": ["some words"] * 9}, [[0]] * 9, n_labels=1, part_rows=2)
    parts = [Part(path, np.zeros(2, np.int8)) for path in sorted(table.path.glob("part-*.parquet"))]
    sizes = [len(unit.parts) for unit in make_units(parts, ["text"], 10**6)]
    assert sizes == [5]
    each = [len(unit.parts) for unit in make_units(parts, ["text"], 1)]
    assert each == [1, 1, 1, 1, 1]
    assert [unit.index for unit in make_units(parts, ["text"], 1)] == [0, 1, 2, 3, 4]
    assert make_units([], ["text"], 1) == []


@pytest.mark.parametrize("windows", [{}, {"truncate": "windows", "stride": 1, "max_length": 3}])
def test_other_tools_read_the_shards(store, windows):
    polars = pytest.importorskip("polars")
    import duckdb

    built = build_shards(store, ["a b", "", "c a b a", "b"], part_rows=2, shard_bytes=1, **windows)
    paths = sorted((built.path / "train").glob("data-*.arrow"))
    assert len(paths) == 2
    expected = load(built.path / "train").to_list()
    assert len(expected) == (5 if windows else 4)
    assert polars.concat([polars.read_ipc_stream(path) for path in paths]).to_dicts() == expected
    found = []
    for path in paths:
        stream = pyarrow.ipc.open_stream(pa.memory_map(str(path)))  # DuckDB takes any Arrow reader by its name
        names = stream.schema.names
        rows = duckdb.sql("SELECT * FROM stream").fetchall()
        found += [dict(zip(names, row, strict=True)) for row in rows]
    assert found == expected


def test_a_build_that_was_killed_repeats_no_finished_unit(store, monkeypatch):
    from evenly.tokenize import shards

    whole, encoded = shards.write_unit, []

    def dies_at_the_third(encoding, unit, folder):
        if len(encoded) == 2:
            raise KeyboardInterrupt
        encoded.append(unit.index)
        return whole(encoding, unit, folder)

    def counts(encoding, unit, folder):
        encoded.append(unit.index)
        return whole(encoding, unit, folder)

    monkeypatch.setattr(shards, "write_unit", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        build_shards(store, ["a"] * 40, part_rows=10, shard_bytes=1)
    (torn,) = (store.root / "shards").glob(".partial-*/train/data-00001.arrow")
    torn.write_bytes(torn.read_bytes()[:-8])  # what a crash of the machine may leave of a file
    monkeypatch.setattr(shards, "write_unit", counts)
    built = build_shards(store, ["a"] * 40, part_rows=10, shard_bytes=1)
    assert encoded == [0, 1, 1, 2, 3]
    assert built.manifest.rows == 40
    assert load(built.path / "train")["row"][:] == list(range(40))
    untouched = build_shards(Store(store.root / "other"), ["a"] * 40, part_rows=10, shard_bytes=1)
    assert built.digest == untouched.digest


def test_columns_kept_apart(store):
    built = build_shards(store, {"title": ["a", None], "body": ["b c b", "c"]}, max_length=2, join="columns")
    assert load(built.path / "train").to_list() == [
        {"row": 0, "input_ids_title": [1], "input_ids_body": [2, 3], "labels": [0]},
        {"row": 1, "input_ids_title": [], "input_ids_body": [3], "labels": [1]},
    ]
    assert built.facts["join"] == "columns"
    assert built.facts["n_tokens"]["train"] == 4
    assert built.facts["truncated_rows"] == 0.5
    assert built.facts["lost_tokens"] == 0.2  # one of five
    assert built.facts["length_quantiles"]["1"] == 3  # of the longest column
    assert [column.text for column in open_shards(built.path, "train").columns] == ["title", "body"]


def test_one_column_has_nothing_to_keep_apart(store):
    built = build_shards(store, ["a"], join="columns")
    assert load(built.path / "train").column_names == ["row", "input_ids", "labels"]


def test_how_texts_of_a_row_are_joined():
    tokenizer = word_level({"[UNK]": 0, "a": 1, "[SEP]": 2})
    columns = ["title", "body"]
    batch = pa.record_batch({"title": ["a", None], "body": ["a", "a"]})

    def texts(layout):
        return [text.to_pylist() for text in layout.texts(batch, columns)]

    as_text = choose_layout(read_vocabulary(tokenizer), columns, join="separator", separator="\n")
    assert (as_text.template.between, texts(as_text)) == (None, [["a\na", "a"]])
    tokenizer.add_special_tokens(["[SEP]"])
    by_token = choose_layout(read_vocabulary(tokenizer), columns, join="separator", separator="[SEP]")
    assert (by_token.template.between, texts(by_token)) == ((2,), [["a", ""], ["a", "a"]])
    tokenizer.post_processor = processors.TemplateProcessing("$A [SEP]", "$A [SEP] [SEP] $B [SEP]", [("[SEP]", 2)])
    own = choose_layout(read_vocabulary(tokenizer), columns, join="separator", separator="[SEP]")
    assert (own.template.between, texts(own)) == ((2, 2), [["a", ""], ["a", "a"]])


def test_the_engine_is_compared_and_the_check_kept(tmp_path, monkeypatch):
    pytest.importorskip("nanotoken")
    from evenly.tokenize.wordpiece import train_wordpiece

    monkeypatch.setattr("evenly.tokenize.shards.WORTH_A_CHECK_BYTES", 1)
    monkeypatch.setattr("evenly.tokenize.engine_check.WORTH_A_CHECK_BYTES", 1)
    texts = ["the quick brown fox", "e\u0301 \x07 [SEP]", "日本 語", ""] * 30
    trained, _ = train_wordpiece(lambda: [texts], vocabulary_size=300, lowercase=True)
    store, found = Store(tmp_path / "engines"), {}
    table = build_table(store, {"text": texts}, [[0]] * 120, n_labels=1, part_rows=50)
    inputs = {"table": table, "split": build_split(store, ["train"] * 120)}
    inputs["tokenizer"] = store.build(Stage("tokenizer", 9, _save), params={"json": trained.to_str()}, inputs={})
    for engine in ("auto", "tokenizers"):
        params = {"max_length": 9, "engine": engine, "shard_bytes": 100}
        found[engine] = store.build(SHARDS, params=params, inputs=inputs, executor=InProcess())
        for executor in (Threads(3), ElsewhereInProcess()):  # one engine for all threads, one each process
            other = Store(tmp_path / f"{engine}{executor.is_remote}")
            built = other.build(SHARDS, params=params, inputs=inputs, executor=executor)
            assert built.digest == found[engine].digest
    assert found["auto"].facts["engine"]["engine"] == "nanotoken"
    assert found["auto"].facts["engine"]["n_sampled"] > 34
    assert any("encoded by nanotoken" in note for note in read_manifest(found["auto"].path).notes)
    assert found["tokenizers"].facts["engine"]["outcome"] == "asked for by name"
    assert found["auto"].manifest.files == found["tokenizers"].manifest.files


class ElsewhereInProcess(InProcess):
    is_remote = True


def _save(work, *, json):
    (work.out / "tokenizer.json").write_text(json, encoding="utf-8")
    work.record(separator="[SEP]")
