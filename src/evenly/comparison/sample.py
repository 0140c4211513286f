"""The stage `sample`: a split with fewer rows, for a comparison that must end in time.

Comes in: table and split. Goes out: an artifact of the format of ``split/`` in which the rows that were not drawn are
in no split. Units stay whole; every label keeps a train row where it had one. The validation and test splits shrink by
the same share, though not below `_FEWEST`, for fewer rows would widen every interval.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.formats import SPLITS, read_labels, read_split
from evenly.imbalance import label_counts
from evenly.store import Stage

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.formats import SplitRows
    from evenly.workspace import Workspace

__all__ = ["SAMPLE", "draw_sample", "sample_split"]

_FEWEST = 2_000


def sample_split(work: Workspace, *, table: Path, split: Path, rows: int, seed: int) -> None:
    """Draw about `rows` train rows and a like share of the others.

    Parameters
    ----------
    work
        Gets ``split.parquet`` and ``labels.parquet``.
    table, split
        Artifacts.
    rows
        Train rows.
    seed
        Of the draw.
    """
    where, labels = read_split(split), read_labels(table)
    kept = draw_sample(where, labels, rows, np.random.default_rng(seed))
    code = np.where(kept, where.code, -1)
    given = pq.read_table(split / "split.parquet")
    names = pa.array([SPLITS[each] if each >= 0 else None for each in code.tolist()], pa.string())
    pq.write_table(_replace(given, {"split": names}), work.out / "split.parquet")
    pq.write_table(_recount(pq.read_table(split / "labels.parquet"), labels, code), work.out / "labels.parquet")
    work.record(rows=int(kept.sum()))


def _recount(given: pa.Table, labels: sparse.csr_matrix, code: NDArray[np.int8]) -> pa.Table:
    """Return the labels with the rows that they have now in each split, and in none."""
    ids = given["id"].to_numpy()
    counts = {name: label_counts(labels[code == number])[ids] for number, name in [*enumerate(SPLITS), (-1, "unused")]}
    return _replace(given, {name: pa.array(each) for name, each in counts.items()})


def _replace(table: pa.Table, columns: dict[str, pa.Array]) -> pa.Table:
    for name, column in columns.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, column.cast(table.schema.field(place).type))
    return table


def draw_sample(
    where: SplitRows, labels: sparse.csr_matrix, n_train: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return which rows are kept, shape (n_rows,), bool: whole units, drawn at random, of every split.

    Parameters
    ----------
    where
        The split.
    labels
        Shape (n_rows, n_labels).
    n_train
        Train rows to keep, about: the last unit is kept whole.
    rng
        Draws.
    """
    kept = np.zeros(len(where.code), np.bool_)
    share = n_train / max(1, len(where.rows("train")))
    for split in SPLITS:
        rows = where.rows(split)
        wanted = n_train if split == "train" else max(_FEWEST, round(share * len(rows)))
        kept[_draw_units(rows, where.unit[rows], wanted, rng)] = True
    train = where.rows("train")
    held = np.asarray(labels[train[kept[train]]].sum(axis=0)).ravel()
    for label in np.flatnonzero((np.asarray(labels[train].sum(axis=0)).ravel() > 0) & (held == 0)).tolist():
        row = int(train[labels[train][:, [label]].nonzero()[0][0]])
        kept[train[where.unit[train] == where.unit[row]]] = True
    return kept


def _draw_units(
    rows: NDArray[np.int64], unit: NDArray[np.int64], wanted: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the rows of random units, until there are `wanted` of them."""
    if wanted >= len(rows):
        return rows
    _, code, sizes = np.unique(unit, return_inverse=True, return_counts=True)
    order = rng.permutation(len(sizes))
    chosen = np.zeros(len(sizes), np.bool_)
    chosen[order[: int(np.searchsorted(np.cumsum(sizes[order]), wanted)) + 1]] = True
    return rows[chosen[code]]


SAMPLE = Stage("sample", 1, sample_split)
