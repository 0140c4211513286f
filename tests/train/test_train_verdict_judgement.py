"""The judgement of a network as files: what stands in one agrees with what stands in the others."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import sparse

from evenly.store import Stage, Store
from evenly.train.evaluation.evaluate import Scored, evaluate
from evenly.train.evaluation.judgement import Subject, judge_model, read_circumstances
from evenly.train.evaluation.writing import (
    read_resamples,
    write_curves,
    write_intervals,
    write_per_label,
    write_resamples,
)

NAMES = ["a", "b", "c"]
COUNTS = np.array([300, 200, 100])


def scored(seed, skill, shift=0):
    rng = np.random.default_rng(seed)
    labels = rng.random((120, 3)) < [0.5, 0.3, 0.2]
    noise = np.random.default_rng(seed + 50).random((120, 3))
    scores = (noise * (1 - skill) + labels * skill).astype(np.float32)
    return Scored(np.arange(120) + shift, sparse.csr_matrix(labels.astype(np.int8)), scores)


def parts(skill):
    return {"validation": scored(0, skill), "test": scored(1, skill, shift=120)}


SETTLED = {"task": "multilabel", "train_counts": COUNTS, "n_train": 600, "units": np.arange(240)}


def make_baseline(work, *, skill):
    found = evaluate(parts(skill), **SETTLED)
    metrics = {"tfidf_lr": found.metrics, "prior": {"test": {}}}
    (work.out / "metrics.json").write_text(json.dumps(metrics))
    write_per_label(work.out / "per_label.parquet", found, NAMES)
    write_curves(work.out / "pr_curves.parquet", found, source="baseline")
    write_intervals(work.out / "intervals.json", found)
    write_resamples(work.out / "resamples.parquet", found.resamples)


def make_split(work):
    (work.out / "split").write_text("")
    work.record(n_leaked_rows=3)


def make_shards(work):
    (work.out / "shards").write_text("")
    work.record(truncated_rows=0.3, lost_tokens=0.2)


def make_model(work, *, baseline, split, shards, skill):
    subject = Subject("multilabel", NAMES, COUNTS, 600, SETTLED["units"])
    train = {"n_rows": 9, "pr_auc_macro": 0.99}
    judge_model(
        work,
        parts(skill),
        subject,
        train=train,
        baseline=baseline,
        circumstances=read_circumstances(split, shards),
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    inputs = {
        "baseline": store.build(Stage("baseline", 1, make_baseline), params={"skill": 0.3}, inputs={}),
        "split": store.build(Stage("split", 1, make_split), params={}, inputs={}),
        "shards": store.build(Stage("shards", 1, make_shards), params={}, inputs={}),
    }
    return {
        skill: store.build(Stage("model", 1, make_model), params={"skill": skill}, inputs=inputs)
        for skill in (0.25, 0.6)
    }


def read(artifact, name):
    return json.loads((artifact.path / f"{name}.json").read_text())


def test_every_file_is_there_and_the_sentences_are_the_notes(built):
    files = {path.name for path in built[0.6].path.iterdir()} - {"manifest.json"}
    assert {name.split(".")[0] for name in files} == {
        *("metrics", "intervals", "resamples", "thresholds", "per_label", "pr_curves", "calibration", "errors"),
        *("predictions", "verdict"),
    }
    assert list(built[0.6].manifest.notes[1:]) == read(built[0.6], "verdict")


@pytest.mark.parametrize(("skill", "verb"), [(0.25, "loses to"), (0.6, "beats")])
def test_the_difference_is_that_of_the_figures_and_decides_the_sentence(built, skill, verb):
    metrics, intervals = read(built[skill], "metrics"), read(built[skill], "intervals")
    gap, low, high = intervals["difference"]["f1_macro"]
    assert gap == pytest.approx(metrics["test/f1_macro"] - metrics["baseline/f1_macro"], abs=1e-6)
    assert low <= gap <= high
    assert (high < 0) == (verb == "loses to")
    assert read(built[skill], "verdict")[0].startswith(f"The network {verb} TF-IDF")
    assert intervals["baseline"]["f1_macro"][0] < metrics["baseline/f1_macro"] < intervals["baseline"]["f1_macro"][1]


def test_what_earlier_stages_know_is_said(built):
    sentences = " ".join(read(built[0.6], "verdict"))
    assert "Leak: 3 validation and test rows" in sentences
    assert "30% of the rows were cut, 20% of all tokens lost" in sentences


def test_curves_stand_beside_those_of_the_baseline_and_resamples_are_read_back(built):
    curves = pq.read_table(built[0.6].path / "pr_curves.parquet")
    assert curves["source"].unique().to_pylist() == ["model", "baseline"]
    drawn = read_resamples(built[0.6].path / "resamples.parquet")
    assert drawn["f1_macro"].shape == drawn["pr_auc_macro"].shape == (1000,)
    low, high = read(built[0.6], "intervals")["test"]["f1_macro"]
    assert np.quantile(drawn["f1_macro"], [0.025, 0.975]) == pytest.approx([low, high], abs=1e-6)


def make_untested(work, *, task):
    nothing = Scored(np.empty(0, np.int64), sparse.csr_matrix((0, 3), dtype=np.int8), np.zeros((0, 3), np.float32))
    subject = Subject(task, NAMES, COUNTS, 600, SETTLED["units"])
    judge_model(work, {"validation": nothing, "test": nothing}, subject, train={"n_rows": 0})


@pytest.mark.parametrize("task", ["multiclass", "multilabel"])
def test_without_rows_to_test_on_nothing_is_claimed(tmp_path, task):
    artifact = Store(tmp_path).build(Stage("model", 1, make_untested), params={"task": task}, inputs={})
    assert "nothing can be measured" in artifact.manifest.notes[0]
    intervals = read(artifact, "intervals")
    assert (intervals["n_resamples"], intervals["test"]) == (0, {})
    assert read(artifact, "calibration") == {"bins": {"validation": [], "test": []}, "offer": None}
    assert pq.read_table(artifact.path / "pr_curves.parquet").num_rows == 0
    assert pq.read_table(artifact.path / "errors.parquet").num_rows == 0
    assert pq.read_table(artifact.path / "resamples.parquet").num_columns == 0
