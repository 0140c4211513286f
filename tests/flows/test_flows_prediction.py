"""The flow `predict`: which model it takes where none is named."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from evenly.config import RunConfig
from evenly.errors import SourceNotFoundError, TookTooLongError
from evenly.flows import run_identity
from evenly.flows.deployments import choose
from evenly.flows.prediction import _beside, _predict, newest_model, predict
from evenly.runs import note_use, recording


def trained(store, run, key):
    with recording(store, "train", "t.csv", run):
        note_use(store, "shards", "0")
        note_use(store, "model", key)


def fail_with_a_model(store):
    note_use(store, "model", "third")
    raise KeyboardInterrupt


def test_the_model_is_that_of_the_newest_run_that_ended_well(tmp_path):
    config = SimpleNamespace(store=str(tmp_path), store_cache=None)
    with pytest.raises(SourceNotFoundError, match="has trained a model"):
        newest_model(config)

    trained(tmp_path, "a", "first")
    trained(tmp_path, "b", "second")
    with recording(tmp_path, "prepare", "t.csv", "c"):
        note_use(tmp_path, "table", "0")
    with pytest.raises(KeyboardInterrupt), recording(tmp_path, "train", "t.csv", "d"):
        fail_with_a_model(tmp_path)

    assert newest_model(config) == tmp_path / "model" / "second"


def test_its_form_says_what_must_be_given():
    (deployment,) = choose(["predict/on-demand"])
    assert deployment.entrypoint == f"{predict.fn.__module__}.{predict.fn.__name__}"
    schema = predict.parameters
    assert schema.required == ["config_path", "files", "output"]
    assert schema.properties["files"]["minItems"] == 1
    assert set(schema.properties) > {"model", "text", "keep", "top", "overwrite"}


def test_a_prediction_that_takes_too_long_is_stopped(tmp_path):
    (tmp_path / "t.csv").write_text("text\na\n")
    source = {"files": [str(tmp_path / "t.csv")], "text": "text", "labels": {"columns": "label"}}
    config = RunConfig.model_validate({"source": source, "executor": {"timeout_s": 0.05}})

    with pytest.raises(TookTooLongError, match=r"Predicting was stopped after 0.05 s.*executor.timeout_s"):
        _predict.fn(config, tmp_path / "model", config.source.files, str(tmp_path / "out.csv"), {})


def test_a_run_is_called_after_its_config_its_settings_and_the_file_that_it_writes(monkeypatch):
    given = {"config_path": "/a/reviews.yaml", "overrides": {"seed": 3, "store": "/b"}, "output": "/c/june.csv"}
    monkeypatch.setattr(run_identity, "runtime", SimpleNamespace(parameters=given))

    assert run_identity.name_run() == "reviews, seed=3, june.csv"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("june/*.csv", "/data/june/*.csv"), ("/home/june.csv", "/home/june.csv"), ("s3://b/june.csv", "s3://b/june.csv")],
)
def test_a_path_is_relative_to_the_config(name, expected):
    assert _beside("/data/config.yaml", name) == expected
