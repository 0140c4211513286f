"""Every example config loads as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from evenly.config import load_config

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.yaml"))


def test_there_are_examples():
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_loads(path):
    config = load_config(path)

    assert config.source.text
    assert config.source.labels.columns
