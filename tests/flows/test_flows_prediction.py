"""The flow `predict`: which model it takes where none is named."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from evenly.errors import SourceNotFoundError
from evenly.flows.deployments import choose
from evenly.flows.prediction import newest_model, predict
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
