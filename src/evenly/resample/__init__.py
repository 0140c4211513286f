"""Resampling: a table and its split -> a plan of copies and synthetic rows of the train split.

Pure functions of values (`ml_ros`, `ml_rus`, `random_over`, `random_under`, `mlsmote`, `splice`) stand below the one
stage `PLAN`, which reads, calls one of them, proves that no other split leaks in, and writes. Nothing here copies a
text but for the synthetic rows: a row that is over-sampled is a number beside it.
"""

from __future__ import annotations

from evenly.resample.limits import Limits
from evenly.resample.mlsmote import Recipes, mlsmote
from evenly.resample.multilabel import ml_ros, ml_rus
from evenly.resample.neighbors import nearest_in_bag
from evenly.resample.plan import PLAN, make_plan
from evenly.resample.single_label import random_over, random_under
from evenly.resample.splicing import splice

__all__ = [
    "PLAN",
    "Limits",
    "Recipes",
    "make_plan",
    "ml_ros",
    "ml_rus",
    "mlsmote",
    "nearest_in_bag",
    "random_over",
    "random_under",
    "splice",
]
