"""Shards, plan and weights -> model, thresholds and metrics, beside two baselines.

The only package that imports TensorFlow and Keras, and only where training or reading into them begins.
"""

from __future__ import annotations

from evenly.train.baselines.baseline import BASELINE, measure_baselines
from evenly.train.feed.dataset import read_shards
from evenly.train.model import MODEL, train_model

__all__ = ["BASELINE", "MODEL", "measure_baselines", "read_shards", "train_model"]
