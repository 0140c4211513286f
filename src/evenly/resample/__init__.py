"""Resampling: a table and its split -> a plan of copies and synthetic rows of the train split.

Three layers: pure functions of labels and features (`ml_ros`, `mlsmote`, `remedial`, ...), which give copies and
recipes; the samplers (``MLSMOTE(...).fit_resample(X, Y)``), which put them on arrays, frames and texts; and the stage
`PLAN`, which reads a table, calls one of them, proves that no other split leaks in, and writes. Nothing here copies a
text but for the synthetic rows: a row that is over-sampled is a number beside it.
"""

from __future__ import annotations

from evenly.resample.changes import Changes, Recipes
from evenly.resample.cleaning import ml_enn, ml_tl
from evenly.resample.imbalanced_learn import from_imblearn
from evenly.resample.labelset_sampling import lp_ros, lp_rus
from evenly.resample.limits import Amount, Limits, ResamplingWarning
from evenly.resample.mlsmote import mlsmote
from evenly.resample.mlsol import mlsol
from evenly.resample.multilabel import ml_ros, ml_rus
from evenly.resample.neighbors import nearest_in_bag
from evenly.resample.plan import PLAN, make_plan
from evenly.resample.remedial import remedial
from evenly.resample.sampler import Sampler
from evenly.resample.samplers import (
    LPROS,
    LPRUS,
    MLENN,
    MLROS,
    MLRUS,
    MLSMOTE,
    MLSOL,
    MLTL,
    REMEDIAL,
    Chain,
    FromImblearn,
    RandomOver,
    RandomUnder,
)
from evenly.resample.single_label import random_over, random_under
from evenly.resample.smote import smote
from evenly.resample.splicing import splice
from evenly.resample.vectors import interpolate

__all__ = [
    "LPROS",
    "LPRUS",
    "MLENN",
    "MLROS",
    "MLRUS",
    "MLSMOTE",
    "MLSOL",
    "MLTL",
    "PLAN",
    "REMEDIAL",
    "Amount",
    "Chain",
    "Changes",
    "FromImblearn",
    "Limits",
    "RandomOver",
    "RandomUnder",
    "Recipes",
    "ResamplingWarning",
    "Sampler",
    "from_imblearn",
    "interpolate",
    "lp_ros",
    "lp_rus",
    "make_plan",
    "ml_enn",
    "ml_ros",
    "ml_rus",
    "ml_tl",
    "mlsmote",
    "mlsol",
    "nearest_in_bag",
    "random_over",
    "random_under",
    "remedial",
    "smote",
    "splice",
]
