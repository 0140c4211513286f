"""Neighbours within a bag against brute force, and their ties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from evenly.resample import nearest_in_bag


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 25), st.integers(1, 8))
def test_equal_to_brute_force(seed: int, n_rows: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    dense = rng.random((n_rows + 5, 12)) * (rng.random((n_rows + 5, 12)) < 0.4)
    dense /= np.maximum(np.linalg.norm(dense, axis=1, keepdims=True), 1e-12)
    bag = np.sort(rng.choice(n_rows + 5, n_rows, replace=False))
    found = nearest_in_bag(sparse.csr_matrix(dense), bag, k)
    assert found.shape == (n_rows, min(k, n_rows - 1))
    product = dense[bag] @ dense[bag].T
    np.fill_diagonal(product, -1)
    expected = -np.sort(-product, axis=1)[:, : found.shape[1]]
    for row, near in zip(bag, found, strict=True):
        assert row not in near
        assert len(set(near)) == len(near)
        assert set(near) <= set(bag)
    np.testing.assert_allclose(np.einsum("ij,ikj->ik", dense[bag], dense[found]), expected, atol=1e-12)


def test_equally_near_rows_come_by_row_number() -> None:
    features = sparse.csr_matrix([[1.0, 0], [0, 1], [1, 0], [1, 0], [1, 0], [0, 0]])
    assert nearest_in_bag(features, [0, 1, 2, 3, 4, 5], 3).tolist() == [
        [2, 3, 4],
        [0, 2, 3],
        [0, 3, 4],
        [0, 2, 4],
        [0, 2, 3],
        [0, 1, 2],
    ]


@pytest.mark.parametrize(("bag", "shape"), [([], (0, 0)), ([3], (1, 0)), ([1, 3], (2, 1))])
def test_small_bags(bag: list[int], shape: tuple[int, int]) -> None:
    assert nearest_in_bag(sparse.eye(5, format="csr"), bag, 4).shape == shape


def test_features_without_any_value() -> None:
    assert nearest_in_bag(sparse.csr_matrix((3, 4)), [0, 1, 2], 1).tolist() == [[1], [0], [0]]
