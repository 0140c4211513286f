"""The figures of the report against numbers worked by hand."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import sparse

from evenly.formats import LABELS_TYPE, SplitRows, write_json
from evenly.report.checks import check_leaks, rare_labels, split_sizes
from evenly.report.findings import read_findings
from evenly.report.imbalance import TrainSet, measure_imbalance, read_train_sets
from evenly.report.provenance import portable
from evenly.report.rejects import read_rejects
from evenly.report.results import group_figures, read_curves, read_metrics, totals
from evenly.report.sources import plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from evenly.store import Artifact

    Build = Callable[..., dict[str, Artifact]]


def _labels(rows: list[list[int]]) -> sparse.csr_matrix:
    return sparse.csr_matrix(np.array(rows, np.int8))


def _plan(folder: Path, copies: dict[int, int], parents: list[tuple[int, int]], labels: list[list[int]]) -> Path:
    planned = {"row": pa.array(copies, pa.int64()), "copies": pa.array(copies.values(), pa.int32())}
    made = {
        "seed_row": pa.array([seed for seed, _ in parents], pa.int64()),
        "reference_row": pa.array([reference for _, reference in parents], pa.int64()),
        "labels": pa.array(labels, LABELS_TYPE),
    }
    pq.write_table(pa.table(planned), folder / "plan.parquet")
    pq.write_table(pa.table(made), folder / "synthetic.parquet")
    return folder


def test_imbalance_by_hand() -> None:
    # Counts 3 and 1: IRLbl 1 and 3. The third row alone has both: SCUMBLE 1 - sqrt(1 * 3) / 2, over three rows.
    found = measure_imbalance(TrainSet(_labels([[1, 0], [1, 0], [1, 1]]), np.array([1, 1, 1])))
    assert found == {
        "rows": 3,
        "labels_held": 2,
        "labels_empty": 0,
        "mean_ir": 2.0,
        "max_ir": 3.0,
        "cardinality": round(4 / 3, 6),
        "scumble": round((1 - math.sqrt(3) / 2) / 3, 6),
    }


def test_copies_count_as_rows() -> None:
    # The third row three times: counts 5 and 3, IRLbl 1 and 5/3; its SCUMBLE stands in 3 of 5 rows.
    found = measure_imbalance(TrainSet(_labels([[1, 0], [1, 0], [1, 1]]), np.array([1, 1, 3])))
    assert found["mean_ir"] == round(4 / 3, 6)
    assert found["scumble"] == round((1 - math.sqrt(5 / 3) / (4 / 3)) * 3 / 5, 6)


def test_empty_labels_are_left_out_and_counted() -> None:
    found = measure_imbalance(TrainSet(_labels([[1, 0, 0], [1, 1, 0]]), np.array([1, 1])))
    assert (found["labels_held"], found["labels_empty"], found["mean_ir"]) == (2, 1, 1.5)
    nothing = measure_imbalance(TrainSet(_labels([[0, 0]]), np.array([1])))
    assert (nothing["labels_empty"], nothing["mean_ir"], nothing["scumble"]) == (2, None, None)


def test_train_sets_follow_the_plan(tmp_path: Path) -> None:
    labels = _labels([[1, 0], [1, 0], [0, 1], [0, 1]])
    split = SplitRows(np.array([0, 0, 0, 2], np.int8), np.arange(4))
    plan = _plan(tmp_path, {0: 0, 1: 1, 2: 3}, [(2, 1)], [[0, 1]])
    before, after = read_train_sets(labels, split, plan)
    assert before.counts.tolist() == [2, 1]
    assert after.counts.tolist() == [1 + 1, 3 + 1]
    assert int(after.copies.sum()) == 0 + 1 + 3 + 1


def test_split_sizes_count_what_is_missing() -> None:
    labels = _labels([[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 0]])
    train, validation, test = split_sizes(labels, SplitRows(np.array([0, 0, 1, 2], np.int8), np.arange(4)))
    assert train == {
        "split": "train",
        "rows": 2,
        "share": 0.5,
        "labels_per_row": 1.5,
        "rows_without_label": 0,
        "labels_missing": 0,
    }
    assert (validation["rows_without_label"], validation["labels_missing"]) == (1, 2)
    assert (test["rows"], test["labels_missing"]) == (1, 1)


def _violations(checks: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    return {check["name"]: (check["violations"], check["checked"]) for check in checks}


def test_a_clean_plan_passes_every_check(tmp_path: Path) -> None:
    split = SplitRows(np.array([0, 0, 0, 1, 2], np.int8), np.array([0, 0, 2, 3, 4]))
    plan = _plan(tmp_path, {0: 1, 1: 2, 2: 1}, [(0, 2)], [[0]])
    assert _violations(check_leaks(split, plan)) == {
        "units_in_two_splits": (0, 4),
        "planned_outside_train": (0, 3),
        "parents_outside_train": (0, 2),
        "relatives_held_out": (0, 5),
    }


def test_rows_that_are_not_used_are_no_leak(tmp_path: Path) -> None:
    # Row 3 has the text of row 0, and is left out of every split.
    split = SplitRows(np.array([0, 1, 2, -1], np.int8), np.array([0, 1, 2, 0]))
    plan = _plan(tmp_path, {0: 1}, [], [])
    assert _violations(check_leaks(split, plan)) == {
        "units_in_two_splits": (0, 3),
        "planned_outside_train": (0, 1),
        "parents_outside_train": (0, 0),
        "relatives_held_out": (0, 1),
    }


def test_rare_labels_tell_where_their_rows_went(tmp_path: Path) -> None:
    rows = {
        "id": [0, 1, 2, 3, 4],
        "name": ["eleven", "two", "none", "ten", "also two"],
        "count": [11, 2, 0, 10, 2],
        "train": [8, 1, 0, 7, 2],
        "validation": [2, 0, 0, 1, 0],
        "test": [1, 0, 0, 2, 0],
        "unused": [0, 1, 0, 0, 0],
        "guarantee": ["", "", "", "", "its rows have one text"],
    }
    pq.write_table(pa.table(rows), tmp_path / "labels.parquet")
    found = rare_labels(tmp_path)
    assert [label["name"] for label in found] == ["two", "also two", "ten"]
    assert found[1] == {
        "name": "also two",
        "count": 2,
        "train": 2,
        "validation": 0,
        "test": 0,
        "unused": 0,
        "guarantee": "its rows have one text",
    }


def test_findings_have_one_shape_and_short_texts(tmp_path: Path) -> None:
    example = {"n_rows": 9, "rows": [4, 5], "text": "x" * 300, "labels": [["a"], ["b"], ["a"]]}
    entries = [
        {"name": "conflicting_labels", "rows": 9, "examples": [example] * 9},
        {"name": "near_duplicates", "rows": 0, "threshold": None, "examples": []},
        {"name": "near_conflicts", "rows": 0, "examples": []},
        {"name": "splits_share_texts", "rows": 0, "given": True, "examples": []},
    ]
    write_json(tmp_path / "checks.json", entries)
    found = {each["name"]: each for each in read_findings(tmp_path)}
    assert [name for name, each in found.items() if each["looked"]] == ["conflicting_labels", "splits_share_texts"]
    examples = found["conflicting_labels"]["examples"]
    assert len(examples) == 5
    assert examples[0] == {
        "n_rows": 9,
        "rows": [4, 5],
        "text": "x" * 199 + "\N{HORIZONTAL ELLIPSIS}",
        "texts": [],
        "held": [["a"], ["b"]],
        "splits": [],
        "words": [],
        "similarity": None,
        "spellings": [],
    }


def test_leaks_are_found(tmp_path: Path) -> None:
    # Rows 2 (train) and 3 (validation) have one text; row 4 (test) is in the plan and a reference.
    split = SplitRows(np.array([0, 0, 0, 1, 2], np.int8), np.array([0, 1, 2, 2, 4]))
    plan = _plan(tmp_path, {0: 1, 2: 1, 4: 1}, [(0, 4)], [[0]])
    assert _violations(check_leaks(split, plan)) == {
        "units_in_two_splits": (1, 4),
        "planned_outside_train": (1, 3),
        "parents_outside_train": (1, 2),
        "relatives_held_out": (3, 5),
    }


def test_rejects_are_counted_by_reason(tmp_path: Path) -> None:
    rows = {
        "file": ["/data/a.csv", "a.csv", "a.csv", "a.csv", "a.csv"],
        "line": [5, 7, 8, 9, 11],
        "column": ["genre"] * 5,
        "reason": ["no label", "no label", "bad row", "no label", "no label"],
        "raw": ["x" * 400, "b", None, "d", "e"],
    }
    pq.write_table(pa.table(rows), tmp_path / "rejects.parquet", row_group_size=2)
    found = read_rejects(tmp_path)
    assert (found["count"], found["other"]) == (5, 0)
    assert [(each["reason"], each["count"], len(each["examples"])) for each in found["reasons"]] == [
        ("no label", 4, 3),
        ("bad row", 1, 1),
    ]
    first = found["reasons"][0]["examples"][0]
    assert (first["file"], first["line"], len(first["raw"])) == ("a.csv", 5, 300)


def test_rare_reasons_are_summed_up(tmp_path: Path) -> None:
    reasons = [f"reason {at:02d}" for at in range(15)]
    rows = {"file": ["f"] * 15, "line": list(range(15)), "column": ["c"] * 15, "reason": reasons, "raw": reasons}
    pq.write_table(pa.table(rows), tmp_path / "rejects.parquet")
    found = read_rejects(tmp_path)
    assert [each["reason"] for each in found["reasons"]] == reasons[:12]
    assert (found["count"], found["other"]) == (15, 3)


@pytest.mark.parametrize(
    "history",
    [
        [
            {"epoch": 1, "pr_auc": 0.2, "loss": 2, "val_loss": 3.0},
            {"epoch": 2, "pr_auc": None, "loss": 1.0, "val_loss": 2.5},
        ],
        {"pr_auc": [0.2, None], "loss": [2, 1.0], "val_loss": [3.0, 2.5], "learning_rate": [0.1, 0.1], "note": "x"},
    ],
    ids=["a dict an epoch", "a list a metric"],
)
def test_curves_of_both_shapes(tmp_path: Path, history: Any) -> None:
    write_json(tmp_path / "history.json", history)
    curves = read_curves(tmp_path)
    assert list(curves) == ["loss", "pr_auc"]
    assert curves == {"loss": {"train": [2.0, 1.0], "validation": [3.0, 2.5]}, "pr_auc": {"train": [0.2, None]}}


def test_metrics_by_their_source(tmp_path: Path) -> None:
    write_json(
        tmp_path / "metrics.json", {"test/f1_macro": 0.12345678, "test/n_rows": 9, "baseline_prior/f1_macro": 0.0}
    )
    assert read_metrics(tmp_path) == {
        "test": {"f1_macro": 0.123457, "n_rows": 9},
        "baseline_prior": {"f1_macro": 0.0},
    }


def _score(group: str, before: int, counted: tuple[int, int, int], f1: float | None) -> dict[str, Any]:
    others = dict.fromkeys(("precision", "recall", "pr_auc", "roc_auc"), f1)
    counts = dict(zip(("positives", "predicted", "tp"), counted, strict=True))
    return {"group": group, "before": before, "f1": f1, **counts, **others}


SCORES = [
    _score("head", 90, (20, 25, 15), 0.6),
    _score("head", 50, (10, 0, 0), 0.0),
    _score("tail", 3, (0, 2, 0), None),
    _score("tail", 2, (1, 1, 1), 1.0),
]


def test_groups_average_over_tested_labels() -> None:
    head, tail = group_figures(SCORES)
    assert (head["group"], head["labels"], head["f1_macro"]) == ("head", 2, 0.3)
    assert (head["fewest_train_rows"], head["most_train_rows"]) == (50, 90)
    assert (tail["labels"], tail["labels_tested"], tail["f1_macro"]) == (2, 1, 1.0)


def test_totals_count_false_alarms_of_absent_labels() -> None:
    assert totals(SCORES) == {
        "positives": 31,
        "predicted": 28,
        "tp": 16,
        "labels_tested": 3,
        "labels_found": 2,
        "labels_never_predicted": 1,
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("/srv/data/x.csv", "x.csv"),
        ("data/x.csv", "data/x.csv"),
        ("/", "/"),
        ({"b": ["/a/b", 1], "a": None}, {"a": None, "b": ["b", 1]}),
        (float("nan"), None),
    ],
)
def test_paths_are_cut(given: Any, expected: Any) -> None:
    assert portable(given) == expected


def test_plain_values_are_json() -> None:
    assert plain({"a": (1, float("inf")), "b": 1 / 3}) == {"a": [1, None], "b": 0.333333}


def test_figures_of_a_whole_run(build_run: Build) -> None:
    made = build_run(n_labels=5)
    found = json.loads((made["report"].path / "report.json").read_text(encoding="utf-8"))
    assert found["task"] == "multilabel"
    assert found["table"] == {
        "text_columns": ["title", "text"],
        "rows_read": 303,
        "rows_kept": 300,
        "rows_rejected": 3,
        "n_labels": 5,
    }
    assert [each["metric"] for each in found["key_figures"]] == ["f1_macro", "f1_micro", "pr_auc_macro"]
    first = {"metric": "f1_macro", "value": 0.61, "baseline": 0.57, "baseline_prior": 0.08, "interval": [0.55, 0.67]}
    assert found["key_figures"][0] == first
    before, after = found["imbalance"]["before"], found["imbalance"]["after"]
    made_rows = found["resampling"]["rows_added"]
    assert made_rows > found["resampling"]["rows_synthetic"] == 40
    assert after["rows"] == before["rows"] + made_rows
    assert [label["before"] for label in found["labels"]] == sorted(
        (e["before"] for e in found["labels"]), reverse=True
    )
    assert found["training"]["best_epoch"] == 7
    assert found["source"][0]["encoding"] == "cp1252"
    assert [each["name"] for each in found["findings"] if each["severity"] == "warning"] == [
        "conflicting_labels",
        "label_spellings",
        "splits_share_texts",
    ]
    # Lengths 10 to 99 words, over and over.
    assert [(each["first"], each["last"]) for each in found["lengths"]["histogram"]] == [(10, 19), (20, 49), (50, 99)]
    assert [each["stage"] for each in found["stages"]] == [
        "table",
        "checks",
        "split",
        "stats",
        "weights",
        "plan",
        "shards",
        "model",
    ]
    assert found["settings"] == {"seed": 3, "tokenize": {"tokenizer": "bert"}}


def test_examples_name_their_parents(build_run: Build) -> None:
    made = build_run(n_labels=5)
    found = json.loads((made["report"].path / "report.json").read_text(encoding="utf-8"))
    examples = found["resampling"]["examples"]
    assert examples
    for example in examples:
        assert example["label"] in example["synthetic"]["labels"]
        for side in ("seed", "reference"):
            parent = example[side]
            assert parent["texts"]["title"] == f"Title {parent['row']}"
        second = example["synthetic"]["texts"]["text"].split(". ")[1]
        assert second == f"Number {example['reference']['row']} of a quiet series"
