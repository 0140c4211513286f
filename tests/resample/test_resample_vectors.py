"""Vectors between two rows, and nominal values: in the box or on the segment, whatever the kind and the blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from evenly.errors import ConfigError
from evenly.resample import nearest_in_bag
from evenly.resample.changes import Recipes
from evenly.resample.nominal import most_frequent, vdm_columns, vdm_distance
from evenly.resample.vectors import interpolate

DTYPES = [np.float32, np.float64]


def _recipes(rng: np.random.Generator, n_rows: int, n_recipes: int) -> Recipes:
    share = rng.random(n_recipes)
    share[: n_recipes // 5] = 0
    return Recipes(
        seed=rng.integers(0, n_rows, n_recipes),
        reference=rng.integers(0, n_rows, n_recipes),
        share=share,
        position=(1 - share) * rng.random(n_recipes),
        label=np.zeros(n_recipes, np.int32),
        labels=sparse.csr_matrix((n_recipes, 1), dtype=np.int8),
    )


@st.composite
def blends(draw: st.DrawFn) -> tuple[np.ndarray, Recipes]:
    """Draw features with zeros and large differences of size, and recipes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.integers(1, 12)), draw(st.integers(1, 9))
    dense = rng.normal(size=shape) * 10.0 ** rng.integers(-8, 8, shape) * (rng.random(shape) < 0.6)
    return dense.astype(draw(st.sampled_from(DTYPES))), _recipes(rng, shape[0], draw(st.integers(0, 20)))


@settings(max_examples=60, deadline=None)
@given(blends(), st.sampled_from(["feature", "row"]), st.sampled_from(["C", "F", "csr", "csc"]))
def test_every_vector_is_in_the_box_and_keeps_its_kind(blend: tuple[np.ndarray, Recipes], gap: Any, kind: str) -> None:
    dense, recipes = blend
    features: Any = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix}.get(kind, lambda x: np.array(x, order=kind))(
        dense
    )
    made = interpolate(features, recipes, gap=gap, random_state=0)
    assert made.dtype == dense.dtype
    assert made.shape == (len(recipes), dense.shape[1])
    given_rows, taken = dense[recipes.seed], dense[recipes.reference]
    if sparse.issparse(features):
        assert made.format == "csr"
        assert made.nnz == ((given_rows != 0) | (taken != 0)).sum()
        made = made.toarray()
    elif min(*made.shape, *dense.shape) > 1:
        assert made.flags[f"{kind}_CONTIGUOUS"]
    assert (made >= np.minimum(given_rows, taken)).all()
    assert (made <= np.maximum(given_rows, taken)).all()


@settings(max_examples=40, deadline=None)
@given(blends(), st.sampled_from([np.array, sparse.csr_matrix]))
def test_a_gap_for_the_row_gives_a_point_on_the_segment(blend: tuple[np.ndarray, Recipes], kind: Any) -> None:
    dense, recipes = blend
    made = sparse.csr_matrix(interpolate(kind(dense), recipes, gap="row", random_state=0)).toarray()
    given_rows, taken = dense[recipes.seed].astype(float), dense[recipes.reference].astype(float)
    expected = given_rows + recipes.share[:, None] * (taken - given_rows)
    largest = np.maximum(np.abs(given_rows), np.abs(taken))
    assert (np.abs(made - expected) <= 2 * np.finfo(dense.dtype).eps * largest).all()


def test_a_gap_for_each_feature_fills_the_box_evenly() -> None:
    recipes = _recipes(np.random.default_rng(0), 2, 4_000)
    recipes.seed[:], recipes.reference[:] = 0, 1
    made = interpolate(np.array([[0.0, 10.0], [1.0, 30.0]]), recipes, gap="feature", random_state=1)
    shares = (made - [0, 10]) / [1, 20]
    np.testing.assert_allclose(shares.mean(axis=0), 0.5, atol=0.02)
    np.testing.assert_allclose(shares.var(axis=0), 1 / 12, atol=0.005)
    assert abs(np.corrcoef(shares.T)[0, 1]) < 0.05
    by_row = interpolate(np.array([[0.0, 10.0], [1.0, 30.0]]), recipes, gap="row", random_state=1)
    np.testing.assert_allclose((by_row - [0, 10]) / [1, 20], np.column_stack([recipes.share] * 2), atol=1e-12)


