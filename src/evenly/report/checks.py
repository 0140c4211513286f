"""Split and plan in; sizes of the splits and the proofs that nothing leaks, out.

The proofs are made again from the files themselves, whatever the stages that wrote them have said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from evenly.formats import SPLITS, SplitRows
from evenly.report.sources import plain, read_columns

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy import sparse

__all__ = ["check_leaks", "rare_labels", "split_sizes"]

_RARE = 10
"""Rows that a label has at most to be told where they went."""
_PLACES = ("name", "count", *SPLITS, "unused", "guarantee")


def split_sizes(labels: sparse.csr_matrix, split: SplitRows) -> list[dict[str, Any]]:
    """Return rows, share, labels a row and labels that are missing for each split.

    Parameters
    ----------
    labels
        Of the whole table, shape (n_rows, n_labels).
    """
    in_table = np.asarray(labels.sum(axis=0)).ravel() > 0
    return [_size(name, labels[split.rows(name)], labels.shape[0], in_table) for name in SPLITS]


def _size(name: str, held: sparse.csr_matrix, n_rows: int, in_table: NDArray[np.bool_]) -> dict[str, Any]:
    present = np.asarray(held.sum(axis=0)).ravel() > 0
    size = {
        "split": name,
        "rows": held.shape[0],
        "share": held.shape[0] / max(1, n_rows),
        "labels_per_row": held.nnz / max(1, held.shape[0]),
        "rows_without_label": int((np.diff(held.indptr) == 0).sum()),
        "labels_missing": int((in_table & ~present).sum()),
    }
    checked: dict[str, Any] = plain(size)
    return checked


def rare_labels(split: Path) -> list[dict[str, Any]]:
    """Return where the rows of every label with 1 to 10 rows went, the rarest first."""
    rows = [row for row in read_columns(split / "labels.parquet") if 0 < row["count"] <= _RARE]
    ordered = sorted(rows, key=lambda row: (row["count"], row["id"]))
    return [{name: row[name] for name in _PLACES} for row in ordered]


def check_leaks(split: SplitRows, plan: Path) -> list[dict[str, Any]]:
    """Return the checks: what was looked at, how many were found against it, and how many were looked at."""
    train = split.code == SPLITS.index("train")
    planned = pq.read_table(plan / "plan.parquet", columns=["row"])["row"].to_numpy()
    made = pq.read_table(plan / "synthetic.parquet", columns=["seed_row", "reference_row"])
    parents = np.concatenate([made[name].to_numpy() for name in made.column_names])
    n_units, torn = _torn_units(split)
    held_out = np.unique(split.unit[split.code > 0])
    related = np.isin(split.unit[np.concatenate([planned, parents])], held_out)
    return [
        _check("units_in_two_splits", "No unit (rows of one text or group) is in two splits", torn, n_units),
        _check("planned_outside_train", "Every row of the plan is a train row", (~train[planned]).sum(), len(planned)),
        _check("parents_outside_train", "Every parent of a synthetic row is a train row", *_outside(train, parents)),
        _check(
            "relatives_held_out",
            "No row or parent of the train set has a duplicate in validation or test",
            related.sum(),
            len(related),
        ),
    ]


def _torn_units(split: SplitRows) -> tuple[int, int]:
    used = split.code >= 0
    places = np.unique(np.column_stack([split.unit, split.code.astype(np.int64)])[used], axis=0)
    n_units = len(np.unique(places[:, 0]))
    return n_units, len(places) - n_units


def _outside(train: NDArray[np.bool_], parents: NDArray[np.int64]) -> tuple[int, int]:
    return int((~train[parents]).sum()), len(parents)


def _check(name: str, sentence: str, violations: int, n_checked: int) -> dict[str, Any]:
    return {"name": name, "sentence": sentence, "violations": int(violations), "checked": int(n_checked)}
