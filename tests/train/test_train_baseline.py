"""The baselines: right on what can be worked by hand, the same for any number of workers, never stuck on an edge."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score, f1_score

from evenly.executor import make_executor
from evenly.formats import labels_to_csr
from evenly.manifest import read_manifest
from evenly.store import Stage, Store
from evenly.train import BASELINE
from evenly.train.baselines.baseline import sample_train_rows
from evenly.train.baselines.linear import FitClasses, FitLabels, fit_classes, fit_labels
from evenly.train.baselines.tfidf import fit_tfidf, load_tfidf
from token_tables import build_split, build_table

WORDS = ["apple", "pear", "plum", "fig"]


def rows_of(task, n=160, seed=0):
    """Return texts that say their labels most of the time, and labels; label 3 is in no row."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for row in range(n):
        held = [0] if row % 3 else [1]
        if task == "multilabel":
            held = [label for label in (0, 1, 2) if rng.random() < (0.6, 0.3, 0.15)[label]]
        elif task == "multiclass" and row % 7 == 0:
            held = [2]
        said = [WORDS[label] for label in held if rng.random() < 0.9]
        texts.append(" ".join([*said, *rng.choice(["and", "or", "the", "a"], 3)]))
        labels.append(held)
    return texts, labels


def set_task(work, *, table, task):
    """Write the same table as one of another task."""
    for path in table.iterdir():
        if path.name != "manifest.json":
            (work.out / path.name).write_bytes(path.read_bytes())
    facts = read_manifest(table).facts
    work.record(rows=160, **{**facts, "task": task})


def build(folder, task, workers=1, texts=None, **rule):
    store = Store(folder)
    made, labels = rows_of(task)
    n_labels = {"binary": 2, "multiclass": 4, "multilabel": 4}[task]
    plain = build_table(store, {"text": texts or made}, labels, n_labels=n_labels, part_rows=50)
    table = store.build(Stage("table", 2, set_task), params={"task": task}, inputs={"table": plain})
    split = build_split(store, [["train", "train", "validation", "test"][row % 4] for row in range(160)])
    executor = make_executor("local", workers=workers)
    try:
        inputs = {"table": table, "split": split}
        return store.build(BASELINE, params={"seed": 0, **rule}, inputs=inputs, executor=executor)
    finally:
        executor.close()


@pytest.fixture(scope="module", params=["binary", "multiclass", "multilabel"])
def built(request, tmp_path_factory):
    return request.param, build(tmp_path_factory.mktemp(request.param), request.param)


def read_predictions(path, split, n_labels):
    table = pq.read_table(path / "predictions.parquet")
    table = table.filter(pq.read_table(path / "predictions.parquet")["split"].to_numpy() == split)
    scores = np.array(table["scores"].to_pylist(), np.float32)
    return (
        labels_to_csr(table["labels"], n_labels).toarray(),
        scores,
        labels_to_csr(table["predicted"], n_labels).toarray(),
    )


def test_the_metrics_are_those_of_the_predictions(built):
    task, artifact = built
    n_labels = 2 if task == "binary" else 4
    metrics = json.loads((artifact.path / "metrics.json").read_text())["tfidf_lr"]
    for split in ("validation", "test"):
        labels, scores, predicted = read_predictions(artifact.path, split, n_labels)
        held = labels.any(axis=0)
        found = metrics[split]
        assert found["n_rows"] == len(labels) == 40
        assert (
            found["n_labels_averaged"] == held.sum() == min(n_labels, {"multilabel": 3, "multiclass": 3}.get(task, 2))
        )
        macro = f1_score(labels[:, held], predicted[:, held], average="macro", zero_division=0)
        assert found["f1_macro"] == pytest.approx(macro, abs=1e-6)
        assert found["f1_micro"] == pytest.approx(f1_score(labels, predicted, average="micro"), abs=1e-6)
        area = average_precision_score(labels[:, held], scores[:, held], average="macro")
        assert found["pr_auc_macro"] == pytest.approx(area, abs=1e-6)
        if task != "multilabel":
            np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)
            assert (predicted.sum(axis=1) == 1).all()


def test_what_a_network_is_set_against_is_there(built):
    task, artifact = built
    names = 2 if task == "binary" else 4
    metrics = json.loads((artifact.path / "metrics.json").read_text())["tfidf_lr"]["test"]
    intervals = json.loads((artifact.path / "intervals.json").read_text())
    low, high = intervals["test"]["f1_macro"]
    assert low <= metrics["f1_macro"] <= high
    assert (intervals["n_units"], intervals["n_resamples"]) == (40, 1000)
    resamples = pq.read_table(artifact.path / "resamples.parquet")
    assert resamples.num_rows == 1000
    drawn = resamples["f1_macro"].to_numpy()
    assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx([low, high], abs=1e-6)
    per_label = pq.read_table(artifact.path / "per_label.parquet").to_pylist()
    assert len(per_label) == 2 * names
    assert {sum(label[cell] for cell in ("tp", "fp", "fn", "tn")) for label in per_label} == {40}
    assert pq.read_table(artifact.path / "pr_curves.parquet")["source"].unique().to_pylist() == ["baseline"]


