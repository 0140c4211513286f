"""Vectors of an encoder as features: of the rows that are asked for, windows together, of length 1."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenly.errors import DataError
from evenly.executor import InProcess
from evenly.resample import embedding_features
from evenly.resample.embedding_features import write_embedding_features
from evenly.resample.feature_files import open_features
from evenly.workspace import Workspace


@pytest.fixture
def embeddings(tmp_path):
    """Row 4 has two windows, whose mean is (1.5, 2); rows 2 and 7 are one text."""
    folder = tmp_path / "embeddings"
    folder.mkdir()
    np.save(folder / "vectors.npy", np.array([[3, 0], [0, 4], [-5, 12], [0, 0]], np.float32))
    rows = {"row": pa.array([2, 4, 4, 6, 7, 9]), "vector": pa.array([2, 0, 1, 1, 2, 3])}
    pq.write_table(pa.table(rows), folder / "rows.parquet")
    return folder


@pytest.mark.parametrize("rows_at_once", [2, 100])
def test_rows_are_scaled_to_length_one_and_windows_are_one_row(embeddings, tmp_path, monkeypatch, rows_at_once):
    monkeypatch.setattr(embedding_features, "ROWS_AT_ONCE", rows_at_once)
    work = Workspace(tmp_path / "out", stage="plan", executor=InProcess())
    written = write_embedding_features(work, embeddings=embeddings, rows=np.array([2, 4, 7, 9]))
    expected = [[-5 / 13, 12 / 13], [0.6, 0.8], [-5 / 13, 12 / 13], [0, 0]]
    np.testing.assert_allclose(open_features(written), expected, atol=1e-7)


def test_a_row_without_a_vector_is_named(embeddings, tmp_path):
    work = Workspace(tmp_path / "out", stage="plan", executor=InProcess())
    with pytest.raises(DataError, match="Row 3 has no vector"):
        write_embedding_features(work, embeddings=embeddings, rows=np.array([2, 3]))
