"""MLSOL by hand: types of rows, weights of seeds, and how far a label reaches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from evenly.errors import ConfigError
from evenly.imbalance import label_counts, label_matrix
from evenly.resample import MLSOL, interpolate, mlsol
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


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
def test_with_a_gap_for_each_feature_labels_follow_from_where_the_vector_lies(kind: Any) -> None:
    # label 0 in rows 5, 6, 7 of a line in the plane, seeds next to rows without it
    plane = np.column_stack([np.arange(8.0), 3 * np.arange(8.0)])
    rng = np.random.default_rng(0)
    options = {"k_neighbors": 2, "n_samples": 3_000, "gap": "feature", "vectors": kind(plane)}
    recipes = mlsol(TAIL, LINE, random_state=rng, **options)
    made = interpolate(kind(plane), recipes, gap="feature", random_state=rng)
    made = made.toarray() if sparse.issparse(made) else made
    distances = [np.linalg.norm(made - plane[side], axis=1) for side in (recipes.seed, recipes.reference)]
    np.testing.assert_allclose(recipes.share, distances[0] / (distances[0] + distances[1]), atol=1e-12)
    expected = (recipes.reference == 6) | (recipes.share <= BORDER)
    assert recipes.labels.toarray()[:, 0].tolist() == expected.astype(int).tolist()
    # off the line between the parents: the two features have shares of their own
    along = (made - plane[recipes.seed]) / (plane[recipes.reference] - plane[recipes.seed])
    assert np.abs(along[:, 0] - along[:, 1]).max() > 0.9
    assert (recipes.position + recipes.share <= 1).all()


@pytest.mark.parametrize("amount", [{"n_samples": 60}, {"target_ir": 1.5, "max_growth": 1.0, "max_copies": 50}])
@pytest.mark.parametrize("columns", ["array", "frame"])
def test_the_sampler_makes_the_vectors_that_its_labels_are_for(amount: Any, columns: str) -> None:
    rng = np.random.default_rng(4)
    labels = np.column_stack([np.arange(40) % 5 == 0, np.arange(40) % 2 == 0]).astype(int)
    plane = rng.normal(size=(40, 3)) + labels[:, :1]
    x = plane if columns == "array" else pd.DataFrame(plane, columns=list("abc")).assign(d=pd.Categorical(["x"] * 40))
    sampler = MLSOL(gap="feature", random_state=7, **amount)
    made = np.asarray(sampler.fit_resample(x, labels)[0])[40:, :3].astype(float)
    recipes = sampler.recipes_
    distances = [np.linalg.norm(made - plane[side], axis=1) for side in (recipes.seed, recipes.reference)]
    assert len(made) == len(recipes) > 0
    np.testing.assert_allclose(recipes.share, distances[0] / (distances[0] + distances[1]), atol=1e-12)


def test_texts_have_one_share_whatever_the_gap() -> None:
    texts = [f"row {row} of eight" for row in range(8)]
    by_row, by_feature = (MLSOL(gap=gap, n_samples=9, random_state=0) for gap in ("row", "feature"))
    assert by_row.fit_resample(texts, TAIL)[0] == by_feature.fit_resample(texts, TAIL)[0]


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
    with pytest.raises(ConfigError, match="gap is 'column'; expected one of feature, row"):
        mlsol(TAIL, LINE, gap="column", random_state=0)  # type: ignore[arg-type]
    assert len(mlsol([[1, 0]], [[0.0]], random_state=0)) == 0
