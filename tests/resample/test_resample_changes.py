"""Changes by hand: what comes out in which order, and two steps as one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from evenly.errors import ConfigError
from evenly.resample import Changes, Recipes
from evenly.resample.chain import blend, wanted_before


def _recipes(*pairs: tuple[int, int, float]) -> Recipes:
    seed, reference, share = (np.array(values) for values in zip(*pairs, strict=True))
    labels = sparse.csr_matrix(np.ones((len(pairs), 1), np.int8))
    zeros = np.zeros(len(pairs))
    return Recipes(seed, reference, share.astype(float), zeros, zeros.astype(np.int32), labels)


def _changes(copies: list[int], *pairs: tuple[int, int, float]) -> Changes:
    return Changes(np.array(copies, np.int32), _recipes(*pairs) if pairs else Recipes.none(1))


def test_kept_rows_come_first_then_copies_then_synthetic_ones() -> None:
    changes = _changes([0, 1, 3, 2], (1, 2, 0.5))
    assert changes.rows.tolist() == [1, 2, 3, 2, 2, 3]
    before = sparse.csr_matrix(np.array([[0], [1], [0], [1]], np.int8))
    assert changes.labels(before).toarray().ravel().tolist() == [1, 0, 1, 0, 0, 1, 1]


def test_copies_of_copies_add_up() -> None:
    # out of the first step: rows 0, 1, 1; of the second: 0 twice, the first 1 removed, the other three times
    assert _changes([1, 2, 0]).followed_by(_changes([2, 0, 3])).copies.tolist() == [2, 3, 0]


def test_rows_that_were_made_are_copied_and_removed_with_their_recipes() -> None:
    first = _changes([1, 1], (0, 1, 0.25), (1, 0, 0.75))
    both = first.followed_by(_changes([1, 0, 2, 0]))
    assert both.copies.tolist() == [1, 0]
    assert both.recipes.share.tolist() == [0.25, 0.25]


def test_parents_are_traced_to_the_given_rows() -> None:
    # out of the first step: rows 1, 2, 1, then row 0 repeated
    first = _changes([0, 2, 1], (0, 0, 0.0))
    both = first.followed_by(_changes([1, 1, 1, 1], (2, 3, 0.5), (1, 0, 0.5)))
    assert both.recipes.seed.tolist() == [0, 1, 2]
    assert both.recipes.reference.tolist() == [0, 0, 1]


def test_parents_that_were_made_of_two_rows_are_refused() -> None:
    first = _changes([1, 1], (0, 1, 0.5))
    with pytest.raises(ConfigError, match="recipe of two given rows"):
        first.followed_by(_changes([1, 1, 1], (0, 2, 0.5)))


def test_features_of_what_comes_out() -> None:
    changes = _changes([1, 0, 2], (0, 2, 0.25), (1, 1, 0.0))
    dense = np.array([[0.0, 4], [1, 1], [8, 0]])
    expected = [[0, 4], [8, 0], [8, 0], [2, 3], [1, 1]]
    assert blend(dense, changes).tolist() == expected
    assert blend(sparse.csr_matrix(dense), changes).toarray().tolist() == expected
    assert wanted_before(np.array([True, False, False, False, False]), changes).tolist() == [True, False, False]
    assert wanted_before(np.array([False, False, False, False, True]), changes).tolist() == [False, True, False]
    assert wanted_before(np.array([False, False, True, True, False]), changes).tolist() == [True, False, True]


def test_soft_labels_stay_beside_hard_ones() -> None:
    soft = Recipes(*list(vars(_recipes((0, 1, 0.5))).values())[:6], sparse.csr_matrix([[0.5]], dtype=np.float32))
    both = soft.followed_by(_recipes((1, 0, 0.25)))
    assert both.targets.toarray().ravel().tolist() == [0.5, 1.0]
    assert both.take([1]).targets.toarray().tolist() == [[1.0]]
