"""MLSMOTE: label rules by hand, edges, and that bags are the label's own rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from evenly.errors import ConfigError
from evenly.resample import Recipes, mlsmote

BOUNDS: dict[str, Any] = {"target_ir": 2.0, "max_copies": 10, "max_growth": 2.0, "random_state": 0}


def _matrix(rows: list[list[int]], n_labels: int) -> np.ndarray:
    dense = np.zeros((len(rows), n_labels), np.int8)
    for row, held in enumerate(rows):
        dense[row, held] = 1
    return dense


def _features(n_rows: int) -> sparse.csr_matrix:
    return sparse.eye(n_rows, format="csr")


# Label 1 is the rare one, rows 12 to 14 its bag; labels 2, 3, 4 stand in three, two and one of its rows.
BAG = [[1, 2, 3, 4], [1, 2, 3], [1, 2]]
ROWS = [[0]] * 12 + BAG + [[2]] * 6 + [[3]] * 6 + [[4]] * 6


def _make(rule: str) -> Recipes:
    return mlsmote(_matrix(ROWS, 5), _features(len(ROWS)), **BOUNDS, label_rule=rule)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("ranking", [1, 2, 3]), ("union", [1, 2, 3, 4]), ("intersection", [1, 2])],
)
def test_the_papers_rules_look_at_seed_and_neighbours(rule: str, expected: list[int]) -> None:
    # k is 2 in a bag of three, so the group is the whole bag: more than half of it is two rows or three
    recipes = _make(rule)
    assert len(recipes) == 3
    assert [held.indices.tolist() for held in recipes.labels] == [expected] * 3


def test_weighted_labels_are_those_of_the_larger_part() -> None:
    recipes = _make("weighted")
    parents = np.where(recipes.share < 0.5, recipes.seed, recipes.reference)
    assert [held.indices.tolist() for held in recipes.labels] == [ROWS[parent] for parent in parents]


def test_every_row_of_the_bag_is_a_seed_before_one_is_again() -> None:
    labels = _matrix([[0]] * 40 + [[1]] * 5, 2)
    recipes = mlsmote(labels, _features(45), **BOUNDS)
    assert len(recipes) == 15  # from 5 to 40 / 2
    for cycle in range(3):
        assert sorted(recipes.seed[5 * cycle : 5 * cycle + 5]) == list(range(40, 45))


def test_references_change_from_cycle_to_cycle() -> None:
    recipes = mlsmote(_matrix([[0]] * 80 + [[1]] * 5, 2), _features(85), **BOUNDS)
    pairs = set(zip(recipes.seed.tolist(), recipes.reference.tolist(), strict=True))
    assert len(pairs) > 5


def test_singletons_and_empty_labels_are_left_alone() -> None:
    recipes = mlsmote(_matrix([[0]] * 40 + [[1]] + [[3]] * 2, 4), _features(43), **BOUNDS)
    assert set(recipes.label.tolist()) == {3}


def test_a_singleton_does_not_fall_further_behind() -> None:
    # every row that could serve label 1 holds label 0 too, whose growth would raise the ratio of label 2's one row
    labels = _matrix([[0]] * 40 + [[0, 1]] * 4 + [[2]], 3)
    assert len(mlsmote(labels, _features(45), **BOUNDS)) == 0
    assert len(mlsmote(labels[:44], _features(44), **BOUNDS)) == 36  # (44 + n) / (4 + n) <= 2


def test_one_label_a_row_is_smote_within_the_class() -> None:
    recipes = mlsmote(_matrix([[0]] * 40 + [[1]] * 4, 2), _features(44), **BOUNDS)
    assert recipes.labels.toarray().tolist() == [[0, 1]] * 16
    assert recipes.seed.min() >= 40
    assert recipes.reference.min() >= 40


def test_twins_may_be_each_others_reference() -> None:
    recipes = mlsmote(_matrix([[0]] * 8 + [[1]] * 2, 2), sparse.csr_matrix(np.ones((10, 1))), **BOUNDS)
    assert sorted(zip(recipes.seed.tolist(), recipes.reference.tolist(), strict=True)) == [(8, 9), (9, 8)]


@pytest.mark.parametrize(
    "rows", [[], [[]], [[0]], [[0], [1]], [[0, 1]] * 3], ids=["no rows", "no label", "one row", "equal", "same"]
)
def test_nothing_to_do(rows: list[list[int]]) -> None:
    recipes = mlsmote(_matrix(rows, 2), _features(len(rows)), **BOUNDS)
    assert len(recipes) == 0
    assert recipes.labels.shape == (0, 2)


def test_seeds_decide_and_repeat() -> None:
    labels = _matrix([[0]] * 40 + [[1]] * 8, 2)
    first, again = (mlsmote(labels, _features(48), **BOUNDS) for _ in range(2))
    other = mlsmote(labels, _features(48), **BOUNDS | {"random_state": 1})
    assert first.share.tolist() == again.share.tolist() != other.share.tolist()
    assert first.reference.tolist() == again.reference.tolist()


@pytest.mark.parametrize(("bad", "word"), [({"label_rule": "hard"}, "weighted"), ({"k_neighbors": 0}, "k_neighbors")])
def test_parameters_out_of_range_are_refused(bad: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        mlsmote([[1]], _features(1), **BOUNDS | bad)


def test_parts_and_renumbering_keep_the_recipes() -> None:
    recipes = _make("weighted")
    part = recipes.part(1, 3)
    assert part.seed.tolist() == recipes.seed[1:3].tolist()
    assert part.labels.toarray().tolist() == recipes.labels[1:3].toarray().tolist()
    numbers = np.arange(len(ROWS)) * 10
    assert recipes.renumbered(numbers).reference.tolist() == (recipes.reference * 10).tolist()
