"""A sample of a split: whole units, every label kept, a format that the stages read."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import sparse

from evenly.comparison.sample import draw_sample, sample_split
from evenly.executor import InProcess
from evenly.formats import LABELS_TYPE, SplitRows, read_split
from evenly.workspace import Workspace

N_ROWS = 4_000


@pytest.fixture(scope="module")
def where():
    rng = np.random.default_rng(0)
    unit = np.sort(rng.integers(N_ROWS // 2, size=N_ROWS))
    code = np.array([0, 0, 0, 1, 2, -1], np.int8)[unit % 6]
    return SplitRows(code, unit.astype(np.int64))


@pytest.fixture(scope="module")
def labels(where):
    held = np.zeros((N_ROWS, 3), np.int8)
    held[:, 0] = 1
    held[where.rows("train")[-1], 1] = 1  # a singleton; no row holds the third
    return sparse.csr_matrix(held)


def test_units_stay_whole_and_every_label_stays(where, labels):
    kept = draw_sample(where, labels, 300, np.random.default_rng(1))
    train = where.rows("train")
    assert 300 <= kept[train].sum() <= 320
    assert kept[where.code > 0].all()  # fewer than the fewest that are left of validation and test
    assert not kept[where.code < 0].any()
    for unit in np.unique(where.unit[kept]):
        assert kept[where.unit == unit].all()
    assert kept[train[-1]]


def test_a_large_test_split_shrinks_by_the_same_share():
    rows = SplitRows(np.repeat(np.array([0, 2], np.int8), [10_000, 30_000]), np.arange(40_000))
    kept = draw_sample(rows, sparse.csr_matrix((40_000, 1), dtype=np.int8), 2_000, np.random.default_rng(0))
    assert (kept[:10_000].sum(), kept[10_000:].sum()) == (2_000, 6_000)


def test_the_artifact_is_a_split(tmp_path, where, labels):
    table, split = tmp_path / "table", tmp_path / "split"
    for folder in (table, split):
        folder.mkdir()
    lists = pa.array([row.indices.tolist() for row in labels], LABELS_TYPE)
    pq.write_table(pa.table({"row": np.arange(N_ROWS), "labels": lists}), table / "part-00000.parquet")
    pq.write_table(pa.table({"id": pa.array([0, 1, 2], pa.int32()), "name": ["a", "b", "c"]}), table / "labels.parquet")
    names = pa.array([["train", "validation", "test", None][code] for code in where.code], pa.string())
    pq.write_table(pa.table({"row": np.arange(N_ROWS), "split": names, "unit": where.unit}), split / "split.parquet")
    columns = dict.fromkeys(("count", "train", "validation", "test", "unused"), pa.array([0, 0, 0], pa.int64()))
    pq.write_table(
        pa.table({"id": pa.array([0, 1, 2], pa.int32()), "name": ["a", "b", "c"], **columns}), split / "labels.parquet"
    )
    work = Workspace(tmp_path / "out", stage="sample", executor=InProcess())
    sample_split(work, table=table, split=split, rows=300, seed=1)
    found = read_split(work.out)
    assert len(found.rows("train")) == work.rows - (where.code > 0).sum()
    np.testing.assert_array_equal(found.unit, where.unit)
    counted = pq.read_table(work.out / "labels.parquet").to_pylist()
    assert counted[0]["train"] == len(found.rows("train"))
    assert sum(counted[0][name] for name in ("train", "validation", "test", "unused")) == N_ROWS
    assert (counted[1]["train"], counted[1]["unused"], counted[2]["train"]) == (1, 0, 0)
