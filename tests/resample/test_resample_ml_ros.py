"""ML-ROS by hand: how many clones, of which rows, and where it stops."""

from __future__ import annotations

import numpy as np
import pytest

from evenly.errors import ConfigError
from evenly.imbalance import label_counts, label_matrix
from evenly.resample import ml_ros

BOUNDS = {"target_ir": 2.0, "max_copies": 10, "max_growth": 1.0, "random_state": 0}


def _matrix(rows: list[list[int]], n_labels: int) -> np.ndarray:
    dense = np.zeros((len(rows), n_labels), np.int8)
    for row, held in enumerate(rows):
        dense[row, held] = 1
    return dense


def _after(labels: np.ndarray, copies: np.ndarray) -> list[int]:
    return (labels.T.astype(int) @ copies).tolist()


def test_one_clone_halves_the_ratio() -> None:
    labels = _matrix([[0]] * 4 + [[1]], 2)
    assert ml_ros(labels, **BOUNDS).tolist() == [1, 1, 1, 1, 2]


def test_clones_raise_every_label_they_hold() -> None:
    # (10 + n) / (2 + n) <= 3 first holds at n = 2, since the clones hold the frequent label too
    labels = _matrix([[0]] * 8 + [[0, 1]] * 2, 2)
    copies = ml_ros(labels, **BOUNDS | {"target_ir": 3.0})
    assert copies[:8].tolist() == [1] * 8
    assert _after(labels, copies) == [12, 4]


def test_a_small_budget_is_spent_in_rounds_rarest_first() -> None:
    # 4 rows for labels of 2 and 1 rows, which both need 10: two each; and of 3 rows the third for the rarest
    labels = _matrix([[0]] * 20 + [[1]] * 2 + [[2]], 3)
    assert _after(labels, ml_ros(labels, **BOUNDS | {"max_growth": 4 / 23})) == [20, 4, 3]
    assert _after(labels, ml_ros(labels, **BOUNDS | {"max_growth": 3 / 23})) == [20, 3, 3]


def test_no_row_stands_more_often_than_max_copies() -> None:
    labels = _matrix([[0]] * 40 + [[1], [2], [2]], 3)
    copies = ml_ros(labels, **BOUNDS | {"max_copies": 3})
    assert copies[40:].tolist() == [3, 3, 3]
    assert ml_ros(labels, **BOUNDS | {"max_copies": 1}).tolist() == [1] * 43


def test_clones_that_do_not_lower_the_largest_ratio_are_taken_back() -> None:
    # 30 labels of one row, each with label 0: after n rounds (30 + 30 n) / (1 + n) = 30, for every n.
    labels = _matrix([[0, label] for label in range(1, 31)], 31)
    assert ml_ros(labels, **BOUNDS | {"target_ir": 5.0, "max_growth": 10.0}).tolist() == [1] * 30


def test_what_costs_no_other_label_is_still_done() -> None:
    # As above, and a label of 2 rows that stands alone: it needs 30 / 5 = 6 rows.
    labels = _matrix([[0, label] for label in range(1, 31)] + [[31]] * 2, 32)
    copies = ml_ros(labels, **BOUNDS | {"target_ir": 5.0, "max_growth": 10.0})
    assert copies[:30].tolist() == [1] * 30
    assert copies[30:].sum() == 6


def test_a_label_lifted_above_the_target_by_clones_is_served_too() -> None:
    # Label 2 starts at the target (10 / 5); each clone for label 1 holds label 0, which lifts it above.
    labels = _matrix([[0]] * 6 + [[0, 1]] * 4 + [[2]] * 5, 3)
    copies = ml_ros(labels, **BOUNDS)
    # (10 + n) / (4 + n) <= 2 at n = 2, m = 12; label 2 then needs 6
    assert _after(labels, copies) == [12, 6, 6]


@pytest.mark.parametrize(
    ("labels", "n_labels"),
    [([[0], [1]], 2), ([[0, 1]], 2), ([[0]], 1), ([[]], 1), ([[], []], 3), ([], 2), ([[2], [2]], 4)],
    ids=["equal", "one row", "one label", "no label", "none at all", "no rows", "empty labels"],
)
def test_nothing_to_do(labels: list[list[int]], n_labels: int) -> None:
    assert ml_ros(_matrix(labels, n_labels), **BOUNDS).tolist() == [1] * len(labels)


def test_one_label_a_row_gives_each_class_what_it_needs() -> None:
    labels = _matrix([[0]] * 10 + [[1]] * 3 + [[2]], 3)
    assert _after(labels, ml_ros(labels, **BOUNDS)) == [10, 5, 5]


def test_seeds_decide_and_repeat() -> None:
    labels = _matrix([[0]] * 100 + [[1]] * 20, 2)
    first = ml_ros(labels, **BOUNDS | {"random_state": 1})
    assert first.tolist() == ml_ros(labels, **BOUNDS | {"random_state": 1}).tolist()
    assert first.tolist() != ml_ros(labels, **BOUNDS | {"random_state": 2}).tolist()
    generator = np.random.default_rng(1)
    assert first.tolist() == ml_ros(label_matrix(labels), **BOUNDS | {"random_state": generator}).tolist()


def test_the_input_is_left_as_it_is() -> None:
    labels = label_matrix(_matrix([[0]] * 4 + [[1]], 2))
    ml_ros(labels, **BOUNDS)
    assert label_counts(labels).tolist() == [4, 1]


@pytest.mark.parametrize("bad", [{"target_ir": 0.5}, {"target_ir": np.nan}, {"max_copies": 0}, {"max_growth": -1.0}])
def test_bounds_out_of_range_are_refused_by_name(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        ml_ros([[1]], **BOUNDS | bad)
