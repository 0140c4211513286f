"""A run that is killed, runs out of memory or diverges: it goes on with the next batch, in parts, or says why."""

from __future__ import annotations

import dataclasses
import pickle
import signal
import subprocess
import sys

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
    return dataclasses.replace(job, scratch=folder, model_path=folder / "model.keras", **changes)


@pytest.fixture(scope="module")
def calm(job, tmp_path_factory):
    job = place(job, tmp_path_factory.mktemp("calm") / "here")
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


def test_a_run_that_was_killed_after_its_last_epoch_only_scores(job, calm, tmp_path, monkeypatch):
    from evenly.train.stepping import Stepper

    calm_job, expected = calm
    job = place(job, tmp_path / "again")
    (job.scratch / "training.npz").write_bytes((calm_job.scratch / "training.npz").read_bytes())
    monkeypatch.setattr(Stepper, "run", None)
    assert fit_module._fit(job).history == expected.history
    assert job.model_path.read_bytes() == calm_job.model_path.read_bytes()


def test_out_of_memory_halves_the_batch_until_it_fits(job, tmp_path, monkeypatch):
    import tensorflow as tf

    from evenly.train.stepping import Stepper

    whole = fit_module._fit(place(job, tmp_path / "whole", dropout=0.0))
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
