"""The stages split, stats and weights on tables as ingest writes them."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from labels_stages import Pipeline, read_columns

from evenly.errors import ConfigError, DataError
from evenly.executor import LocalProcesses
from evenly.formats import read_split


@pytest.fixture
def pipeline(tmp_path):
    return Pipeline(tmp_path / "store")


def _multilabel(n_rows=60, seed=0):
    rng = np.random.default_rng(seed)
    labels = [
        [name for name, share in (("a", 0.6), ("b", 0.3), ("c", 0.1)) if rng.random() < share] for _ in range(n_rows)
    ]
    return [f"text number {row}" for row in range(n_rows)], labels


def _quality(split):
    return json.loads((split.path / "quality.json").read_text(encoding="utf-8"))


def test_rows_of_one_text_or_group_stay_together(pipeline):
    text = ["Hello  there", "hello THERE", *(f"t{row}" for row in range(2, 20))]
    group = ["g", None, "g", None, *([None] * 16)]
    table = pipeline.table(text, [["a"]] * 10 + [["b"]] * 10, task="binary", group=group)
    split = pipeline.split(table)
    rows = read_columns(split.path / "split.parquet")
    assert rows["row"] == list(range(20))
    assert rows["unit"] == [0, 0, 0, *range(3, 20)]
    assert len({rows["split"][row] for row in (0, 1, 2)}) == 1
    quality = _quality(split)
    assert (quality["n_units"], quality["n_duplicate_rows"], quality["n_leaked_rows"]) == (18, 1, 0)
    assert split.manifest.rows == 20
    assert split.manifest.notes[0].endswith("rows, stratified; 1 duplicate text kept together")


def test_several_text_columns_must_agree_each(pipeline):
    text = {"title": ["a b", "a", "a b", None], "body": ["c", "b c", "c", "c"]}
    split = pipeline.split(pipeline.table(text, [["x"], ["x"], ["y"], ["y"]], task="binary"))
    assert read_split(split.path).unit.tolist() == [0, 1, 0, 3]


def test_labels_of_the_split_add_up(pipeline):
    text, labels = _multilabel()
    split = pipeline.split(pipeline.table(text, labels, task="multilabel"))
    found = read_columns(split.path / "labels.parquet")
    assert found["name"] == ["a", "b", "c"]
    assert found["guarantee"] == ["", "", ""]
    code = read_split(split.path).code
    for index, name in enumerate(found["name"]):
        holds = np.array([name in held for held in labels])
        assert found["count"][index] == holds.sum()
        for number, part in enumerate(("train", "validation", "test")):
            assert found[part][index] == (holds & (code == number)).sum() > 0


def test_an_unmet_guarantee_is_told_by_name(pipeline):
    text = ["the same"] * 3 + [f"t{row}" for row in range(30)]
    split = pipeline.split(pipeline.table(text, [["rare"]] * 3 + [["often"]] * 30, task="binary"))
    why = "no row in test: its 3 rows have one text or group and stay together"
    assert read_columns(split.path / "labels.parquet")["guarantee"] == ["", why]
    assert _quality(split)["guarantees_unmet"] == [{"label": "rare", "why": why}]
    assert "1 label without a row where one is owed" in split.manifest.notes[1]


def test_given_splits_are_honoured_and_their_leaks_told(pipeline):
    text = ["same", "other", "Same", "a", "b", "c"]
    given = ["train", "train", "test", "validation", "test", "train"]
    table = pipeline.table(text, [["x"], ["y"]] * 3, task="binary", given=given)
    split = pipeline.split(table)
    assert read_columns(split.path / "split.parquet")["split"] == given
    quality = _quality(split)
    assert quality["n_leaked_rows"] == 2
    assert quality["leaked_rows"] == [
        {"row": 0, "split": "train", "unit": 0},
        {"row": 2, "split": "test", "unit": 0},
    ]
    assert split.manifest.notes[1].startswith("Leak: 2 rows")


def test_a_missing_validation_split_is_taken_from_the_train_rows(pipeline):
    given = ["train"] * 34 + ["test"] * 6
    labels = [["x"], ["y"]] * 20
    split = pipeline.split(pipeline.table([f"t{row}" for row in range(40)], labels, task="binary", given=given))
    counts = np.bincount(read_split(split.path).code)
    assert counts.tolist() == [28, 6, 6]  # 34 * .15 / .85 = 6
    assert (read_split(split.path).code[34:] == 2).all()
    assert "validation taken from train" in split.manifest.notes[0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["train", "dev", "test", "test"], "'dev' in row 1"),
        (["train", None, "test", "test"], "None in row 1"),
        (["validation", "validation", "test", "test"], "no train row"),
    ],
)
def test_given_splits_that_cannot_be_used_are_refused(pipeline, given, message):
    table = pipeline.table(list("abcd"), [["x"], ["y"]] * 2, task="binary", given=given)
    with pytest.raises(DataError, match=message):
        pipeline.split(table)


def test_workers_and_parts_do_not_change_a_byte(tmp_path):
    text, labels = _multilabel(40)
    digests = set()
    spawned = LocalProcesses(2)
    try:
        for name, executor, part_rows in (("one", None, 7), ("two", spawned, 7), ("three", None, 100)):
            pipeline = Pipeline(tmp_path / name, executor)
            table = pipeline.table(text, labels, task="multilabel", part_rows=part_rows)
            split = pipeline.split(table)
            built = (split, pipeline.statistics(table, split), pipeline.weights(table, split, sample="max"))
            digests.add(tuple(one.digest for one in built))
    finally:
        spawned.close()
    assert len(digests) == 1


def test_statistics_worked_by_hand(pipeline):
    """Lengths 2, 4, 6, 2 of label x: quantiles of 2, 2, 4, 6. Rows 0 and 3 have one text with other labels."""
    text = ["aa", "bbbb", "cccccc", "AA", "dd"]
    labels = [["x"], ["x"], ["x", "y"], ["x", "y"], ["y"]]
    given = ["train", "train", "train", "validation", "test"]
    table = pipeline.table(text, labels, task="multilabel", given=given, part_rows=2)
    found = pipeline.statistics(table, pipeline.split(table))
    x, y = pq.read_table(found.path / "labels.parquet").to_pylist()
    assert (x["rows"], x["train"], x["validation"], x["test"], x["share"]) == (4, 3, 1, 0, 0.8)
    assert (y["rows"], y["train"], y["irlbl"], y["minority"]) == (3, 1, 3.0, True)
    assert [x[f"characters_q{q}"] for q in ("05", "50", "95")] == pytest.approx(
        np.quantile([2, 4, 6, 2], [0.05, 0.5, 0.95])
    )
    assert (x["distinct_texts"], x["duplicate_rows"], x["conflicting_rows"]) == (3, 1, 2)
    assert (y["distinct_texts"], y["duplicate_rows"], y["conflicting_rows"]) == (3, 0, 1)
    summary = json.loads((found.path / "summary.json").read_text(encoding="utf-8"))
    assert {name: part["n_rows"] for name, part in summary.items()} == {
        "all": 5,
        "train": 3,
        "validation": 1,
        "test": 1,
    }
    assert summary["train"]["mean_ir"] == 2
    assert summary["all"]["tcs"] is None
    pairs = pq.read_table(found.path / "cooccurrence.parquet").to_pylist()
    assert pairs == [{"label": 0, "other": 1, "count": 2, "lift": pytest.approx(2 * 5 / 12), "n_minority": 1}]
    assert "MeanIR 2.0, MaxIR 3.0 (y)" in found.manifest.notes[0]


@pytest.mark.parametrize(("task", "scheme"), [("binary", "none"), ("multiclass", "inverse_sqrt")])
def test_auto_weights_of_one_label_a_row(pipeline, task, scheme):
    labels = [["x"]] * 30 + [["y"]] * 10 + [["z"]] * (0 if task == "binary" else 5)
    table = pipeline.table([f"t{row}" for row in range(len(labels))], labels, task=task)
    split = pipeline.split(table)
    found = pipeline.weights(table, split)
    assert found.facts["scheme"] == scheme
    per_label = read_columns(found.path / "labels.parquet")
    rows = read_columns(found.path / "rows.parquet")
    train = read_split(split.path).rows("train")
    assert rows["row"] == train.tolist()
    assert np.mean(rows["sample_weight"]) == pytest.approx(1, abs=1e-6)
    assert set(per_label["pos_weight"]) == {1.0}
    if scheme == "none":
        assert found.facts["applied"] == "nowhere"
        assert set(rows["sample_weight"]) == set(per_label["class_weight"]) == {1.0}
    else:
        assert found.facts["applied"] == "per row"
        names = dict(zip(per_label["name"], per_label["class_weight"], strict=True))
        expected = [names[labels[row][0]] for row in train]
        np.testing.assert_allclose(rows["sample_weight"], expected, rtol=1e-6)


def test_auto_weights_of_several_labels_a_row(pipeline):
    """x in 4 of 5 train rows, y in 1, z in none of them: sqrt(1/4), sqrt(4/1), masked."""
    labels = [["x"], ["x"], ["x"], ["x"], ["y"], ["z"], ["x"]]
    given = ["train"] * 5 + ["test", "validation"]
    table = pipeline.table(list("abcdefg"), labels, task="multilabel", given=given)
    found = pipeline.weights(table, pipeline.split(table))
    per_label = read_columns(found.path / "labels.parquet")
    assert per_label["pos_weight"] == [0.5, 2.0, 0.0]
    assert per_label["class_weight"] == [1.0, 1.0, 0.0]
    assert per_label["count"] == [4, 1, 0]
    assert set(read_columns(found.path / "rows.parquet")["sample_weight"]) == {1.0}
    assert found.facts["applied"] == "inside the loss"
    assert "sqrt((N-c)/c) (auto: the default for multilabel tables), 0.5 to 2" in found.manifest.notes[0]
    weighed = pipeline.weights(table, pipeline.split(table), sample="max", cap=2.0)
    assert weighed.facts["applied"] == "inside the loss and per row"
    facts = {name: weighed.facts[name] for name in ("cap", "n_capped", "mean_sample_weight", "largest_sample_weight")}
    assert facts == {"cap": 2.0, "n_capped": 1, "mean_sample_weight": 1.0, "largest_sample_weight": 1.666667}
    assert weighed.facts["scaled_to"] == "mean 1 over the train rows"
    rows = read_columns(weighed.path / "rows.parquet")["sample_weight"]
    assert rows == pytest.approx([5 / 6] * 4 + [5 / 3])  # 1/2 and 1, times 5/3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scheme": "balence"}, "did you mean 'balanced'"),
        ({"sample": "product"}, "product"),
        ({"cap": 0.0}, "at least 1"),
    ],
)
def test_weights_that_cannot_be_are_refused(pipeline, changes, message):
    table = pipeline.table(list("abcd"), [["x"], ["y"]] * 2, task="binary")
    split = pipeline.split(table)
    with pytest.raises(ConfigError, match=message):
        pipeline.weights(table, split, **changes)


def _real(pipeline, shared_data, name, task):
    read = pq.read_table(shared_data / "text" / name / "data.parquet")
    labels = [[str(value)] for value in read["label"].to_pylist()]
    text = read["text"].to_pylist()
    table = pipeline.table(text, labels, task=task, part_rows=500)
    return text, labels, pipeline.split(table)


def test_resumes_have_no_text_in_two_splits(pipeline, shared_data):
    text, _, split = _real(pipeline, shared_data, "resumes25", "multiclass")
    code = read_split(split.path).code
    of_text = {}
    for value, part in zip(text, code.tolist(), strict=True):
        of_text.setdefault(" ".join(value.casefold().split()), set()).add(part)
    assert len(of_text) <= 166
    assert all(len(parts) == 1 for parts in of_text.values())


def test_trec_has_every_class_of_two_rows_in_train(pipeline, shared_data):
    _, labels, split = _real(pipeline, shared_data, "trec1000", "multiclass")
    train = set(read_split(split.path).rows("train").tolist())
    trained = {held[0] for row, held in enumerate(labels) if row in train}
    assert trained == {held[0] for held in labels}
