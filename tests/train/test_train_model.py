"""The stage, from raw rows to a judged model: figures that hold, files that open, the same bytes twice."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score, f1_score

from evenly.config import RunConfig
from evenly.errors import MissingExtraError
from evenly.flows.steps import prepare_steps, train_steps
from evenly.formats import labels_to_csr, read_rows, read_split
from evenly.prediction import predict
from evenly.progress import Advanced, observing
from evenly.store import Store
from evenly.train import fit as fit_module
from evenly.train import model as model_module
from evenly.train.model_card import render_card
from small_tables import multilabel_rows, single_label_rows, write_jsonl

pytest.importorskip("tensorflow", reason="TensorFlow is an extra")

TRAIN = {"embedding_size": 16, "hidden_size": 24, "epochs": 8, "patience": 8, "learning_rate": 0.03}
N_ROWS = 260


def write_rows(path, task):
    if task == "multilabel":
        rows = [{"text": text, "labels": held} for text, held in multilabel_rows(N_ROWS)]
    else:
        topics = {"space": 0.7, "food": 0.2, "law": 0.1} if task == "multiclass" else {"space": 0.85, "food": 0.15}
        rows = [{"text": text, "labels": topic} for text, topic in single_label_rows(N_ROWS, topics)]
    return write_jsonl(path, rows)


def configure(folder, task, **settings):
    return RunConfig.model_validate(
        {
            "source": {
                "files": [str(write_rows(folder / "rows.jsonl", task))],
                "text": "text",
                "labels": {"columns": "labels"},
            },
            "store": str(folder / "store"),
            "tokenize": {"vocabulary_size": 300, "max_length": 40},
            "resample": {"method": "mlsmote" if task == "multilabel" else "random_over", "target_ir": 2.0},
            "train": {**TRAIN, **settings},
        }
    )


def walk(config, *, last="model"):
    made, store = {}, Store(config.store)
    for step in [*prepare_steps(config), *train_steps(config)]:
        inputs = {name: made[name] for name in step.inputs} | step.files
        made[step.stage.name] = store.build(step.stage, params=step.params, inputs=inputs)
        if step.stage.name == last:
            return made
    raise AssertionError(last)


@pytest.fixture(scope="module")
def in_this_process():
    """Train here rather than in a process of its own, to import TensorFlow once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_module, "fit_isolated", fit_module._fit)
        yield


CASES = {"binary": "bow", "multiclass": "bilstm", "multilabel": "tfidf"}


@pytest.fixture(scope="module", params=list(CASES))
def trained(request, tmp_path_factory, in_this_process):
    task = request.param
    folder = tmp_path_factory.mktemp(task)
    events = []
    with observing(events.append):
        made = walk(configure(folder, task, model=CASES[task]))
    return task, made, [event for event in events if isinstance(event, Advanced) and event.stage == "model"]


def read_json(made, name):
    return json.loads((made["model"].path / name).read_text(encoding="utf-8"))


def read_predictions(made, split):
    table = pq.read_table(made["model"].path / "predictions.parquet")
    table = table.filter(table["split"].to_numpy(zero_copy_only=False) == split)
    n_labels = len(read_json(made, "labels.json"))
    labels, predicted = (labels_to_csr(table[name], n_labels).toarray() for name in ("labels", "predicted"))
    return table["row"].to_numpy(), labels, np.array(table["scores"].to_pylist(), np.float32), predicted


def test_metrics_are_those_of_the_predictions(trained):
    _, made, _ = trained
    metrics = read_json(made, "metrics.json")
    for split in ("validation", "test"):
        rows, labels, scores, predicted = read_predictions(made, split)
        assert rows.tolist() == read_split(made["split"].path).rows(split).tolist()
        held = labels.any(axis=0)
        assert metrics[f"{split}/n_rows"] == len(rows)
        assert metrics[f"{split}/n_labels_averaged"] == held.sum()
        macro = f1_score(labels[:, held], predicted[:, held], average="macro", zero_division=0)
        assert metrics[f"{split}/f1_macro"] == pytest.approx(macro, abs=1e-6)
        micro = f1_score(labels, predicted, average="micro", zero_division=0)
        assert metrics[f"{split}/f1_micro"] == pytest.approx(micro, abs=1e-6)
        area = average_precision_score(labels[:, held], scores[:, held], average="macro")
        assert metrics[f"{split}/pr_auc_macro"] == pytest.approx(area, abs=1e-6)


def test_it_learns_and_stands_beside_the_baselines(trained):
    task, made, _ = trained
    metrics = read_json(made, "metrics.json")
    assert metrics["test/f1_macro"] > metrics["baseline_prior/f1_macro"] + 0.2
    baseline = json.loads((made["baseline"].path / "metrics.json").read_text())
    assert metrics["baseline/f1_macro"] == baseline["tfidf_lr"]["test"]["f1_macro"]
    assert ("test/accuracy" in metrics) == (task != "multilabel")
    assert ("test/f1_positive" in metrics) == (task == "binary")
    assert made["model"].manifest.notes[0].startswith("test: ")
    verdict, notes = read_json(made, "verdict.json"), list(made["model"].manifest.notes)
    assert notes[1 : 1 + len(verdict)] == verdict
    assert [note.partition(":")[0] for note in notes[-2:]] == ["model", "loss"]


