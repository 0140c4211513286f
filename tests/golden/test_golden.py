"""Artifacts that earlier versions of evenly have written: what a format version holds stays readable.

``v2/`` was written once by ``make_golden.py``; no test looks at stage versions or keys, which today's code changes.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenly.errors import StoreError
from evenly.export.stored_rows import StoredRows
from evenly.formats import (
    SPLITS,
    read_checks,
    read_facts,
    read_label_names,
    read_labels,
    read_rows,
    read_split,
)
from evenly.manifest import FORMAT_VERSION, MANIFEST_NAME
from evenly.progress import Finished, observing
from evenly.store import Stage, Store, open_artifact
from evenly.tokenize import encode
from evenly.tokenize.vocabulary import read_vocabulary
from evenly.train.feed.batches import iter_batches, open_batches

GOLDEN = Path(__file__).with_name(f"v{FORMAT_VERSION}")
STAGES = ("checks", "plan", "plan_of_copies", "shards", "split", "stats", "synthetic", "table", "tokenizer", "weights")
FOOD, LAW, SPACE = range(3)
LABELS = [
    [SPACE], [FOOD], [SPACE], [FOOD], [LAW, SPACE], [LAW], [FOOD, SPACE], [SPACE],
    [SPACE], [FOOD],
    [LAW], [FOOD, SPACE],
]  # fmt: skip
IDS_OF_ROW_5 = [2, 54, 91, 23, 66, 54, 27, 56, 34, 83, 49, 6, 69, 7, 46, 3]
IDS_OF_ROW_12 = [2, 54, 91, 23, 66, 54, 27, 56, 34, 83, 49, 6, 54, 91, 20, 3]
WEIGHTS = np.array([0.6, 1, 0.6, 1, 1.5, 1.5, 1, 0.6]) / 0.975  # as 1 / count of a row's rarest label, of mean 1


def test_every_artifact_is_whole():
    """A version control that changes line ends would damage them, and a test would never be told why."""
    assert sorted(path.name for path in GOLDEN.iterdir()) == sorted(STAGES)
    for stage in STAGES:
        open_artifact(GOLDEN / stage)


def test_a_table_has_its_rows_and_labels():
    table = GOLDEN / "table"
    assert read_facts(table)["task"] == "multilabel"
    assert read_facts(table)["text_columns"] == ["text"]
    assert read_label_names(table) == ["food", "law", "space"]
    np.testing.assert_array_equal(
        read_labels(table).toarray(), [[label in held for label in range(3)] for held in LABELS]
    )
    rows = read_rows(table, np.array([11, 0]), ["text", "labels", "given_split"]).to_pylist()
    assert rows == [
        {"row": 11, "text": "A planet, a comet, and no bread. — Ünïcödé 🚀", "labels": [0, 2], "given_split": "test"},
        {"row": 0, "text": "The rocket left the pad. Its orbit is high.", "labels": [2], "given_split": "train"},
    ]
    assert pq.read_table(table / "rejects.parquet").column_names == ["file", "line", "column", "reason", "raw"]


def test_checks_and_split_say_where_every_row_went():
    checks, split = read_checks(GOLDEN / "checks"), read_split(GOLDEN / "split")
    assert {name: split.rows(name).tolist() for name in SPLITS} == {
        "train": [0, 1, 2, 3, 4, 5, 6, 7],
        "validation": [8, 9],
        "test": [10, 11],
    }
    np.testing.assert_array_equal(split.unit, range(12))
    np.testing.assert_array_equal(checks.same_text, range(12))
    np.testing.assert_array_equal(checks.words, [9, 9, 9, 7, 9, 8, 7, 9, 8, 8, 8, 10])
    assert checks.used.all()


def test_statistics_are_those_of_the_rows():
    """By hand: 3, 2 and 5 of the 8 train rows hold food, law and space; IRLbl is 5/3, 5/2 and 1 (Charte et al.)."""
    summary = json.loads((GOLDEN / "stats/summary.json").read_text(encoding="utf-8"))
    assert summary["train"]["cardinality"] == 10 / 8
    assert summary["train"]["mean_ir"] == pytest.approx((5 / 3 + 5 / 2 + 1) / 3)
    labels = pq.read_table(GOLDEN / "stats/labels.parquet").to_pydict()
    assert labels["irlbl"] == pytest.approx([5 / 3, 5 / 2, 1])
    assert [labels[name] for name in SPLITS] == [[3, 2, 5], [1, 0, 1], [1, 1, 1]]
    pairs = pq.read_table(GOLDEN / "stats/cooccurrence.parquet").to_pylist()
    assert [(pair["label"], pair["other"], pair["count"]) for pair in pairs] == [(FOOD, SPACE, 2), (LAW, SPACE, 1)]


def test_weights_are_read_beside_the_labels():
    """By hand: pos_weight (N - c) / c of 8 train rows."""
    labels = pq.read_table(GOLDEN / "weights/labels.parquet").to_pydict()
    assert labels["pos_weight"] == pytest.approx([5 / 3, 6 / 2, 3 / 5])
    assert labels["class_weight"] == [1, 1, 1]


def test_a_plan_names_the_parents_of_each_synthetic_row():
    plan = pq.read_table(GOLDEN / "plan/synthetic.parquet").to_pylist()
    assert [(row["row"], row["seed_row"], row["reference_row"], row["labels"]) for row in plan] == [
        (12, 4, 5, [LAW]),
        (13, 6, 3, [FOOD]),
        (14, 5, 4, [LAW, SPACE]),
    ]
    assert plan[0]["text"] == "The judge read the verdict. The judge nodded."
    assert plan[0]["share"] == pytest.approx(0.6066357757671799)


def read_epoch(plan, *more):
    """Return the ids, the multi-hot labels and the weights of an epoch, by row number."""
    folders = [GOLDEN / "shards", *(GOLDEN / name for name in more)]
    options = {"split": "train", "batch_size": 4, "n_labels": 3, "pad_id": 0}
    rows = open_batches(folders, GOLDEN / plan, GOLDEN / "weights", **options).rows()
    batches = list(iter_batches(folders, GOLDEN / plan, GOLDEN / "weights", **options))
    return rows.tolist(), *(np.concatenate([batch[part] for batch in batches]) for part in range(3))


def test_an_epoch_has_the_rows_of_the_table_and_the_synthetic_ones():
    rows, ids, labels, weights = read_epoch("plan", "synthetic")
    assert rows == [0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14]
    assert ids[5].tolist() == IDS_OF_ROW_5
    assert ids[8].tolist() == IDS_OF_ROW_12
    held = [*LABELS[:8], [LAW], [FOOD], [LAW, SPACE]]
    np.testing.assert_array_equal(labels, [[label in each for label in range(3)] for each in held])
    np.testing.assert_allclose(weights, [*WEIGHTS, 1, 1, 1], rtol=1e-6)


def test_an_epoch_has_a_row_as_often_as_the_plan_says():
    rows, ids, _, _ = read_epoch("plan_of_copies")
    assert rows == [0, 1, 2, 3, 4, 5, 5, 5, 6, 6, 7]
    assert ids[5].tolist() == ids[7].tolist() == IDS_OF_ROW_5


def test_an_export_has_the_same():
    stored = StoredRows(
        (GOLDEN / "shards/train", GOLDEN / "synthetic/train"), GOLDEN / "plan", GOLDEN / "weights", single_label=False
    )
    rows = [row for batch in stored.batches() for row in batch.to_pylist()]
    assert [row["row"] for row in rows] == [0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14]
    assert rows[5]["input_ids"] == IDS_OF_ROW_5
    assert stored.copies().tolist() == [1] * 11


def test_the_tokenizer_gives_the_ids_that_are_in_the_shards():
    vocabulary = read_vocabulary(GOLDEN / "tokenizer")
    assert len(vocabulary.token_to_id) == 93
    texts = read_rows(GOLDEN / "table", np.arange(8), ["text"])["text"].to_pylist()
    ids = encode(texts, GOLDEN / "tokenizer", max_length=16).to_pylist()
    stored = open_stored("shards", "train")
    assert ids == stored["input_ids"].to_pylist()
    assert ids[5] == IDS_OF_ROW_5


def open_stored(stage, split):
    with pa.memory_map(str(GOLDEN / stage / split / "data-00000.arrow")) as stream:
        return pa.ipc.open_stream(stream).read_all()


def test_datasets_opens_the_shards():
    from datasets import load_from_disk

    test = load_from_disk(str(GOLDEN / "shards"))["test"]
    assert test["row"][:] == [10, 11]
    assert test["labels"][:] == [[LAW], [FOOD, SPACE]]
    assert test["input_ids"][1] == [2, 7, 22, 42, 31, 44, 58, 5, 7, 60, 43, 58, 5, 69, 34, 3]


def as_version(folder, number, writer, entry):
    """Write an artifact as another format version has it, as far as `parse_manifest` needs it to refuse."""
    shutil.copytree(GOLDEN / "weights", folder)
    path = folder / MANIFEST_NAME
    fields = json.loads(path.read_text(encoding="utf-8"))
    fields |= {"format_version": number, "package_version": writer}
    fields["files"] = dict.fromkeys(fields["files"], entry)
    path.write_text(json.dumps(fields), encoding="utf-8")
    return folder


def test_version_1_is_refused_with_what_to_do(tmp_path):
    """It had SHA-256 in place of BLAKE3, so that nothing of it can be verified."""
    folder = as_version(tmp_path / "old", 1, "0.0.9", {"size": 823, "sha256": "00"})
    said = r"format version 1, written by evenly 0\.0\.9; this evenly reads 2\. Build it again"
    with pytest.raises(StoreError, match=said) as caught:
        open_artifact(folder)
    assert str(caught.value).endswith("run its config once more. Or read it with evenly 0.0.9.")


def test_a_future_version_says_which_evenly_reads_it(tmp_path):
    folder = as_version(tmp_path / "new", 3, "2.1.0", "a form that is not known yet")
    with pytest.raises(StoreError, match=r"format version 3, written by evenly 2\.1\.0") as caught:
        open_artifact(folder)
    assert str(caught.value).endswith("Or read it with evenly 2.1.0 or newer.")


@pytest.mark.parametrize("writer", [None, 7, "", "\x1b[2J", "1" * 99, "; rm -rf"])
def test_a_version_that_is_none_is_not_repeated(tmp_path, writer):
    folder = as_version(tmp_path / "odd", 3, writer, {})
    with pytest.raises(StoreError, match=r"version 3; this evenly reads 2\..*with the evenly that wrote it\.$"):
        open_artifact(folder)


def write_one(work):
    (work.out / "one.txt").write_text("one")


@pytest.mark.parametrize("number", [1, 3])
def test_a_build_takes_the_place_of_another_version(tmp_path, number):
    store, stage, heard = Store(tmp_path), Stage("one", 1, write_one), []
    whole = store.build(stage, params={}, inputs={})
    path = whole.path / MANIFEST_NAME
    path.write_text(path.read_text().replace('"format_version": 2', f'"format_version": {number}'))
    with observing(heard.append):
        again = store.build(stage, params={}, inputs={})
    (finished,) = [event for event in heard if isinstance(event, Finished)]
    assert not finished.reused
    assert f"format version {number}" in finished.why
    assert (again.path, again.digest) == (whole.path, whole.digest)
