"""What holds for every over-sampling, whatever the labels: drawn by hypothesis."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from evenly.imbalance import label_counts, label_matrix
from evenly.labelsets import labelset_keys
from evenly.resample import Limits, lp_ros, lp_rus, ml_enn, ml_ros, ml_rus, mlsmote, mlsol, remedial
from evenly.resample.targets import max_ir, mean_ir

SEEDS = st.integers(0, 2**32 - 1)
LIMITS = st.builds(
    Limits, st.sampled_from([1.0, 1.5, 3.0, 10.0]), st.integers(1, 5), st.sampled_from([0.0, 0.1, 0.5, 2.0])
)


@st.composite
def label_matrices(draw: st.DrawFn) -> sparse.csr_matrix:
    """Draw labels of very different frequency: empty ones, singletons, and one that most rows hold."""
    n_rows, n_labels = draw(st.integers(1, 40)), draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(SEEDS))
    return label_matrix(rng.random((n_rows, n_labels)) < rng.choice([0.0, 0.03, 0.1, 0.3, 0.9], n_labels))


def _never_worse(before: np.ndarray, after: np.ndarray) -> None:
    if before.any():
        assert max_ir(after) <= max_ir(before)
        assert mean_ir(after) <= mean_ir(before) * (1 + 1e-9)


@settings(max_examples=80, deadline=None)
@given(label_matrices(), LIMITS, SEEDS)
def test_ml_ros(labels: sparse.csr_matrix, limits: Limits, seed: int) -> None:
    given_bounds = {"max_copies": limits.max_copies, "max_growth": limits.max_growth}
    copies = ml_ros(labels, target_ir=limits.target_ir, **given_bounds, random_state=seed)
    before, after = label_counts(labels), labels.T.astype(int) @ copies
    assert copies.min() >= 1
    assert copies.max() <= limits.max_copies
    assert copies.sum() - len(copies) <= limits.budget(len(copies))
    assert (after >= before).all()
    _never_worse(before, after)
    assert (copies[np.diff(labels.indptr) == 0] == 1).all()


@settings(max_examples=60, deadline=None)
@given(label_matrices(), LIMITS, SEEDS)
def test_ml_rus(labels: sparse.csr_matrix, limits: Limits, seed: int) -> None:
    copies = ml_rus(labels, target_ir=limits.target_ir, max_growth=limits.max_growth, random_state=seed)
    before, after = label_counts(labels), labels.T.astype(int) @ copies
    assert set(copies.tolist()) <= {0, 1}
    assert (copies == 0).sum() <= limits.budget(len(copies))
    minority = (before > 0) & (before.max(initial=0) > limits.target_ir * before)
    assert (after[minority] == before[minority]).all()
    assert ((after > 0) == (before > 0)).all()
    if before.any():
        assert max_ir(after) <= max_ir(before)


@settings(max_examples=80, deadline=None)
@given(
    label_matrices(),
    LIMITS,
    SEEDS,
    st.integers(1, 6),
    st.sampled_from(["weighted", "ranking", "union", "intersection"]),
)
def test_mlsmote(labels: sparse.csr_matrix, limits: Limits, seed: int, k: int, rule: str) -> None:
    n_rows = labels.shape[0]
    words = np.random.default_rng(seed).integers(0, 3, (n_rows, 5)).astype(float)
    words /= np.maximum(np.linalg.norm(words, axis=1, keepdims=True), 1e-12)
    recipes = mlsmote(
        labels,
        sparse.csr_matrix(words),
        target_ir=limits.target_ir,
        max_copies=limits.max_copies,
        max_growth=limits.max_growth,
        k_neighbors=k,
        label_rule=rule,
        random_state=seed,
    )
    held = labels.toarray().astype(bool)
    before, after = label_counts(labels), label_counts(labels) + label_counts(recipes.labels)
    assert len(recipes) <= limits.budget(n_rows)
    assert np.bincount(recipes.seed, minlength=n_rows).max(initial=0) <= limits.max_copies - 1
    assert ((recipes.share >= 0) & (recipes.share < 1)).all()
    assert ((recipes.position >= 0) & (recipes.position <= 1 - recipes.share)).all()
    _never_worse(before, after)
    similarity = words @ words.T
    for number in range(len(recipes)):
        parent, other, label = recipes.seed[number], recipes.reference[number], recipes.label[number]
        made = recipes.labels[number].toarray()[0].astype(bool)
        assert parent != other
        assert held[parent, label]
        assert held[other, label]
        assert made[label]
        assert before.max() > limits.target_ir * before[label]
        bag = np.flatnonzero(held[:, label])
        closer = similarity[parent, bag[bag != parent]] > similarity[parent, other] + 1e-9
        assert closer.sum() < k
        if rule == "weighted":
            share = recipes.share[number]
            assert (made == ((1 - share) * held[parent] + share * held[other] > 1 / 2)).all()
        if rule == "intersection":
            assert not (made & ~(held[parent] & held[other])).any()
        if rule == "union":
            assert (made | ~(held[parent] | held[other])).all()


def _places(labels: sparse.csr_matrix, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, (labels.shape[0], 3)).astype(float)


@settings(max_examples=40, deadline=None)
@given(label_matrices(), LIMITS, SEEDS, st.integers(1, 6))
def test_mlsol(labels: sparse.csr_matrix, limits: Limits, seed: int, k: int) -> None:
    places = _places(labels, seed)
    bounds = {"max_copies": limits.max_copies, "max_growth": limits.max_growth, "random_state": seed}
    to_target = mlsol(labels, places, k_neighbors=k, target_ir=limits.target_ir, **bounds)
    before, held = label_counts(labels), labels.toarray().astype(bool)
    after = before + label_counts(to_target.labels)
    assert not before.any() or max_ir(after) <= max_ir(before)
    for recipes in (to_target, mlsol(labels, places, k_neighbors=k, ratio=0.5, **bounds)):
        assert len(recipes) <= limits.budget(labels.shape[0])
        assert np.bincount(recipes.seed, minlength=len(held)).max(initial=0) <= limits.max_copies - 1
        made = recipes.labels.toarray().astype(bool)
        both, either = held[recipes.seed] & held[recipes.reference], held[recipes.seed] | held[recipes.reference]
        assert (made >= both).all()
        assert (made <= either).all()


@settings(max_examples=60, deadline=None)
@given(label_matrices(), SEEDS, st.sampled_from([0.1, 0.25, 1.0]))
@pytest.mark.filterwarnings("ignore::evenly.resample.ResamplingWarning")
def test_labelsets_come_no_further_than_their_mean(labels: sparse.csr_matrix, seed: int, ratio: float) -> None:
    _, bag = np.unique(labelset_keys(labels), return_inverse=True)
    sizes = np.bincount(bag)
    over = np.bincount(bag, lp_ros(labels, ratio=ratio, random_state=seed))
    under = np.bincount(bag, lp_rus(labels, ratio=ratio, random_state=seed))
    assert (over >= sizes).all()
    assert (over[over > sizes] <= sizes.mean()).all()
    assert (under <= sizes).all()
    assert (under[under < sizes] >= sizes.mean()).all()


@settings(max_examples=60, deadline=None)
@given(label_matrices(), SEEDS)
def test_remedial_and_mlenn_lose_no_label(labels: sparse.csr_matrix, seed: int) -> None:
    before = label_counts(labels)
    parted = remedial(labels)
    assert label_counts(parted.labels(labels)).tolist() == before.tolist()
    assert len(parted.recipes) == 2 * (parted.copies == 0).sum()
    copies = ml_enn(labels, _places(labels, seed))
    after = labels.T.astype(int) @ copies
    rare = (before > 0) & (before.max(initial=0) > (mean_ir(before) or 1) * before)
    assert (after[rare] == before[rare]).all()
    assert ((after > 0) == (before > 0)).all()