def test_the_rule_is_that_of_the_network(tmp_path):
    artifact = build(tmp_path, "multilabel", thresholds="global", target_precision=0.9)
    rule = json.loads((artifact.path / "metrics.json").read_text())["tfidf_lr"]["thresholds"]
    assert (rule["aim"], rule["target_precision"]) == ("precision", 0.9)
    assert {label["threshold"] for label in rule["labels"]} == {rule["global"]}


def test_it_learns_what_the_texts_say_and_beats_the_prior(built):
    _, artifact = built
    metrics = json.loads((artifact.path / "metrics.json").read_text())
    assert metrics["tfidf_lr"]["test"]["f1_macro"] > 0.8
    assert metrics["prior"]["test"]["f1_macro"] < 0.55
    assert metrics["prior"]["test"]["roc_auc_macro"] == 0.5
    assert "constant answer" in artifact.manifest.notes[0]


def test_a_label_without_train_rows_scores_0(built):
    task, artifact = built
    if task != "binary":
        _, scores, predicted = read_predictions(artifact.path, "test", 4)
        assert not scores[:, 3].any()
        assert not predicted[:, 3].any()


def test_the_prior_is_the_majority_or_the_share(tmp_path):
    texts, labels = rows_of("binary")
    artifact = build(tmp_path, "binary", texts=texts)
    prior = json.loads((artifact.path / "metrics.json").read_text())["prior"]
    test = [labels[row][0] for row in range(160) if row % 4 == 3]
    assert prior["test"]["accuracy"] == pytest.approx(np.mean(np.array(test) == 0))
    assert prior["test"]["pr_auc_positive"] == pytest.approx(np.mean(np.array(test) == 1))
    assert prior["test"]["f1_positive"] == 0


def test_two_workers_write_the_same_bytes(built, tmp_path):
    task, artifact = built
    if task == "multilabel":
        assert build(tmp_path, task, workers=2).digest == artifact.digest


def test_texts_without_words_are_said(tmp_path):
    artifact = build(tmp_path, "multilabel", texts=["!?"] * 160)
    assert "no words" in artifact.manifest.notes[0]
    _, scores, _ = read_predictions(artifact.path, "test", 4)
    assert not scores.any()


@pytest.mark.parametrize(
    ("n_train", "n_labels", "task", "expected"),
    [
        (100, 5, "multilabel", 100),
        (60_000, 5, "multilabel", 50_000),
        (60_000, 400, "multilabel", (1 << 23) // 400),
        (60_000, 9_000, "multilabel", 5_000),
        (60_000, 400, "multiclass", (1 << 22) // 400),
    ],
)
def test_the_sample_is_bounded_by_rows_and_labels(n_train, n_labels, task, expected):
    train = np.arange(0, 2 * n_train, 2)
    sample = sample_train_rows(train, n_labels, task, np.random.default_rng(0))
    assert len(sample) == expected
    assert (np.diff(sample) > 0).all()
    assert (sample % 2 == 0).all()


def test_an_idf_that_was_written_gives_the_same_features(tmp_path):
    texts = ["apple pear pear", "pear plum", "apple apple plum", "fig"]
    features = fit_tfidf(texts, tmp_path)
    again = load_tfidf(tmp_path).transform(texts)
    assert (features != again).nnz == 0
    assert features.shape == (4, 3)  # fig stands in one text only


def test_one_class_alone_and_a_label_of_every_row(tmp_path):
    from scipy import sparse

    fit_tfidf(["apple pear"] * 3, tmp_path)
    sparse.save_npz(tmp_path / "features.npz", load_tfidf(tmp_path).transform(["apple pear"] * 3))
    sparse.save_npz(tmp_path / "labels.npz", sparse.csr_matrix(np.array([[0, 1, 0]] * 3, np.int8)))
    one = np.load(tmp_path / fit_classes(FitClasses(tmp_path, None), tmp_path))
    assert one[-1].tolist() == [-np.inf, 0, -np.inf]
    each = np.load(tmp_path / fit_labels(FitLabels(tmp_path, 0, 3), tmp_path))
    assert each[-1].tolist() == pytest.approx([-np.inf, np.log(7), -np.inf])  # 3.5 of 4 rows
    assert not each[:-1].any()
