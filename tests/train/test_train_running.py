"""A run that is killed, runs out of memory or diverges: it goes on with the next batch, in parts, or says why."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from evenly.config import RunConfig
from evenly.errors import DataError
from evenly.flows.steps import prepare_steps, train_steps
from evenly.progress import observing
from evenly.store import Store
from evenly.train import fit as fit_module
from evenly.train import model as model_module
from evenly.train.best_epoch import close_epoch, describe
from evenly.train.checkpoint import Standing, load_checkpoint, save_checkpoint
from small_tables import multilabel_rows, write_jsonl

pytest.importorskip("tensorflow", reason="TensorFlow is an extra")


class JobCaughtError(Exception):
    """Carries the job that would have been trained."""


def catch(job):
    raise JobCaughtError(job)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    rows = [{"text": text, "labels": held} for text, held in multilabel_rows(160)]
    config = RunConfig.model_validate(
        {
            "source": {
                "files": [str(write_jsonl(folder / "rows.jsonl", rows))],
                "text": "text",
                "labels": {"columns": "labels"},
            },
            "store": str(folder / "store"),
            "tokenize": {"vocabulary_size": 300, "max_length": 40},
            "train": {"model": "bow", "embedding_size": 8, "epochs": 4, "batch_size": 8, "baseline": False},
        }
    )
    made, store = {}, Store(config.store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_module, "fit_isolated", catch)
        for step in [*prepare_steps(config), *train_steps(config)]:
            inputs = {name: made[name] for name in step.inputs} | step.files
            try:
                made[step.stage.name] = store.build(step.stage, params=step.params, inputs=inputs)
            except JobCaughtError as caught:
                return caught.args[0]
    raise AssertionError(made)


def place(job, folder, **changes):
    folder.mkdir()
    here = {"scratch": folder, "model_path": folder / "model.keras", "logs": folder / "logs"}
    return dataclasses.replace(job, **here, **changes)


@pytest.fixture(scope="module")
def calm(job, tmp_path_factory):
    job = place(job, tmp_path_factory.mktemp("calm") / "here")
    return job, fit_module._fit(job)


@pytest.fixture(scope="module")
def sure(job, tmp_path_factory):
    """A run that draws nothing, so that parts and devices cannot make it another one."""
    job = place(job, tmp_path_factory.mktemp("sure") / "here", dropout=0.0)
    return job, fit_module._fit(job)


KILLED = """
import os, pickle, signal, sys
from evenly.train import fit
job = pickle.load(open(sys.argv[1], "rb"))
fit.prepare_tensorflow(job.seed)
from evenly.train import running
save = running.save_checkpoint
def save_and_die(path, standing, *rest):
    save(path, standing, *rest)
    if standing.epoch == 2 and standing.step > 3:
        os.kill(os.getpid(), signal.SIGKILL)
