"""The fixtures of this room; what they make stands in `model_folders`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from model_folders import WordScorer, write_model

from evenly.prediction import trained_model


@pytest.fixture
def scorers(monkeypatch):
    """Open models with a `WordScorer`; return those that were opened."""
    opened = []

    def open_word_scorer(path, _pad_id):
        names = json.loads((path.parent / "labels.json").read_text(encoding="utf-8"))
        opened.append(WordScorer(len(names)))
        return opened[-1]

    monkeypatch.setattr(trained_model, "open_scorer", open_word_scorer)
    return opened


@pytest.fixture
def model(tmp_path, scorers):
    assert not scorers
    return write_model(tmp_path / "model")
