"""The weight of every stored row, for the loss.

Comes in: the weights of a run. Goes out: a float32 a row. ``rows.parquet`` has the rows of the table; a synthetic row
has none of its own there and gets, with one label a row, the class weight of its class (``labels.parquet``), and in a
multi-label table 1, the mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.train.feed.shards import ShardIndex

__all__ = ["read_sample_weights"]


def read_sample_weights(weights: Path, index: ShardIndex, *, single_label: bool) -> NDArray[np.float32]:
    """Return the weight of each stored row of the train split, shape (n_stored,).

    Parameters
    ----------
    weights
        The folder with ``rows.parquet`` and ``labels.parquet``.
    index
        The stored rows.
    single_label
        Whether every row has exactly one label.
    """
    table = pq.read_table(weights / "rows.parquet", columns=["row", "sample_weight"]).sort_by("row")
    known, weight = table["row"].to_numpy(), table["sample_weight"].to_numpy().astype(np.float32)
    place = np.searchsorted(known, index.row)
    found = np.zeros(len(index.row), bool)
    inside = place < len(known)
    found[inside] = known[place[inside]] == index.row[inside]
    result = np.ones(len(index.row), np.float32)
    result[found] = weight[place[found]]
    if single_label:
        result[~found] = _class_weights(weights)[index.label_ids[~found]]
    return result


def _class_weights(weights: Path) -> NDArray[np.float32]:
    """Return the class weights in the order of the label ids."""
    table = pq.read_table(weights / "labels.parquet", columns=["id", "class_weight"]).sort_by("id")
    values: NDArray[np.float32] = table["class_weight"].to_numpy().astype(np.float32)
    return values