def test_predictions_follow_the_rule_that_is_written(trained):
    task, made, _ = trained
    rule, names = read_json(made, "thresholds.json"), read_json(made, "labels.json")
    _, _, scores, predicted = read_predictions(made, "test")
    assert rule["task"] == task
    if task == "multilabel":
        thresholds = [label["threshold"] for label in rule["labels"]]
        assert (predicted == (scores >= thresholds)).all()
        return
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    if task == "multiclass":
        assert (predicted.argmax(axis=1) == scores.argmax(axis=1)).all()
        assert rule["logit_adjustment_offer"]["f1_micro"] <= 1
    else:
        positive = names.index(rule["positive"])
        assert rule["positive"] == "food"
        assert (predicted[:, positive] == (scores[:, positive] >= rule["labels"][0]["threshold"])).all()


def test_per_label_adds_up(trained):
    _, made, _ = trained
    table = pq.read_table(made["model"].path / "per_label.parquet").to_pylist()
    _, labels, _, predicted = read_predictions(made, "test")
    rows = [row for row in table if row["split"] == "test"]
    assert [row["name"] for row in rows] == read_json(made, "labels.json")
    assert [row["tp"] for row in rows] == (labels & predicted).sum(axis=0).tolist()
    assert [row["tp"] + row["fn"] for row in rows] == [row["positives"] for row in rows]
    assert [row["tp"] + row["fp"] for row in rows] == predicted.sum(axis=0).tolist()
    assert {row["group"] for row in table} <= {"head", "medium", "tail"}


def test_history_tells_of_every_epoch_and_the_best_one_is_kept(trained):
    task, made, events = trained
    history, facts = read_json(made, "history.json"), made["model"].facts
    area = "val_pr_auc_positive" if task == "binary" else "val_pr_auc_macro"
    name = "val_score" if task == "multiclass" else area
    values = [epoch[name] for epoch in history]
    assert [epoch["epoch"] for epoch in history] == list(range(1, facts["epochs"] + 1))
    assert facts["best_epoch"] == max(epoch["epoch"] for epoch in history if epoch[name] == max(values))
    kept = read_json(made, "metrics.json")[f"validation/{area.removeprefix('val_')}"]
    assert kept == pytest.approx(history[facts["best_epoch"] - 1][area], abs=1e-6)
    assert task != "multiclass" or history[0]["val_score"] == pytest.approx(
        (history[0]["val_pr_auc_macro"] + history[0]["val_f1_macro"]) / 2
    )
    ends = [event for event in events if event.detail.startswith("val PR-AUC ")]
    assert [event.done for event in ends] == list(range(1, facts["epochs"] + 1))


def test_the_saved_model_gives_the_scores_that_are_written(trained):
    import keras

    _, made, _ = trained
    model = keras.models.load_model(made["model"].path / "model.keras", compile=False)
    rows, _, scores, _ = read_predictions(made, "test")
    stored = {}
    for path in sorted((made["shards"].path / "test").glob("*.arrow")):
        for row in pa.ipc.open_stream(path.read_bytes()).read_all().to_pylist():
            stored[row["row"]] = row["input_ids"]
    assert sorted(stored) == rows.tolist()
    for row, expected in zip(rows[:10], scores, strict=False):
        found = model(np.array([stored[row]], np.int32)).numpy()[0]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_tokenizer_comes_along(trained):
    _, made, _ = trained
    for path in made["tokenizer"].path.iterdir():
        if path.name != "manifest.json":
            assert (made["model"].path / "tokenizer" / path.name).read_bytes() == path.read_bytes()


def test_a_copy_of_the_folder_stands_alone(trained, tmp_path):
    _, made, _ = trained
    copy = shutil.copytree(made["model"].path, tmp_path / "copy", ignore=shutil.ignore_patterns("manifest.json"))
    rows, _, scores, predicted = read_predictions(made, "test")
    names = read_json(made, "labels.json")
    found = predict(copy, read_rows(made["table"].path, rows, ["text"])["text"].to_pylist())
    assert found["labels"].to_pylist() == [[names[label] for label in np.flatnonzero(row)] for row in predicted]
    answered = [dict(row) for row in found["probabilities"].to_pylist()]
    np.testing.assert_allclose([[row[name] for name in names] for row in answered], scores, atol=1e-5)
    assert render_card(copy) == (copy / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("trained", ["multilabel"], indirect=True)
def test_another_process_makes_the_same_bytes_and_keeps_quiet(trained, tmp_path, capfd, monkeypatch):
    task, made, _ = trained
    monkeypatch.setattr(model_module, "fit_isolated", fit_module.fit_isolated)
    again = walk(configure(tmp_path, task, model=CASES[task]))
    assert again["model"].manifest.files == made["model"].manifest.files
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_without_tensorflow_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(fit_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"evenly\.train needs TensorFlow: pip install 'evenly\[train\]'"):
        fit_module.fit_isolated(None)
