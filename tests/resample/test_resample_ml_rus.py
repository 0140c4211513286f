"""ML-RUS by hand: which rows may go, and where it stops."""

from __future__ import annotations

import numpy as np
import pytest

from evenly.resample import ml_rus


def _matrix(rows: list[list[int]], n_labels: int) -> np.ndarray:
    dense = np.zeros((len(rows), n_labels), np.int8)
    for row, held in enumerate(rows):
        dense[row, held] = 1
    return dense


def test_rows_of_the_largest_label_go_until_the_target() -> None:
    # counts 11, 3, 1: to be 5 times the rarest, label 0 loses 6 of its rows, never the one with label 2
    labels = _matrix([[0]] * 10 + [[1]] * 3 + [[0, 2]], 3)
    copies = ml_rus(labels, target_ir=5, max_growth=1, random_state=0)
    assert copies[10:].tolist() == [1, 1, 1, 1]
    assert copies[:10].sum() == 4


def test_a_cut_lowers_every_label_of_the_row() -> None:
    labels = _matrix([[0, 1]] * 6 + [[2]], 3)
    copies = ml_rus(labels, target_ir=3, max_growth=1, random_state=0)
    assert (labels.T.astype(int) @ copies).tolist() == [3, 3, 1]


@pytest.mark.parametrize("seed", range(5))
def test_no_other_label_is_cut_to_above_the_target(seed: int) -> None:
    # label 1 stands at the target (15 / 3): its rows may go only as label 0 shrinks
    labels = _matrix([[0]] * 12 + [[0, 1]] * 3 + [[2]], 3)
    copies = ml_rus(labels, target_ir=5, max_growth=1, random_state=seed)
    after = labels.T.astype(int) @ copies
    assert after[0] == 5
    assert after[0] / after.min() <= 5


def test_rows_of_minority_labels_stay_even_if_nothing_is_reached() -> None:
    labels = _matrix([[0, label] for label in range(1, 6)], 6)
    assert ml_rus(labels, target_ir=2, max_growth=1, random_state=0).tolist() == [1] * 5


def test_no_more_rows_go_than_max_growth_says() -> None:
    labels = _matrix([[0]] * 19 + [[1]], 2)
    assert ml_rus(labels, target_ir=2, max_growth=0.25, random_state=0).sum() == 15


def test_rows_that_do_not_lower_the_largest_count_come_back() -> None:
    # labels 0 and 1 both have 6 rows; all of label 1's hold a minority label, so cutting label 0 lowers nothing
    labels = _matrix([[0]] * 6 + [[1, 2 + number] for number in range(6)], 8)
    assert ml_rus(labels, target_ir=2, max_growth=1, random_state=0).tolist() == [1] * 12


@pytest.mark.parametrize("rows", [[], [[]], [[0]], [[0], [1]]], ids=["no rows", "no label", "one row", "equal"])
def test_nothing_to_do(rows: list[list[int]]) -> None:
    copies = ml_rus(_matrix(rows, 3), target_ir=1, max_growth=1, random_state=0)
    assert copies.tolist() == [1] * len(rows)


def test_seeds_decide_and_repeat() -> None:
    labels = _matrix([[0]] * 100 + [[1]] * 5, 2)
    first = ml_rus(labels, target_ir=10, max_growth=1, random_state=1).tolist()
    assert first == ml_rus(labels, target_ir=10, max_growth=1, random_state=1).tolist()
    assert first != ml_rus(labels, target_ir=10, max_growth=1, random_state=2).tolist()
