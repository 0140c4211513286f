"""Shards, plan and weights -> model, thresholds and metrics, beside two baselines.

The only package that imports TensorFlow and Keras, and only where training or reading into them begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evenly.train.baselines.baseline import BASELINE, measure_baselines
from evenly.train.encoders.checkpoint import ENCODER
from evenly.train.encoders.embeddings import EMBEDDINGS, SYNTHETIC_EMBEDDINGS
from evenly.train.feed.batches import iter_batches
from evenly.train.feed.dataset import read_shards
from evenly.train.model import MODEL, train_model

if TYPE_CHECKING:
    from evenly.train.feed.position import FeedPosition

__all__ = [
    "BASELINE",
    "EMBEDDINGS",
    "ENCODER",
    "MODEL",
    "SYNTHETIC_EMBEDDINGS",
    "FeedPosition",
    "iter_batches",
    "measure_baselines",
    "read_shards",
    "train_model",
]


def __getattr__(name: str) -> Any:
    """Import what needs Keras when it is asked for."""
    if name == "FeedPosition":
        from evenly.train.feed.position import FeedPosition

        return FeedPosition
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
