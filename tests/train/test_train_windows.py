"""The score of a row is the mean of its windows' scores."""

from __future__ import annotations

import numpy as np
import pytest

from evenly.train.evaluation import windows
from evenly.train.evaluation.windows import mean_by_row


def test_means_worked_by_hand():
    row = np.array([2, 2, 2, 5, 9, 9])
    scores = np.array([[0.0, 1.0], [0.5, 1.0], [1.0, 0.25], [0.3, 0.7], [0.5, 0.0], [0.25, 0.5]], np.float32)
    rows, means = mean_by_row(row, scores)
    assert rows.tolist() == [2, 5, 9]
    assert means.dtype == np.float32
    assert means.tolist() == [[0.5, 0.75], [np.float32(0.3), np.float32(0.7)], [0.375, 0.25]]


@pytest.mark.parametrize("block_scores", [1, 7, 1 << 22])
def test_any_order_and_any_block_give_the_same(block_scores, monkeypatch, tmp_path):
    monkeypatch.setattr(windows, "_BLOCK_SCORES", block_scores)
    rng = np.random.default_rng(0)
    row = np.repeat(rng.permutation(1000)[:60], rng.integers(1, 6, 60))
    scores = rng.random((len(row), 3)).astype(np.float32)
    shuffled = rng.permutation(len(row))
    mapped = np.memmap(tmp_path / "means.f32", np.float32, "w+", shape=(60, 3))
    rows, means = mean_by_row(row[shuffled], scores[shuffled], mapped)
    assert means is mapped
    assert rows.tolist() == sorted(set(row.tolist()))
    np.testing.assert_allclose(means, [scores[row == one].mean(axis=0) for one in rows], rtol=1e-6)


def test_rows_of_one_window_stay_as_they_are():
    scores = np.random.default_rng(1).random((50, 4)).astype(np.float32)
    rows, means = mean_by_row(np.arange(50), scores)
    assert rows.tolist() == list(range(50))
    assert means.tobytes() == scores.tobytes()


def test_no_window():
    rows, means = mean_by_row(np.zeros(0, np.int64), np.zeros((0, 3), np.float32))
    assert (rows.shape, means.shape) == ((0,), (0, 3))
