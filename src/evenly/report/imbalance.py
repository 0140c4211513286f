"""Table, split and plan in; how uneven the labels of the train split are, before and after the plan, out.

IRLbl, MeanIR and SCUMBLE are those of Charte et al., "Addressing imbalance in multilabel classification"
(Neurocomputing 163, 2015) and "Concurrence among imbalanced labels" (HAIS 2014). Labels without rows are left out.
They are measured here on what the model was given: every row as often as the plan says, and the synthetic rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
from scipy import sparse

from evenly.formats import LABELS_TYPE, SplitRows, labels_to_csr
from evenly.imbalance import irlbl, row_scumble
from evenly.report.sources import plain

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["TrainSet", "measure_imbalance", "read_train_sets"]


@dataclass(frozen=True)
class TrainSet:
    """What a model can be trained on.

    Attributes
    ----------
    labels
        Shape (n_rows, n_labels), int8.
    copies
        Shape (n_rows,), int64: how often each row stands there.
    """

    labels: sparse.csr_matrix
    copies: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Rows of every label, shape (n_labels,)."""
        found: NDArray[np.int64] = self.copies @ self.labels.astype(np.int64)
        return found


def read_train_sets(labels: sparse.csr_matrix, split: SplitRows, plan: Path) -> tuple[TrainSet, TrainSet]:
    """Return the train split before and after the plan.

    Parameters
    ----------
    labels
        Of the whole table, shape (n_rows, n_labels).
    """
    rows = split.rows("train")
    before = TrainSet(labels[rows], np.ones(len(rows), np.int64))
    copied = pq.read_table(plan / "plan.parquet", columns=["row", "copies"])
    made = pq.read_table(plan / "synthetic.parquet", columns=["labels"])["labels"]
    synthetic = labels_to_csr(made.cast(LABELS_TYPE), labels.shape[1])
    copies = [copied["copies"].to_numpy().astype(np.int64), np.ones(synthetic.shape[0], np.int64)]
    stacked = sparse.vstack([labels[copied["row"].to_numpy()], synthetic], format="csr")
    return before, TrainSet(stacked, np.concatenate(copies))


def measure_imbalance(train: TrainSet) -> dict[str, Any]:
    """Return rows, labels held, MeanIR, MaxIR, cardinality and SCUMBLE; None where there is no label."""
    counts, n_rows = train.counts, int(train.copies.sum())
    live = counts > 0
    measures: dict[str, Any] = {"rows": n_rows, "labels_held": int(live.sum()), "labels_empty": int((~live).sum())}
    if not live.any():
        return measures | dict.fromkeys(("mean_ir", "max_ir", "cardinality", "scumble"))
    ratios = irlbl(counts)
    measures |= {
        "mean_ir": float(ratios[live].mean()),
        "max_ir": float(ratios[live].max()),
        "cardinality": float(counts.sum() / n_rows),
        "scumble": float(row_scumble(train.labels, ratios) @ train.copies / n_rows),
    }
    rounded: dict[str, Any] = plain(measures)
    return rounded
