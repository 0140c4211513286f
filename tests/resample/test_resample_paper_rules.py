"""The papers' own rules by hand: ML-ROS and ML-RUS to the MeanIR at the start, MLSMOTE one row a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from evenly.errors import ConfigError
from evenly.imbalance import label_counts, label_matrix
from evenly.resample import Limits, ml_ros, ml_rus, mlsmote
from evenly.resample.targets import mean_ir


def _matrix(rows: list[list[int]], n_labels: int) -> np.ndarray:
    dense = np.zeros((len(rows), n_labels), np.int8)
    for row, held in enumerate(rows):
        dense[row, held] = 1
    return dense


def _after(labels: np.ndarray, copies: np.ndarray) -> list[int]:
    return (labels.T.astype(int) @ copies).tolist()


def test_ml_ros_stops_at_the_mean_at_the_start() -> None:
    # IRLbl 1, 5, 10, mean 5.33: one clone brings label 2 to 5, and label 1 was never above
    labels = _matrix([[0]] * 10 + [[1]] * 2 + [[2]], 3)
    assert _after(labels, ml_ros(labels, random_state=0)) == [10, 2, 2]


def test_ml_ros_counts_every_label_of_a_clone() -> None:
    # IRLbl 1, 10, 2, mean 4.33; the clones hold label 0: 11 / 2 = 5.5, then 12 / 3 = 4
    labels = _matrix([[0]] * 9 + [[0, 1]] + [[2]] * 5, 3)
    assert _after(labels, ml_ros(labels, random_state=0)) == [12, 3, 5]


def test_ml_ros_stops_at_the_amount_shared_in_turn() -> None:
    # IRLbl 1, 20, 20, 2, 2, mean 9: both rare labels want 7 more rows, for 100 / 12 is below it
    labels = _matrix([[0]] * 100 + [[1]] * 5 + [[2]] * 5 + [[3]] * 50 + [[4]] * 50, 5)
    assert _after(labels, ml_ros(labels, n_samples=3, random_state=0)) == [100, 7, 6, 50, 50]
    assert _after(labels, ml_ros(labels, random_state=0)) == [100, 12, 12, 50, 50]
    assert _after(labels, ml_ros(labels, ratio=1.0, max_copies=2, random_state=0)) == [100, 10, 10, 50, 50]


def test_ml_rus_removes_in_turn_from_labels_that_are_not_rare() -> None:
    # mean 5: only label 2 is rare; a quarter of 19 rows is 4, two each of labels 0 and 1
    labels = _matrix([[0]] * 12 + [[1]] * 6 + [[2]], 3)
    assert _after(labels, ml_rus(labels, random_state=0)) == [10, 4, 1]
    assert _after(labels, ml_rus(labels, n_samples=3, random_state=0)) == [10, 5, 1]


def test_ml_rus_leaves_a_label_that_has_come_to_the_mean() -> None:
    # mean 4.78; label 1 goes from 3 rows to 1 in the second round, where 8 / 1 is above it
    labels = _matrix([[0]] * 10 + [[1]] * 3 + [[2]], 3)
    assert _after(labels, ml_rus(labels, n_samples=7, random_state=0)) == [5, 1, 1]


def test_ml_rus_keeps_rare_rows_unlabelled_rows_and_each_labels_last_row() -> None:
    # IRLbl 1, 10, 5, 10, mean 6.5: labels 1 and 3 are rare, label 2 is not
    labels = _matrix([[0]] * 8 + [[0, 2]] * 2 + [[1]] + [[3]] + [[]] * 3, 4)
    copies = ml_rus(labels, ratio=1.0, random_state=0)
    assert copies[10:].tolist() == [1] * 5
    assert copies[:10].sum() == 1  # the last row of labels 0 and 2
    assert copies[8:10].sum() == 1


def test_mlsmote_makes_one_row_of_every_row_of_a_rare_bag() -> None:
    # IRLbl 1, 10, 20, 2: mean 8.25; bags of labels 1 and 2
    rows = [[0]] * 40 + [[1]] * 4 + [[2]] * 2 + [[3]] * 20
    recipes = mlsmote(_matrix(rows, 4), sparse.eye(66, format="csr"), random_state=0)
    assert recipes.seed.tolist() == [40, 41, 42, 43, 44, 45]
    assert recipes.label.tolist() == [1, 1, 1, 1, 2, 2]
    assert set(recipes.reference[:4].tolist()) <= {40, 41, 42, 43}
    assert recipes.reference[4:].tolist() == [45, 44]


def test_mlsmote_repeats_seeds_where_more_is_asked_for() -> None:
    rows = [[0]] * 40 + [[1]] * 2 + [[3]] * 40
    labels = _matrix(rows, 4)
    recipes = mlsmote(labels, sparse.eye(82, format="csr"), n_samples=3, random_state=0)
    assert sorted(recipes.seed.tolist()) in ([40, 40, 41], [40, 41, 41])
    # counts 40, 2, 40: mean 7.33, at which 40 / 6 is, whatever the amount
    assert len(mlsmote(labels, sparse.eye(82, format="csr"), ratio=1.0, random_state=0)) == 4


def test_soft_labels_are_the_shares_of_the_parents() -> None:
    rows = [[0]] * 40 + [[1, 2]] + [[1, 3]] + [[2], [3]] * 20
    labels = _matrix(rows, 4)
    recipes = mlsmote(labels, np.arange(82.0)[:, None], label_rule="soft", n_samples=6, random_state=0)
    for number in range(len(recipes)):
        share, seed, reference = recipes.share[number], recipes.seed[number], recipes.reference[number]
        expected = (1 - share) * labels[seed] + share * labels[reference]
        np.testing.assert_allclose(recipes.targets[[number]].toarray()[0], expected, atol=1e-7)
        assert recipes.labels[[number]].toarray()[0].tolist() == (expected > 0.5).astype(int).tolist()


@pytest.mark.parametrize(("ties", "expected"), [("drop", [1]), ("half", [1, 2, 3])])
def test_a_label_of_half_of_the_group(ties: Any, expected: list[int]) -> None:
    # a bag of two: each is the other's only neighbour, and labels 2 and 3 are held by one of two
    labels = _matrix([[0]] * 40 + [[1, 2]] + [[1, 3]] + [[2], [3]] * 20, 4)
    recipes = mlsmote(labels, np.arange(82.0)[:, None], label_rule="ranking", ranking_ties=ties, random_state=0)
    assert [held.indices.tolist() for held in recipes.labels] == [expected] * 2


def test_the_seeds_own_labels() -> None:
    labels = _matrix([[0]] * 40 + [[1, 2]] + [[1, 3]] + [[2], [3]] * 20, 4)
    recipes = mlsmote(labels, np.arange(82.0)[:, None], label_rule="seed", random_state=0)
    assert recipes.labels.toarray().tolist() == labels[recipes.seed].tolist()


@pytest.mark.parametrize("function", [ml_ros, ml_rus])
def test_the_mean_does_not_rise(function: Any) -> None:
    rng = np.random.default_rng(1)
    for share in (0.05, 0.3):
        labels = label_matrix(rng.random((200, 12)) < share * rng.random(12))
        copies = function(labels, random_state=0)
        assert mean_ir(labels.T.astype(int) @ copies) <= mean_ir(label_counts(labels))


@pytest.mark.parametrize(
    ("amount", "word"),
    [
        ({"target_ir": 2, "ratio": 0.5}, "target_ir and ratio"),
        ({"n_samples": -1}, "n_samples"),
        ({"ratio": -0.1}, "ratio"),
        ({"ratio": np.inf}, "ratio"),
        ({"target_ir": 2, "max_growth": np.inf}, "max_growth"),
    ],
)
def test_amounts_that_say_nothing_are_refused(amount: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        ml_ros([[1]], random_state=0, **amount)


def test_bounds_belong_to_a_target() -> None:
    assert (Limits.stated(target_ir=3).max_copies, Limits.stated(target_ir=3).budget(100)) == (10, 50)
    assert Limits.stated(ratio=2.0).budget(100) == 200
    assert Limits.stated(ratio=2.0, max_growth=0.1).budget(100) == 10
    assert Limits.stated(n_samples=7).budget(100, 0.25) == 7
    assert Limits.stated().budget(100, 0.25) == 25
