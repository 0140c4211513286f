"""Configs: what is given is what counts, and a mistake is named with what would have been right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import pytest
import yaml

from evenly.config import ResampleConfig, RunConfig, load_config
from evenly.config_writer import render_config
from evenly.errors import ConfigError, SourceNotFoundError

if TYPE_CHECKING:
    from pathlib import Path

MINIMAL: dict[str, Any] = {"source": {"files": "t.csv", "text": "text", "labels": {"columns": "label"}}}


def write(folder: Path, config: dict[str, Any]) -> Path:
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def test_a_minimal_config_takes_the_measured_defaults(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, MINIMAL))

    assert (config.split.train, config.split.validation, config.split.test) == (0.7, 0.15, 0.15)
    assert config.resample.method == "none"
    assert (config.resample.target_ir, config.resample.max_copies, config.resample.max_growth) == (
        10,
        10,
        0.5,
    )
    assert (config.train.epochs, config.train.patience) == (30, 5)


def test_paths_are_relative_to_the_config(tmp_path: Path) -> None:
    (tmp_path / "tok").mkdir()
    config = load_config(write(tmp_path, MINIMAL), {"tokenize.tokenizer": "tok"})

    assert config.source.files == (str(tmp_path / "t.csv"),)
    assert config.store == str(tmp_path / "evenly-store")
    assert config.tokenize.tokenizer == str(tmp_path / "tok")


def test_a_hub_name_stays_a_hub_name(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, MINIMAL), {"tokenize.tokenizer": "org/name"})

    assert config.tokenize.tokenizer == "org/name"


def test_overrides_go_over_the_file_one_by_one(tmp_path: Path) -> None:
    given = MINIMAL | {"train": {"epochs": 7, "patience": 2}}
    config = load_config(write(tmp_path, given), {"train.epochs": 3, "seed": 5})

    assert (config.train.epochs, config.train.patience, config.seed) == (3, 2, 5)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"train.epoch": 3}, r"unknown setting 'train\.epoch'; did you mean 'epochs'\?"),
        ({"traim.epochs": 3}, r"unknown setting 'traim'; did you mean 'train'\?"),
        ({"train.epochs": 0}, r"train\.epochs is 0: .*greater than or equal to 1"),
        ({"train.epochs": "many"}, r"train\.epochs is 'many'"),
        ({"resample.method": "smotte"}, r"resample\.method is 'smotte': .*'mlsmote'"),
        ({"split.test": 0.5}, r"split.*must be 1"),
        ({"seed.x": 1}, "'seed' is a value"),
        ({"source.text": []}, r"source\.text"),
        ({"source.labels": {}}, r"source\.labels\.columns is missing"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, overrides: dict[str, Any], said: str) -> None:
    path = write(tmp_path, MINIMAL | {"seed": 0})
    with pytest.raises(ConfigError, match=said):
        load_config(path, overrides)


@pytest.mark.parametrize("text", ["a: [", "- 1", "", "\x00"])
def test_what_is_no_config_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_text(text)

    with pytest.raises(ConfigError):
        load_config(tmp_path / "config.yaml")


def test_a_missing_config_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match="evenly init"):
        load_config(tmp_path / "config.yaml")


def test_a_config_cannot_run_code(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(f"source: !!python/object/apply:pathlib.Path.touch [{tmp_path}/ran]")

    with pytest.raises(ConfigError):
        load_config(tmp_path / "config.yaml")
    assert not (tmp_path / "ran").exists()


def test_a_written_config_reads_back_and_explains_every_field(tmp_path: Path) -> None:
    config = RunConfig.model_validate(MINIMAL)
    text = render_config(config, {"text": "long and mostly distinct"})
    (tmp_path / "config.yaml").write_text(text)

    assert RunConfig.model_validate(yaml.safe_load(text)) == config
    assert "# Guessed: long and mostly distinct" in text
    for section in (RunConfig, *(type(getattr(config, name)) for name in ("split", "train", "resample"))):
        for name in section.model_fields:
            assert f"{name}:" in text


def test_the_methods_of_the_config_are_those_of_the_stage():
    from evenly.resample.methods import METHODS

    assert get_args(ResampleConfig.model_fields["method"].annotation) == METHODS


def test_an_amount_takes_the_place_of_the_target(tmp_path):
    given = MINIMAL | {"resample": {"method": "ml_ros", "ratio": 0.25}}
    config = load_config(write(tmp_path, given))
    assert (config.resample.target_ir, config.resample.ratio) == (None, 0.25)
    with pytest.raises(ConfigError, match="target_ir and ratio are given"):
        load_config(write(tmp_path, given), {"resample.target_ir": 5})
