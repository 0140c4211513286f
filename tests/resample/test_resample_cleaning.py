"""MLeNN and MLTL by hand: distances of labelsets, votes of neighbours, who may go."""

from __future__ import annotations

import numpy as np
import pytest

from evenly.errors import ConfigError
from evenly.imbalance import label_matrix
from evenly.resample import ml_enn, ml_tl
from evenly.resample.cleaning import adjusted_hamming

# On a line: three rows of label 0, one of label 1 among them, then rows of label 1 with one of label 0; far away the
# rare label 2 and, beside it, a row of label 0.
PLACES = np.array([0.0, 1, 2, 1.5, 20, 21, 22, 20.5, 100, 101])[:, None]
LABELS = np.eye(3, dtype=int)[[0, 0, 0, 1, 1, 1, 1, 0, 2, 0]]


def test_adjusted_hamming() -> None:
    labels = label_matrix([[1, 1, 0], [0, 1, 1], [0, 0, 0], [0, 0, 0], [1, 1, 1]])
    first, second = np.array([0, 0, 2, 0, 0]), np.array([1, 2, 3, 4, 0])
    assert adjusted_hamming(labels, first, second).tolist() == [0.5, 1.0, 0.0, 0.2, 0.0]


def test_rows_among_rows_of_other_labels_go() -> None:
    # Rows 3 and 7 have three neighbours of the other label, row 9 (nearest 8, 6, 5) too; row 8 holds the rare label.
    # Of row 0, 1 and 2, and of 4, 5 and 6, one neighbour of three differs.
    assert ml_enn(LABELS, PLACES).tolist() == [1, 1, 1, 0, 1, 1, 1, 0, 1, 0]


def test_half_of_two_neighbours_is_enough() -> None:
    # rows 2 and 3 are each other's nearest, their second neighbours hold the same label
    places = np.array([0.0, 1, 2, 2.9, 4, 5.2])[:, None]
    labels = np.eye(2, dtype=int)[[0, 0, 0, 1, 1, 1]]
    assert ml_enn(labels, places, k_neighbors=2).tolist() == [1, 1, 0, 0, 1, 1]
    assert ml_enn(labels, places, k_neighbors=3).tolist() == [1, 1, 1, 0, 1, 1]  # rows 2, 4, 1 near row 3


def test_mltl_asks_the_nearest_row_alone() -> None:
    # nearest: 0-1, 1-3, 2-3, 3-1, 4-7, 5-7 (20.5 and 22: 0.5 and 1), 6-5, 7-4, 9-8
    assert ml_tl(LABELS, PLACES).tolist() == [1, 0, 0, 0, 0, 0, 1, 0, 1, 0]


def test_a_distance_at_the_threshold_is_no_difference() -> None:
    # every two rows share one label of two: a distance of 2 / 4
    labels, places = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]]), np.array([[0.0], [1], [10]])
    assert ml_tl(labels, places, threshold=0.5).tolist() == [1, 1, 1]
    assert ml_tl(labels, places, threshold=0.4).tolist() == [1, 1, 0]  # all three, but for the first of each label


def test_no_label_loses_all_rows() -> None:
    labels = np.eye(2, dtype=int)[[0, 1, 0, 1]]  # equal labels: every row is common, and every neighbour differs
    assert ml_tl(labels, np.array([[0.0], [1], [10], [11]])).tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize("labels", [[[1]], [[1, 0]] * 5, [[0, 0]] * 4])
def test_nothing_to_remove(labels: list[list[int]]) -> None:
    assert ml_enn(labels, np.arange(float(len(labels)))[:, None]).tolist() == [1] * len(labels)


@pytest.mark.parametrize("bad", [{"k_neighbors": 0}, {"threshold": 1.5}])
def test_parameters_out_of_range_are_refused_by_name(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        ml_enn(LABELS, PLACES, **bad)
