"""MLSOL by hand: types of rows, weights of seeds, and how far a label reaches."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from evenly.errors import ConfigError
from evenly.imbalance import label_counts, label_matrix
from evenly.resample import mlsol
from evenly.resample.changes import NO_LABEL
from evenly.resample.mlsol import BORDER, OUTLIER, RARE, SAFE, local_imbalance
from evenly.resample.targets import max_ir

LINE = np.arange(8.0)[:, None]
TAIL = np.array([[0]] * 5 + [[1]] * 3)  # label 0 in rows 5, 6, 7 of a line


def test_types_and_weights_on_a_line() -> None:
    # with two neighbours: of row 5, 4 and 6, one differs; of 6 and 7 none does
    local = local_imbalance(label_matrix(TAIL), np.array([[1, 2]] * 5 + [[4, 6], [5, 7], [6, 5]]))
    assert local.reach.tolist() == [BORDER, SAFE, SAFE]
    assert local.weight.tolist() == [1.0, 0.0, 0.0]


def test_outliers_are_no_seeds_and_rare_rows_beside_firm_ones_are_on_the_border() -> None:
    # twelve rows, the first six hold the label, four neighbours each
    nearest = np.full((12, 4), 11)
    nearest[0] = [1, 6, 7, 8]  # 3 of 4 differ: rare, but row 1 is safe
    nearest[1] = [2, 3, 0, 9]  # 1 of 4 differs: safe
    nearest[2] = [6, 7, 8, 9]  # all differ: an outlier
    nearest[3] = [0, 1, 6, 7]  # 2 of 4: on the border
    nearest[4] = [5, 6, 7, 8]  # rare, beside a rare one
    nearest[5] = [4, 6, 7, 9]
    local = local_imbalance(label_matrix(np.array([[1]] * 6 + [[0]] * 6)), nearest)
    assert local.reach.tolist() == [BORDER, SAFE, OUTLIER, BORDER, RARE, RARE]
    total = 0.75 + 0.25 + 0.5 + 0.75 + 0.75
    assert local.weight == pytest.approx(np.array([0.75, 0.25, 0, 0.5, 0.75, 0.75]) / total)


def test_rare_rows_pass_the_border_on() -> None:
    nearest = np.full((12, 4), 11)
    nearest[0] = [1, 2, 3, 6]  # safe
    nearest[1] = [0, 6, 7, 8]  # rare beside it: on the border
    nearest[2] = [1, 6, 7, 8]  # rare beside that: on the border in the second pass
    nearest[3:6] = [6, 7, 8, 9]
    local = local_imbalance(label_matrix(np.array([[1]] * 6 + [[0]] * 6)), nearest)
    assert local.reach[:3].tolist() == [SAFE, BORDER, BORDER]


def test_a_label_reaches_as_far_as_the_type_of_the_row_that_holds_it() -> None:
    # The only seed is row 5, on the border; between it and row 4 the label is kept for three quarters of the way.
    recipes = mlsol(TAIL, LINE, k_neighbors=2, n_samples=60, random_state=0)
    assert set(recipes.seed.tolist()) == {5}
    assert set(recipes.reference.tolist()) == {4, 6}
    expected = (recipes.reference == 6) | (recipes.share <= BORDER)
    assert recipes.labels.toarray()[:, 0].tolist() == expected.astype(int).tolist()
    assert 0 < expected.sum() < len(expected)


def test_a_label_of_the_reference_reaches_towards_the_seed() -> None:
    # Seeds for label 1 (row 4 and its neighbours); the reference's label 0 counts from the reference's side.
    labels = np.zeros((8, 2), int)
    labels[5:, 0] = labels[3:5, 1] = 1
    recipes = mlsol(labels, LINE, k_neighbors=2, n_samples=80, random_state=0)
    which = np.flatnonzero((recipes.seed == 4) & (recipes.reference == 5))
    assert len(which)
    held = recipes.labels.toarray()[which]
    assert held[:, 0].tolist() == (1 - recipes.share[which] <= BORDER).astype(int).tolist()
    assert held[:, 1].tolist() == (recipes.share[which] <= BORDER).astype(int).tolist()


def test_the_minority_class_of_a_frequent_label_is_its_absence() -> None:
    labels = 1 - TAIL
    recipes = mlsol(labels, LINE, k_neighbors=2, n_samples=40, random_state=0)
    mirrored = mlsol(TAIL, LINE, k_neighbors=2, n_samples=40, random_state=0)
    assert recipes.labels.toarray().tolist() == (1 - mirrored.labels.toarray()).tolist()
    assert set(recipes.label.tolist()) == {NO_LABEL}


def test_the_amounts() -> None:
    assert len(mlsol(TAIL, LINE, random_state=0)) == 2  # a quarter of 8
    assert len(mlsol(TAIL, LINE, ratio=1.5, random_state=0)) == 12
    few = mlsol(TAIL, LINE, k_neighbors=2, n_samples=20, max_copies=4, random_state=0)
    assert few.seed.tolist() == [5, 5, 5]  # the one seed there is


def test_a_target_is_reached_or_the_largest_ratio_is_lowest() -> None:
    rng = np.random.default_rng(0)
    labels = np.zeros((120, 3), int)
    labels[:100, 0] = labels[100:116, 1] = labels[116:, 2] = 1
    places = rng.normal(size=(120, 2)) + 3 * labels[:, :2] + labels[:, 2:]
    recipes = mlsol(labels, places, target_ir=5, max_growth=1.0, random_state=0)
    after = label_counts(label_matrix(labels)) + label_counts(recipes.labels)
    assert max_ir(after) <= 5
    assert len(mlsol(labels, places, target_ir=30, random_state=0)) == 0


def test_sparse_features_and_seeds_repeat() -> None:
    words = sparse.random(40, 30, 0.3, random_state=1, format="csr")
    labels = np.random.default_rng(2).random((40, 4)) < 0.3
    first, again = (mlsol(labels, words, random_state=5) for _ in range(2))
    assert first.share.tolist() == again.share.tolist()
    assert (first.labels != again.labels).nnz == 0


def test_no_neighbours_are_refused_and_a_single_row_has_none() -> None:
    with pytest.raises(ConfigError, match="k_neighbors"):
        mlsol(TAIL, LINE, k_neighbors=0, random_state=0)
    assert len(mlsol([[1, 0]], [[0.0]], random_state=0)) == 0
