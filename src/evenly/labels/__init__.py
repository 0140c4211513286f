"""Labels: table -> split, statistics, weights.

``SPLIT``        table -> train, validation and test rows; no text, no group in two of them
``STATISTICS``   table + split -> IRLbl, MeanIR, SCUMBLE and their kin, per label and in all; pairs of labels
``WEIGHTS``      table + split -> class weights, pos_weight, sample weights, from the train rows alone

The arithmetic stands in functions of a label matrix (scipy CSR, shape (n_rows, n_labels)) that are of use
alone.
"""

from __future__ import annotations

from evenly.labels.counts import LabelCounts
from evenly.labels.describe import describe_labels
from evenly.labels.folds import iterative_folds
from evenly.labels.iterative import iterative_split
from evenly.labels.split import split_table
from evenly.labels.statistics import LabelStatistics, label_statistics
from evenly.labels.weigh import weigh_labels
from evenly.labels.weights import LabelWeights, class_weights, label_weights, sample_weights
from evenly.store import Stage

__all__ = [
    "SPLIT",
    "STATISTICS",
    "WEIGHTS",
    "LabelCounts",
    "LabelStatistics",
    "LabelWeights",
    "class_weights",
    "iterative_folds",
    "iterative_split",
    "label_statistics",
    "label_weights",
    "sample_weights",
]

SPLIT = Stage("split", 2, split_table)
STATISTICS = Stage("stats", 2, describe_labels)
WEIGHTS = Stage("weights", 2, weigh_labels)
