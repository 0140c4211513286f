"""`evenly compare` on the command line: what it hands on, what it prints."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from evenly.cli import app
from evenly.flows import comparing

FIGURES = {
    "task": "multiclass",
    "metric": "f1_macro",
    "metrics": ["f1_macro"],
    "reference": "none",
    "strategies": [{"name": "none", "metrics": {"f1_macro": {"value": 0.5}}, "differences": {}, "seconds": 2.0}],
    "baseline": None,
    "recommendation": ["No strategy changed anything on this data; keep `none`."],
    "cuts": ["To train 2 models in 1 minutes, each got 7 epochs at most instead of 30."],
}


@pytest.fixture
def asked(tmp_path, monkeypatch):
    found = {}

    def stand_in(config, overrides, **settings):
        found.update(settings, config=config, overrides=overrides)
        (tmp_path / "comparison.json").write_text(json.dumps(FIGURES), encoding="utf-8")
        return {"comparison": SimpleNamespace(path=tmp_path)}

    monkeypatch.setattr(comparing, "run_comparison", stand_in)
    return found


def test_options_reach_the_comparison_and_the_answer_is_printed(asked, tmp_path):
    arguments = ["compare", "c.yaml", "--seeds", "5", "--strategy", "over", "--budget", "9", "--set", "train.epochs=3"]
    answer = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert answer.exit_code == 0
    assert asked["overrides"] == {"train.epochs": 3, "compare.seeds": 5}
    assert (asked["only"], asked["budget_minutes"]) == (("over",), 9.0)
    assert "No strategy changed anything on this data; keep `none`." in answer.output
    assert "each got 7 epochs at most" in answer.output
    assert f"{tmp_path / 'report.html'}" in answer.output.replace("\n", "")


def test_quiet_prints_nothing(asked):
    assert CliRunner().invoke(app, ["compare", "c.yaml", "-q"], catch_exceptions=False).output == ""
    assert asked["budget_minutes"] is None
