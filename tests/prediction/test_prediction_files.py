"""`predict_files`: every row is predicted or rejected with a reason, in every format, whatever labels are called."""

from __future__ import annotations

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenly.errors import ColumnNotFoundError, ConfigError, DataError, StoreError
from evenly.prediction import predict_files

ROWS = 'id,Text\n1,goal\n2,\n3,"bread, orbit"\n4,too,many\n5,rocket\n'


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text(ROWS, encoding="utf-8")
    return path


def read(path):
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        parsed = {"labels", "probabilities"}
        return [{name: json.loads(cell) if name in parsed else cell for name, cell in row.items()} for row in rows]
    found = pq.read_table(path).to_pylist()
    return [{name: dict(cell) if name == "probabilities" else cell for name, cell in row.items()} for row in found]


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
def test_every_row_is_predicted_or_rejected(model, table, ending):
    target = table.with_name(f"out{ending}")
    found = predict_files(model, [table], target, keep=["id"])
    assert (found.rows_read, found.rows_predicted, found.rows_rejected) == (5, 3, 2)
    rows = read(target)
    assert [str(row["id"]) for row in rows] == ["1", "3", "5"]
    assert [int(row["row"]) for row in rows] == [0, 2, 3]
    assert [row["labels"] for row in rows] == [["sport"], ["a|b", "space"], ["space"]]
    assert rows[1]["probabilities"]["a|b"] == pytest.approx(0.9)
    assert list(rows[0]["probabilities"]) == ["sport", "space", "a|b"]
    assert found.rejects == table.with_name(f"out.rejects{ending}")
    raw = pq.read_table(found.rejects).to_pylist() if ending == ".parquet" else None
    lines = [int(row["line"]) for row in raw or _plain(found.rejects)]
    assert lines == [3, 5]


def _plain(path):
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_rejects_have_the_reasons_of_ingest(model, table):
    found = predict_files(model, [table], table.with_name("out.jsonl"))
    rejects = read(found.rejects)
    assert [(each["file"], each["reason"]) for each in rejects] == [
        ("new.csv", "no text"),
        ("new.csv", "too many columns"),
    ]
    assert found.reasons == {"no text": 1, "too many columns": 1}


def test_old_rejects_do_not_stay(model, table):
    target = table.with_name("out.jsonl")
    predict_files(model, [table], target)
    table.write_text("Text\ngoal\n", encoding="utf-8")
    found = predict_files(model, [table], target, force=True)
    assert found.rejects is None
    assert not target.with_name("out.rejects.jsonl").exists()
    assert sorted(path.name for path in table.parent.iterdir()) == ["model", "new.csv", "out.jsonl"]


def test_several_files_are_told_apart(model, tmp_path):
    for name, text in (("a", "goal"), ("b", "bread")):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"Text": text}) + "\n", encoding="utf-8")
    target = tmp_path / "out.jsonl"
    predict_files(model, [tmp_path / "a.jsonl", tmp_path / "b.jsonl"], target)
    assert [(row["file"], row["row"], row["labels"]) for row in read(target)] == [
        ("a.jsonl", 0, ["sport"]),
        ("b.jsonl", 0, ["a|b"]),
    ]


def test_kept_columns_of_typed_tables_keep_their_types(model, tmp_path):
    table = pa.table({"Text": ["goal", None, "bread"], "n": [1, 2, 3], "tags": [["x"], [], None], "empty": [None] * 3})
    pq.write_table(table, tmp_path / "new.parquet")
    target = tmp_path / "out.parquet"
    found = predict_files(model, [tmp_path / "new.parquet"], target, keep=["n", "tags", "empty"])
    written = pq.read_table(target)
    assert written["n"].to_pylist() == [1, 3]
    assert written["tags"].to_pylist() == [["x"], None]
    assert written.schema.field("empty").type == pa.string()
    assert (found.rows_predicted, found.rows_rejected) == (2, 1)


def test_a_table_may_call_its_texts_otherwise(model, tmp_path):
    (tmp_path / "new.csv").write_text("body,n\ngoal,1\n", encoding="utf-8")
    target = tmp_path / "out.jsonl"
    with pytest.raises(ColumnNotFoundError, match="no column 'Text'"):
        predict_files(model, [tmp_path / "new.csv"], target)
    assert not target.exists()
    predict_files(model, [tmp_path / "new.csv"], target, text=["body"])
    assert read(target)[0]["labels"] == ["sport"]


def test_what_cannot_be_written_is_said_before_any_work(model, table, scorers):
    target = table.with_name("out.jsonl")
    target.write_text("mine", encoding="utf-8")
    with pytest.raises(StoreError, match="there already"):
        predict_files(model, [table], target)
    with pytest.raises(ConfigError, match=r"end it in one of \.parquet, \.jsonl, \.csv"):
        predict_files(model, [table], table.with_name("out.txt"))
    with pytest.raises(ConfigError, match="'labels' cannot be kept"):
        predict_files(model, [table], table.with_name("out.csv"), keep=["labels"])
    with pytest.raises(ConfigError, match=r"reads 1 text column\(s\).*2 are named"):
        predict_files(model, [table], table.with_name("out.csv"), text=["a", "b"])
    assert target.read_text(encoding="utf-8") == "mine"
    assert len(scorers) == 1  # for the last one alone


def test_a_table_without_any_text_is_refused_and_leaves_nothing(model, tmp_path):
    (tmp_path / "new.csv").write_text("id,Text\n1,\n2,\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"No row of new\.csv can be predicted: 2 no text"):
        predict_files(model, [tmp_path / "new.csv"], tmp_path / "out.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "new.csv"]


def test_more_rows_than_a_batch_come_out_in_their_order(model, tmp_path):
    words = ["goal", "bread", "orbit", "x"] * 5_000
    pq.write_table(pa.table({"Text": words, "n": range(20_000)}), tmp_path / "new.parquet", row_group_size=3_000)
    target = tmp_path / "out.parquet"
    found = predict_files(model, [tmp_path / "new.parquet"], target, keep=["n"], top=1)
    written = pq.read_table(target)
    assert written["n"].to_pylist() == written["row"].to_pylist() == list(range(20_000))
    assert written["labels"].to_pylist() == [["sport"], ["a|b"], ["space"], []] * 5_000
    assert found.rows_read == 20_000
