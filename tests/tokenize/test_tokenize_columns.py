"""Two text columns from a CSV to shards: kept apart or joined, of the table's rows and of spliced ones."""

from __future__ import annotations

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from evenly.config import load_config
from evenly.flows.steps import cut_after, prepare_steps
from evenly.flows.walk import walk_steps
from evenly.formats import list_parts
from evenly.tokenize import encode, token_type_ids
from small_tables import multilabel_rows, write_csv


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a prepared table with synthetic rows, by `tokenize.join`; the words of titles are in capitals."""
    folder = tmp_path_factory.mktemp("columns")
    rows = [[text[:40].upper(), text[40:].lower(), "|".join(held)] for text, held in multilabel_rows(200)]
    rows[3][0] = ""
    write_csv(folder / "two.csv", ["title", "body", "genres"], rows)
    source = {"files": "two.csv", "text": ["title", "body"], "labels": {"columns": "genres"}}
    config = {
        "source": source,
        "resample": {"method": "mlsmote", "target_ir": 2, "max_growth": 1},
        "tokenize": {"lowercase": False, "max_length": 24},
        "executor": {"workers": 1},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))

    def prepare(join):
        loaded = load_config(folder / "config.yaml", {"tokenize.join": join})
        return walk_steps(loaded, cut_after(prepare_steps(loaded), "synthetic"), {})

    return {join: prepare(join) for join in ("columns", "separator")}


def stored_and_texts(artifacts, name):
    """Return the rows of the shards as `datasets` reads them, and the texts of the same rows."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import datasets

    stored = datasets.load_from_disk(str(artifacts[name].path / "train"))
    if name == "synthetic":
        return stored, pq.read_table(artifacts["plan"].path / "synthetic.parquet")
    table = pa.concat_tables([pq.read_table(part) for part in list_parts(artifacts["table"].path)])
    return stored, table.take(stored["row"][:])


@pytest.mark.parametrize("name", ["shards", "synthetic"])
def test_each_column_has_ids_of_its_own(made, name):
    artifacts = made["columns"]
    stored, texts = stored_and_texts(artifacts, name)
    assert stored.column_names == ["row", "input_ids_title", "input_ids_body", "labels"]
    assert stored["row"][:] == texts["row"].to_pylist()
    assert stored["labels"][:] == texts["labels"].to_pylist()
    for column in ("title", "body"):
        ids = encode(texts[column], artifacts["tokenizer"].path, max_length=24)
        assert stored[f"input_ids_{column}"][:] == ids.to_pylist()
    assert artifacts[name].facts["token_types"] is None


@pytest.mark.parametrize("name", ["shards", "synthetic"])
def test_joined_columns_are_a_pair_to_the_tokenizer(made, name):
    artifacts = made["separator"]
    stored, texts = stored_and_texts(artifacts, name)
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(artifacts["tokenizer"].path, local_files_only=True)
    columns = [[text or "" for text in texts[column].to_pylist()] for column in ("title", "body")]
    expected = tokenizer(*columns, truncation="longest_first", max_length=24, return_token_type_ids=True)
    assert stored["input_ids"][:] == expected["input_ids"]
    separator = artifacts[name].facts["token_types"]["separator"]
    types = token_type_ids(pa.array(stored["input_ids"][:], pa.list_(pa.uint16())), separator)
    assert types.to_pylist() == expected["token_type_ids"]


def test_a_synthetic_row_has_a_text_for_each_column(made):
    synthetic = pq.read_table(made["columns"]["plan"].path / "synthetic.parquet").to_pylist()
    assert len(synthetic) > 20
    assert all(row["title"] == row["title"].upper() and row["body"] == row["body"].lower() for row in synthetic)
    table = pa.concat_tables([pq.read_table(part) for part in list_parts(made["columns"]["table"].path)]).to_pylist()
    for row in synthetic:
        parents = [table[row["seed_row"]], table[row["reference_row"]]]
        for column in ("title", "body"):
            known = {word for parent in parents for word in (parent[column] or "").split()}
            assert known.issuperset(row[column].split())


@pytest.mark.parametrize(
    ("ids", "separator", "expected"),
    [
        ([[1, 7, 9, 8, 9], [1, 9]], [9], [[0, 0, 0, 1, 1], [0, 0]]),
        ([[7, 9, 9, 8], [9], [], [9, 9]], [9, 9], [[0, 0, 0, 1], [0], [], [0, 0]]),
        ([[5, 9], [9, 5]], [9, 9], [[0, 0], [0, 0]]),  # no separator lies across two rows
        ([[7, 9, 5, 9, 6]], [9], [[0, 0, 1, 1, 1]]),  # a third text counts with the second
        ([], [9], []),
    ],
)
def test_token_types_worked_by_hand(ids, separator, expected):
    given = pa.array([[5, 9, 5], *ids], pa.list_(pa.uint16())).slice(1)
    types = token_type_ids(given, separator)
    assert types.type == pa.list_(pa.uint8())
    assert types.to_pylist() == expected
