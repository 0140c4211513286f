"""REMEDIAL by hand, and against the counts and concurrence that its authors' package gives on their data sets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import sparse

from evenly.imbalance import irlbl, label_counts, row_scumble
from evenly.resample import remedial

if TYPE_CHECKING:
    from pathlib import Path


def test_rare_and_common_labels_part() -> None:
    # IRLbl 1, 1.6, 8, mean 3.53; the row of all three has the only SCUMBLE above the mean
    labels = np.array([[1, 1, 0]] * 4 + [[1, 0, 0]] * 3 + [[1, 1, 1]])
    changes = remedial(labels)
    assert changes.copies.tolist() == [1] * 7 + [0]
    assert changes.recipes.labels.toarray().tolist() == [[1, 1, 0], [0, 0, 1]]
    assert changes.recipes.seed.tolist() == changes.recipes.reference.tolist() == [7, 7]
    assert changes.recipes.repeats.all()


def test_halves_without_a_label_are_kept_only_on_demand() -> None:
    # IRLbl 1, 10, 20, 20, mean 12.75: the row of labels 1 and 0 holds common labels alone, and yet stands above
    labels = np.array([[1, 0, 0, 0]] * 19 + [[1, 1, 0, 0]] + [[0, 1, 1, 0]] + [[0, 0, 0, 1]])
    halves = remedial(labels)
    assert halves.recipes.labels.sum(axis=1).ravel().tolist()[0].count(0) == 1
    assert len(halves.recipes) == 4
    assert len(remedial(labels, keep_empty=False).recipes) == 2


@pytest.mark.parametrize("labels", [[[1]], [[0, 0]], [[1, 1]] * 3, [[1, 0], [0, 1]]])
def test_nothing_to_part(labels: list[list[int]]) -> None:
    assert remedial(labels).copies.tolist() == [1] * len(labels)


@pytest.mark.parametrize(
    ("name", "n_rows", "scumble"),
    [
        ("birds", 785, 0.013383),
        ("emotions", 815, 0.000562),
        ("genbase", 752, 0.013958),
        ("flags", 262, 0.017693),
        ("cal500", 737, 0.167749),
        ("medical", 1163, 0.031336),
        ("slashdot", 4143, 0.009290),
        ("stackex_chess", 2409, 0.154366),
    ],
)
def test_published_counts(shared_data: Path, name: str, n_rows: int, scumble: float) -> None:
    # rows and SCUMBLE after REMEDIAL, computed with the R package mldr 0.4
    table = pq.read_table(shared_data / "mldr" / f"{name}.parquet")
    columns = json.loads(table.schema.metadata[b"label_columns"])
    labels = np.column_stack([np.asarray(table[column].to_numpy(), np.float64).astype(np.int8) for column in columns])
    changes = remedial(labels)
    after = changes.labels(sparse.csr_matrix(labels))
    assert after.shape[0] == n_rows
    assert row_scumble(after, irlbl(label_counts(after))).mean() == pytest.approx(scumble, abs=1e-6)
    assert label_counts(after).tolist() == labels.sum(axis=0, dtype=int).tolist()