running.save_checkpoint = save_and_die
running._MOST_STEPS = 3
fit._fit(job)
"""


def test_a_run_that_is_killed_within_an_epoch_ends_as_an_undisturbed_one(job, calm, tmp_path):
    job = place(job, tmp_path / "killed", checkpoint_s=0.0)
    (tmp_path / "job").write_bytes(pickle.dumps(job))
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "job")], check=False, timeout=200)
    assert done.returncode == -signal.SIGKILL
    standing = load_checkpoint(job.scratch / "training.npz").standing
    assert (standing.epoch, len(standing.history)) == (2, 2)
    assert 3 < standing.step < 14
    assert not job.model_path.exists()

    result = fit_module._fit(job)
    calm_job, expected = calm
    assert result.history == expected.history
    assert result.best_epoch == expected.best_epoch
    for name in ("model.keras", "validation.f32", "test.f32", "train.f32"):
        assert (job.scratch / name).read_bytes() == (calm_job.scratch / name).read_bytes(), name
    check_curves(read_curves(job.logs), result.history)


def read_curves(folder):
    """Return the points of each curve as TensorBoard sees them: of each file those up to where it is torn."""
    import tensorflow as tf

    found = {}
    for path in sorted(folder.rglob("events.out.tfevents.*")):
        with contextlib.suppress(tf.errors.DataLossError):
            for event in tf.compat.v1.train.summary_iterator(str(path)):
                for value in event.summary.value:
                    assert value.metadata.plugin_data.plugin_name == "scalars"
                    points = found.setdefault(f"{path.parent.name}/{value.tag}", [])
                    points.append((event.step, float(tf.make_ndarray(value.tensor))))
    return {name: sorted(points) for name, points in found.items()}


def check_curves(curves, history):
    assert sorted(curves) == [
        "train/batch_loss",
        "train/epoch_loss",
        "train/learning_rate",
        "validation/epoch_pr_auc_macro",
    ]
    for name, key in (("train/epoch_loss", "loss"), ("validation/epoch_pr_auc_macro", "val_pr_auc_macro")):
        assert curves[name] == [(entry["epoch"], pytest.approx(entry[key])) for entry in history]
    steps = [step for step, _ in curves["train/batch_loss"]]
    assert steps == sorted(set(steps))  # none twice
    assert steps[-1] == 4 * 14
    assert [step for step, _ in curves["train/learning_rate"]] == steps
    assert {round(rate, 6) for _, rate in curves["train/learning_rate"]} == {0.005}


def test_the_curves_of_an_undisturbed_run(calm):
    job, result = calm
    curves = read_curves(job.logs)
    check_curves(curves, result.history)
    points = [(0, 0.0), *curves["train/batch_loss"]]
    rows = [8 * (later - earlier) for (earlier, _), (later, _) in itertools.pairwise(points)]
    losses = [n * loss for n, (_, loss) in zip(rows, points[1:], strict=True)]
    assert sum(losses) / sum(rows) == pytest.approx(np.mean([entry["loss"] for entry in result.history]), rel=1e-5)


def test_curves_go_on_after_a_torn_end_and_begin_anew_with_a_new_run(tmp_path):
    from evenly.train.curves import Curves

    def write(steps, *, fresh):
        curves = Curves(tmp_path, fresh=fresh)
        for step in steps:
            curves.add_steps(step, loss=step / 10, learning_rate=0.5)
        curves.close()
        return [step for step, _ in read_curves(tmp_path)["train/batch_loss"]]

    assert write([1, 2, 5], fresh=True) == [1, 2, 5]
    (path,) = (tmp_path / "train").iterdir()
    path.write_bytes(path.read_bytes()[:-100])  # the last rate, and a part of the loss before it
    assert write([2, 3, 7], fresh=False) == [1, 2, 3, 7]
    assert write([4], fresh=True) == [4]
    assert len(list((tmp_path / "train").iterdir())) == 1


def test_a_run_that_was_killed_after_its_last_epoch_only_scores(job, calm, tmp_path, monkeypatch):
    from evenly.train.stepping import Stepper

    calm_job, expected = calm
    job = place(job, tmp_path / "again")
    (job.scratch / "training.npz").write_bytes((calm_job.scratch / "training.npz").read_bytes())
    monkeypatch.setattr(Stepper, "run", None)
    assert fit_module._fit(job).history == expected.history
    assert job.model_path.read_bytes() == calm_job.model_path.read_bytes()


def test_out_of_memory_halves_the_batch_until_it_fits(job, sure, tmp_path, monkeypatch):
    import tensorflow as tf

    from evenly.train.stepping import Stepper

    _, whole = sure
    run, calls = Stepper.run, []

    def run_out_of_memory(self, batches, n_steps):
        calls.append(self.parts)
        if self.parts < 4 and len(calls) > 3:
            raise tf.errors.ResourceExhaustedError(None, None, "planted")
        return run(self, batches, n_steps)

    monkeypatch.setattr(Stepper, "run", run_out_of_memory)
    parts = fit_module._fit(place(job, tmp_path / "parts", dropout=0.0))
    assert max(calls) == 4
    assert [note.split(":")[0] for note in parts.notes] == [
        "The device's memory did not hold 8 rows at once",
        "The device's memory did not hold 4 rows at once",
    ]
    np.testing.assert_allclose(
        [epoch["loss"] for epoch in parts.history], [epoch["loss"] for epoch in whole.history], rtol=1e-4
    )

    monkeypatch.setattr(Stepper, "run", lambda *_: catch_exhausted(tf))
    with pytest.raises(DataError, match="does not hold the training on a single row"):
        fit_module._fit(place(job, tmp_path / "never"))


@pytest.mark.slow
def test_two_devices_share_a_batch_with_the_result_of_one(job, sure, tmp_path):
    job = place(job, tmp_path / "two", dropout=0.0)
    (tmp_path / "job").write_bytes(pickle.dumps(job))
    script = Path(__file__).parents[1] / "train_on_two.py"
    done = subprocess.run([sys.executable, script, tmp_path / "job"], check=True, timeout=200, stdout=subprocess.PIPE)
    found = json.loads(done.stdout)

    assert found["refused"].startswith("train.devices is 3, and TensorFlow sees 2 GPUs.")
    for name in ("dense", "cnn"):
        assert found[name]["gap"] < 1e-5
        (one, n_rows), (two, same) = found[name]["sums"]
        assert two == pytest.approx(one, rel=1e-5)
        assert n_rows == same == 17
        assert found[name]["bad"] == [2, 2]
    assert found["goes_on"] is True

    sure_job, expected = sure
    alone, shared = (load_checkpoint(each.scratch / "training.npz") for each in (sure_job, job))
    for one, two in zip(alone.variables, shared.variables, strict=True):
        np.testing.assert_allclose(two, one, rtol=0, atol=1e-5)
    run = found["run"]
    assert run["parts"] == [1, 2]
    assert [note.split(":")[0] for note in run["notes"]] == [
        "Each batch of 8 rows was shared by 2 GPUs.",
        "The device's memory did not hold 4 rows at once",
    ]
    for one, two in zip(expected.history, run["history"], strict=True):
        assert two == pytest.approx(one, rel=1e-5)
    check_curves(read_curves(job.logs), run["history"])


def catch_exhausted(tf):
    raise tf.errors.ResourceExhaustedError(None, None, "planted")


def test_a_loss_that_is_not_a_number_names_its_batch(job, tmp_path):
    from evenly.train.loop import _open_train

    wild = place(job, tmp_path / "wild", learning_rate=1e38)
    with pytest.raises(DataError, match="is not a number in epoch 1, batch 2 of 14: rows ") as raised:
        fit_module._fit(wild)
    named = str(raised.value).partition(": rows ")[2].partition(". Give")[0]
    rows = [int(row) for row in named.split(", ")]
    assert rows == _open_train(wild).rows(0)[8:16].tolist()


def test_it_tells_how_far_it_has_come(job, tmp_path, monkeypatch):
    from evenly.train import running

    monkeypatch.setattr(running, "_SHOWN_EVERY_S", 0.0)
    events = []
    with observing(events.append):
        fit_module._fit(place(job, tmp_path / "told", epochs=1))
    assert {(event.stage, event.total, event.unit) for event in events} == {("model", 1, "epochs")}
    assert [event.done for event in events][-2:] == [0, 1]
    assert events[0].detail.startswith("epoch 1: 7%, loss ")
    assert events[-1].detail.startswith("val PR-AUC .")


def test_the_last_of_equal_epochs_is_kept_and_patience_counts_from_the_first():
    standing, kept = Standing(), []
    for value in (0.5, 0.7, 0.7, 0.6, 0.9):
        standing.loss_sum, standing.n_rows = 3.0, 6
        if not standing.finished:
            kept.append(close_epoch(standing, {"val_pr_auc_macro": value}, patience=2, epochs=9))
    assert kept == [True, True, True, False]
    assert (standing.best, standing.reached, standing.best_epoch, standing.epoch) == (0.7, 2, 3, 4)
    assert standing.history[0] == {"epoch": 1, "loss": 0.5, "val_pr_auc_macro": 0.5}
    assert describe(standing.history[0]) == "val PR-AUC .500"


def test_without_a_measure_the_loss_decides():
    standing, kept = Standing(), []
    for loss in (2.0, 1.0, 1.5):
        standing.loss_sum, standing.n_rows = loss, 1
        kept.append(close_epoch(standing, {"val_pr_auc_macro": float("nan")}, patience=9, epochs=3))
    assert kept == [True, True, False]
    assert standing.finished
    assert describe(standing.history[-1]) == "loss 1.500"


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    path = tmp_path / "training.npz"
    assert load_checkpoint(path) is None
    variables = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array(7, np.int64), np.zeros(0, np.float32)]
    standing = Standing(epoch=3, step=5, loss_sum=0.1, history=[{"epoch": 1, "loss": 0.1 + 0.2}], best=0.3)
    save_checkpoint(path, standing, variables, variables[:1])
    saved = load_checkpoint(path)
    assert saved.standing == standing
    for found, expected in zip([*saved.variables, *saved.best], [*variables, variables[0]], strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    assert [found.name for found in tmp_path.iterdir()] == ["training.npz"]
