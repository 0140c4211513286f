"""What a plan makes of the train split: how many rows, and how many of each label.

In: the labels of the table and a plan. Out: counts, without reading a text or a token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy import sparse

__all__ = ["count_expanded"]


def count_expanded(plan: Path, labels: sparse.csr_matrix) -> tuple[int, NDArray[np.int64]]:
    """Return the rows of an epoch, and how many of them hold each label, shape (n_labels,).

    Parameters
    ----------
    plan
        The folder with ``plan.parquet`` and ``synthetic.parquet``.
    labels
        Shape (n_rows, n_labels): the labels of the whole table.
    """
    columns = pq.read_table(plan / "plan.parquet", columns=["row", "copies"])
    copies = columns["copies"].to_numpy().astype(np.int64)
    held = labels[columns["row"].to_numpy()].astype(np.int64).T @ copies
    synthetic = pq.read_table(plan / "synthetic.parquet", columns=["labels"])["labels"].combine_chunks()
    added = np.bincount(synthetic.flatten().to_numpy(), minlength=labels.shape[1])
    return int(copies.sum()) + len(synthetic), np.asarray(held).ravel() + added
