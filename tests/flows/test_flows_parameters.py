"""Overrides: every setting of the config, checked before a run exists, and nothing that is secret."""

from __future__ import annotations

import json
from importlib import import_module

import jsonschema
import pytest
from fastapi.encoders import jsonable_encoder
from prefect.utilities.callables import parameter_schema
from pydantic import ValidationError

from evenly.flows.deployments import DEPLOYMENTS
from evenly.flows.parameters import Overrides, flat_settings, plain

SCHEMA = Overrides.model_json_schema()
DATABASE = "postgresql://me:hunter2@host/db"
GOOD = [
    {"train.epochs": 3},
    {"source.text": "body"},
    {"source.files": ["a.csv", "b.csv"]},
    {"tokenize.shard_bytes": "8MiB"},
    {"resample.target_ir": None},
    {"source.labels.rename.old": "new"},
    {"source.database": "postgresql://me:$PASSWORD@host/db"},
    {"handoff.kind": "event"},
    {"train.xla": True},
    {"source.header": False},
    {"source.header": None},
]
BAD = [
    {"train.epochs": 0},
    {"train.epochs": "many"},
    {"train.epoch": 3},
    {"train": {"epochs": 3}},
    {"split.test": 1.5},
    {"resample.method": "smoty"},
    {"source.database": DATABASE},
    {"source.text": None},
    {"train.xla": 3},
    {"train.xla": None},
]


@pytest.mark.parametrize("given", GOOD, ids=json.dumps)
def test_what_the_config_takes_is_taken_here_and_by_the_server(given):
    jsonschema.validate(given, SCHEMA)

    assert Overrides.model_validate(given).model_fields_set | set(given)
    assert set(plain(Overrides.model_validate(given))) == set(given)


@pytest.mark.parametrize("given", BAD, ids=json.dumps)
def test_a_bad_value_is_refused_here_and_by_the_server(given):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(given, SCHEMA)
    with pytest.raises(ValidationError):
        Overrides.model_validate(given)


def test_an_error_does_not_tell_a_password():
    with pytest.raises(ValidationError) as caught:
        Overrides.model_validate({"source.database": DATABASE})

    assert "hunter2" not in str(caught.value)


def test_a_storage_secret_is_refused_and_a_variable_is_not():
    assert plain(Overrides.model_validate({"source.storage_options": {"secret": "$KEY", "anon": False}}))
    with pytest.raises(ValidationError, match=r"write \$NAME"):
        Overrides.model_validate({"source.storage_options": {"secret": "abc"}})


def test_the_form_shows_every_setting_with_its_description_choices_and_range():
    assert set(SCHEMA["properties"]) == set(flat_settings())
    assert all(each["description"] for name, each in SCHEMA["properties"].items())
    assert SCHEMA["properties"]["train.epochs"]["minimum"] == 1
    assert SCHEMA["properties"]["train.epochs"]["description"].endswith("Range: ≥ 1, ≤ 10,000.")
    assert SCHEMA["properties"]["resample.ratio"]["description"].endswith("Range: ≥ 0, ≤ 100.")
    assert "mlsmote" in SCHEMA["properties"]["resample.method"]["enum"]
    assert not any("default" in each for each in SCHEMA["properties"].values())


@pytest.mark.parametrize("entrypoint", sorted({each.entrypoint for each in DEPLOYMENTS}))
def test_a_deployment_has_a_description_for_each_of_its_parameters(entrypoint):
    module, _, name = entrypoint.rpartition(".")
    stored = parameter_schema(getattr(import_module(module), name)).model_dump()  # by `prefect deploy` and `serve`

    assert [key for key, each in stored["properties"].items() if not each.get("description")] == []
    overrides = stored["definitions"].get("Overrides", SCHEMA)
    assert overrides["properties"]["train.epochs"] == SCHEMA["properties"]["train.epochs"]


def test_the_form_draws_no_switch_for_it_would_answer_false_for_what_nobody_has_touched():
    drawn = [part for each in SCHEMA["properties"].values() for part in (each, *each.get("anyOf", ()))]

    assert not any(part.get("type") == "boolean" for part in drawn)
    assert sum(part.get("enum") == [True, False] for part in drawn) >= 5


def test_only_what_is_given_is_kept():
    given = {"train.epochs": 3, "resample.target_ir": None, "source.text": ["a", "b"]}

    assert jsonable_encoder(Overrides.model_validate(given)) == given
    assert plain(None) == {}