@pytest.mark.parametrize("kind", [np.array, sparse.csr_matrix])
def test_draws_are_row_by_row_and_those_of_the_seed(kind: Any) -> None:
    rng = np.random.default_rng(4)
    features, recipes = kind(rng.random((9, 5))), _recipes(rng, 9, 30)
    made = [
        sparse.csr_matrix(interpolate(features, given, random_state=seed)).toarray()
        for given, seed in ((recipes, 7), (recipes.part(0, 12), 7), (recipes, 8))
    ]
    np.testing.assert_array_equal(made[0][:12], made[1])
    assert (made[0] != made[2]).any()


@pytest.mark.parametrize(("dtype", "expected"), [(np.int64, np.float64), (np.float16, np.float16)])
def test_other_types(dtype: Any, expected: Any) -> None:
    recipes = _recipes(np.random.default_rng(0), 2, 3)
    recipes.seed[:], recipes.reference[:], recipes.share[:] = 0, 1, 0.25
    made = interpolate(np.array([[0, 2], [4, 4]], dtype), recipes, gap="row", random_state=0)
    assert made.dtype == expected
    assert made.tolist() == [[1, 2.5]] * 3


@pytest.mark.parametrize("kind", [np.array, sparse.csr_matrix])
def test_rows_are_scaled_to_length_1_only_where_asked_for(kind: Any) -> None:
    features = kind(np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 0]]))
    recipes = _recipes(np.random.default_rng(0), 3, 2)
    recipes.seed[:], recipes.reference[:], recipes.share[:] = [0, 2], [1, 2], 0.5
    plain, scaled = (
        sparse.csr_matrix(interpolate(features, recipes, gap="row", random_state=0, normalize=normalize)).toarray()
        for normalize in (False, True)
    )
    assert plain.tolist() == [[0.5, 0.5, 0], [0, 0, 0]]
    np.testing.assert_allclose(scaled, [[0.5**0.5, 0.5**0.5, 0], [0, 0, 0]])


def test_unknown_gaps_are_refused() -> None:
    with pytest.raises(ConfigError, match="'column'; expected one of feature, row"):
        interpolate(np.eye(2), _recipes(np.random.default_rng(0), 2, 1), gap="column", random_state=0)  # type: ignore[arg-type]


# Three colours: red twice with labels (1 0) and (1 1), blue twice with none, green once with (0 1).
COLOURS = [0, 0, 1, 1, 2]
LABELS = [[1, 0], [1, 1], [0, 0], [0, 0], [0, 1]]


def test_value_differences_by_hand() -> None:
    # P(label | red) = (1, 1/2), blue (0, 0), green (0, 1)
    expected = np.sqrt([[0, 1.25, 1.25], [1.25, 0, 1], [1.25, 1, 0]])
    np.testing.assert_allclose(vdm_distance(COLOURS, LABELS), expected)
    np.testing.assert_allclose(vdm_distance(COLOURS, sparse.csr_matrix(LABELS)), expected)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 12))
def test_columns_are_as_far_apart_as_the_values(seed: int, n_values: int, n_labels: int) -> None:
    rng = np.random.default_rng(seed)
    codes, labels = rng.integers(-1, n_values, 30), rng.random((30, n_labels)) < 0.3
    columns = vdm_columns(codes, labels)
    assert columns.shape[1] <= max(n_labels, 1)
    distance = vdm_distance(codes, labels)
    codes = np.where(codes < 0, codes.max() + 1, codes)
    between = np.sqrt(((columns[:, None] - columns) ** 2).sum(axis=2))
    np.testing.assert_allclose(between, distance[np.ix_(codes, codes)], atol=1e-9)


def test_nominal_and_numeric_features_are_ranked_by_one_sum() -> None:
    mixed = np.column_stack([[0.0, 0.1, 0.2, 0.3, 0.9], vdm_columns(COLOURS, LABELS)])
    # squares from row 4 (green): to red .81 or .64 + 1.25, to blue .49 or .36 + 1
    assert nearest_in_bag(mixed, range(5), 4).tolist()[4] == [3, 2, 1, 0]


@pytest.mark.parametrize(
    ("neighbors", "expected"),
    [([0, 2, 3], 1), ([4, 0, 2], 2), ([0, 1, 2], 0), ([2], 1), ([4, 2, 3, 0, 1], 1), ([2, -1, -1, -1], 1)],
)
def test_the_most_frequent_value_wins_and_of_equals_the_nearest(neighbors: list[int], expected: int) -> None:
    assert most_frequent(COLOURS, np.array([neighbors])).tolist() == [expected]
