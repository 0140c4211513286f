"""Strategies: evenly's own by task, those of a config, and what none of them may set."""

from __future__ import annotations

import pytest

from evenly.comparison import default_strategies, make_strategies
from evenly.config import RunConfig
from evenly.errors import ConfigError
from evenly.resample.methods import METHODS
from evenly.train.loss_choice import LOSSES

SOURCE = {"files": ["a.csv"], "text": "text", "labels": {"columns": "labels"}}


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ("binary", ["none", "weights", "loss", "over", "smote"]),
        ("multiclass", ["none", "weights", "loss", "over", "smote"]),
        ("multilabel", ["none", "weights", "loss", "over", "mlsmote"]),
    ],
)
def test_evenlys_own_are_one_remedy_each(task, names):
    found = make_strategies(None, task)
    assert [strategy.name for strategy in found] == names
    plain = found[0].settings
    assert plain == {"weights.scheme": "none", "resample.method": "none", "train.loss": "cross_entropy"}
    for strategy in found[1:]:
        assert sum(strategy.settings[name] != value for name, value in plain.items()) == 1


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_evenlys_own_are_settings_that_the_config_and_the_stages_take(task):
    for settings in default_strategies(task).values():
        raw = {"source": SOURCE}
        for name, value in settings.items():
            section, field = name.split(".")
            raw.setdefault(section, {})[field] = value
        config = RunConfig.model_validate(raw)
        assert config.resample.method in METHODS
        assert config.train.loss in LOSSES


def test_settings_go_over_the_plain_ones_nested_or_dotted_and_the_reference_comes_first():
    found = make_strategies({"both": {"weights": {"scheme": "balanced"}, "train.dropout": 0.5}, "none": None}, "binary")
    assert [strategy.name for strategy in found] == ["none", "both"]
    assert found[1].settings == found[0].settings | {"weights.scheme": "balanced", "train.dropout": 0.5}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mlsmot": None}, "did you mean 'mlsmote'"),
        ({"longer": {"tokenize.max_length": 512}}, r"sets 'tokenize.max_length'. Strategies share .* weights\.\*"),
        ({"seeded": {"seed": 3}}, "sets 'seed'"),
        ({" ": {}}, "1 to 60 characters"),
        ({"x" * 61: {}}, "1 to 60 characters"),
        ({"none": None}, "names 'none' alone"),
    ],
)
def test_what_cannot_be_compared_is_refused(given, said):
    with pytest.raises(ConfigError, match=said):
        make_strategies(given, "multilabel")


def test_a_config_takes_a_list_of_names_or_settings():
    read = RunConfig.model_validate({"source": SOURCE, "compare": {"strategies": ["none", "over"]}})
    assert read.compare.strategies == {"none": None, "over": None}
    own = {"tail": {"resample.method": "mlsmote", "resample.target_ir": 5}}
    assert RunConfig.model_validate({"source": SOURCE, "compare": {"strategies": own}}).compare.strategies == own
