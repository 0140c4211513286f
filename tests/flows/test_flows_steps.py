"""What a run consists of: each step takes only what earlier ones made; one remedy at a time."""

from __future__ import annotations

import pytest

from evenly.config import RunConfig
from evenly.errors import ConfigError, SourceNotFoundError
from evenly.flows.steps import Step, cut_after, prepare_steps, train_steps


@pytest.fixture
def config(tmp_path) -> RunConfig:
    (tmp_path / "t.csv").write_text("text,label\n")
    source = {"files": [str(tmp_path / "t.csv")], "text": "text", "labels": {"columns": "label"}}
    return RunConfig.model_validate({"source": source})


def change(config: RunConfig, section: str, **fields) -> RunConfig:
    return RunConfig.model_validate(config.model_dump() | {section: getattr(config, section).model_dump() | fields})


def step_named(steps: list[Step], name: str) -> Step:
    return next(step for step in steps if step.stage.name == name)


def test_the_order_of_the_run(config):
    names = [step.stage.name for step in [*prepare_steps(config), *train_steps(config)]]

    assert names == [
        *("table", "checks", "split", "stats", "weights", "plan", "tokenizer", "shards", "synthetic"),
        *("baseline", "model", "report"),
    ]


def test_a_step_takes_only_what_is_made_before_it(config):
    made: set[str] = set()
    for step in [*prepare_steps(config), *train_steps(config)]:
        assert made.issuperset(step.inputs), step.stage.name
        made.add(step.stage.name)


def test_a_run_is_cut_after_the_stage_that_is_asked_for(config):
    steps = cut_after(prepare_steps(config), "stats")

    assert [step.stage.name for step in steps] == ["table", "checks", "split", "stats"]
    with pytest.raises(ConfigError, match=r"no stage 'shard'; did you mean 'shards'\?"):
        cut_after(prepare_steps(config), "shard")


def test_a_named_resampling_takes_the_place_of_the_default_weights(config):
    def scheme(changed: RunConfig) -> str:
        return step_named(prepare_steps(changed), "weights").params["scheme"]

    resampled = change(config, "resample", method="mlsmote")
    assert scheme(config) == "auto"
    assert scheme(resampled) == "none"
    assert scheme(change(resampled, "weights", scheme="balanced")) == "balanced"


def test_another_resampling_leaves_the_shards_as_they_are(config):
    before = prepare_steps(config)
    after = prepare_steps(change(config, "resample", method="ml_ros"))

    changed = [one.stage.name for one, two in zip(before, after, strict=True) if one.params != two.params]
    assert changed == ["weights", "plan"]
    assert "plan" not in step_named(after, "shards").inputs


def test_the_number_of_devices_is_no_part_of_a_model_that_does_not_say_it(config):
    plain, two = (train_steps(change(config, "train", devices=n)) for n in (None, 2))

    assert "devices" not in step_named(plain, "model").params
    assert step_named(two, "model").params == step_named(plain, "model").params | {"devices": 2}


def test_no_baseline_where_none_is_wanted(config):
    steps = train_steps(change(config, "train", baseline=False))

    assert [step.stage.name for step in steps] == ["model", "report"]
    assert "baseline" not in step_named(steps, "model").inputs


def test_globs_are_sorted_and_a_pattern_without_a_file_is_named(config, tmp_path):
    for name in ("b.csv", "a.csv"):
        (tmp_path / name).write_text("text,label\n")
    many = change(config, "source", files=[str(tmp_path / "[ab].csv")])
    files = step_named(prepare_steps(many), "table").files["files"]

    assert [path.name for path in files.paths] == ["a.csv", "b.csv"]
    with pytest.raises(SourceNotFoundError, match=r"none\*\.csv"):
        prepare_steps(change(config, "source", files=[str(tmp_path / "none*.csv")]))


def test_a_tokenizer_folder_counts_by_its_files_and_a_hub_name_by_its_revision(config, tmp_path):
    (tmp_path / "tok").mkdir()
    (tmp_path / "tok" / "tokenizer.json").write_text("{}")
    local = step_named(prepare_steps(change(config, "tokenize", tokenizer=str(tmp_path / "tok"))), "tokenizer")
    hub = step_named(prepare_steps(change(config, "tokenize", tokenizer="org/name", revision="abc")), "tokenizer")

    assert [path.name for path in local.files["files"].paths] == ["tokenizer.json"]
    assert "name" not in local.params
    assert (hub.params["name"], hub.params["revision"], hub.files) == ("org/name", "abc", {})
