"""Which remedy helps on this table: models of several strategies and seeds -> differences, intervals, a recommendation.

``strategies`` says what is compared, ``budget`` what can be afforded, ``compare`` is the stage; nothing is trained
here, the runs are ordinary ones (`evenly.flows.comparing`).
"""

from __future__ import annotations

from evenly.comparison.budget import Cut, fit_budget
from evenly.comparison.compare import COMPARISON, compare_models
from evenly.comparison.sample import SAMPLE
from evenly.comparison.strategies import Strategy, default_strategies, make_strategies

__all__ = [
    "COMPARISON",
    "SAMPLE",
    "Cut",
    "Strategy",
    "compare_models",
    "default_strategies",
    "fit_budget",
    "make_strategies",
]
