"""Iterative stratification and the guarantees."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labels_strategies import label_matrices, power_law
from scipy import sparse

from evenly.errors import ConfigError, DataError
from evenly.labels import iterative_folds, iterative_split
from evenly.labels.folds import folds_to_splits
from evenly.labels.guarantees import unmet_guarantees
from evenly.labels.kernels import compiled
from evenly.labels.pairs import with_pairs
from evenly.labels.quality import split_quality
from evenly.labels.units import gather_units

SHARES = (0.7, 0.15, 0.15)


def _counts(labels, code, n_splits=3):
    dense = labels.toarray() if sparse.issparse(labels) else np.asarray(labels)
    return np.stack([dense[code == split].sum(axis=0) for split in range(n_splits)])


def test_classes_that_divide_evenly_are_split_exactly():
    """100, 60 and 20 rows at 70/15/15 %."""
    classes = np.repeat(np.eye(3, dtype=int), [100, 60, 20], axis=0)
    code = iterative_split(classes, SHARES)
    assert _counts(classes, code).tolist() == [[70, 42, 14], [15, 9, 3], [15, 9, 3]]


def test_algorithm_1_worked_by_hand():
    """Two splits of 1/2, rows {a}, {a}, {a, b}, {b, c}, {c}, {c}.

    a, b and c have 3, 2 and 3 rows. b first (the rarest): one of its rows to each split, the first by the tie of the
    generator, the second to the split that now wants b most. Each then has half of what is left of a and c.
    """
    labels = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1], [0, 0, 1]])
    for seed in range(10):
        counts = _counts(labels, iterative_split(labels, (0.5, 0.5), random_state=seed), 2)
        assert counts[:, 1].tolist() == [1, 1]
        assert sorted(counts[:, 0].tolist()) == sorted(counts[:, 2].tolist()) == [1, 2]


def test_rows_without_labels_even_out_the_sizes():
    labels = np.zeros((100, 2), int)
    labels[:2, 0] = 1
    assert np.bincount(iterative_split(labels, SHARES)).tolist() == [70, 15, 15]


def test_the_same_seed_gives_the_same_split_and_another_another():
    labels = power_law(400, 20, 2.5)
    one, same, other = (iterative_split(labels, SHARES, random_state=seed) for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


def test_long_tail_is_spread_better_than_at_random():
    labels = power_law(5000, 100, 3.0)
    found = split_quality(labels, iterative_split(labels, SHARES), SHARES)
    random = np.random.default_rng(0).choice(3, 5000, p=SHARES).astype(np.int8)
    by_chance = split_quality(labels, random, SHARES)
    assert found.label_distribution < by_chance.label_distribution / 3
    assert found.missing == 0
    assert max(abs(share - asked) for share, asked in zip(found.shares, SHARES, strict=True)) < 0.01


@given(label_matrices(), st.data())
@settings(max_examples=80, deadline=None)
def test_every_row_has_one_split_units_stay_whole_and_guarantees_hold_or_are_explained(labels, data):
    n_rows = labels.shape[0]
    groups = np.array(data.draw(st.lists(st.integers(0, n_rows // 2), min_size=n_rows, max_size=n_rows)))
    code = iterative_split(labels, SHARES, groups, random_state=data.draw(st.integers(0, 3)))
    assert code.dtype == np.int8
    assert code.shape == (n_rows,)
    assert set(code.tolist()) <= {0, 1, 2}
    for group in np.unique(groups):
        assert len(set(code[groups == group].tolist())) == 1
    units = gather_units(labels, groups)
    of_unit = np.zeros(len(units.sizes), np.int8)
    of_unit[units.of_row] = code
    unmet = unmet_guarantees(units.labels, of_unit, 3)
    counts = _counts(labels, code)
    for label, total in enumerate(counts.sum(axis=0).tolist()):
        assert total == 0 or counts[0, label] > 0
        assert (label in unmet) == (total >= 3 and counts[2, label] == 0)


@given(label_matrices(single=True, max_rows=60))
@settings(max_examples=50, deadline=None)
def test_with_one_label_a_row_every_guarantee_holds(labels):
    counts = _counts(labels, iterative_split(labels, SHARES))
    total = counts.sum(axis=0)
    assert (counts[0][total >= 1] > 0).all()
    assert (counts[2][total >= 3] > 0).all()


def test_a_singleton_goes_to_train_whatever_the_shares():
    labels = np.eye(8, dtype=int)
    for seed in range(5):
        assert not iterative_split(labels, (0.1, 0.1, 0.8), random_state=seed).any()


def test_a_label_of_one_unit_is_explained():
    labels = sparse.csr_matrix(np.repeat([[1, 0], [0, 1]], [3, 20], axis=0).astype(np.int8))
    groups = np.concatenate([[0, 0, 0], np.arange(1, 21)])
    units = gather_units(labels, groups)
    code = iterative_split(labels, SHARES, groups)
    assert not code[:3].any()
    of_unit = np.zeros(21, np.int8)
    of_unit[units.of_row] = code
    assert unmet_guarantees(units.labels, of_unit, 3) == {
        0: "no row in test: its 3 rows have one text or group and stay together"
    }


def test_a_label_whose_rows_all_hold_singletons_is_explained():
    """Each of the three rows of label 0 is the only row of another label, which must stay in train."""
    labels = sparse.csr_matrix(np.column_stack([np.ones(3), np.eye(3)]).astype(np.int8))
    code = iterative_split(labels, SHARES)
    assert not code.any()
    assert unmet_guarantees(labels, code, 3) == {
        0: "no row in test: each of its rows is the only one in train of another label"
    }


def test_guarantees_are_met_wherever_a_search_over_all_splits_finds_a_way():
    """Five rows, three splits: 243 splits, enough to know what can be had."""
    rng = np.random.default_rng(3)
    met = 0
    for _ in range(30):
        labels = sparse.csr_matrix((rng.random((5, 3)) < 0.5).astype(np.int8))
        code = iterative_split(labels, (0.4, 0.2, 0.4))
        ways = (np.array(way, np.int8) for way in itertools.product(range(3), repeat=5))
        feasible = any(not unmet_guarantees(labels, way, 3) for way in ways)
        met += feasible
        assert feasible == (not unmet_guarantees(labels, code, 3))
    assert met > 0


@pytest.mark.parametrize(
    ("rows_a_label", "shares", "expected"),
    [
        (2, SHARES, SHARES),  # each label alone wants 2, 0 and 0
        (3, (0.5, 0.15, 0.35), (0.5, 0.15, 0.35)),  # 2, 0 and 1
        (5, SHARES, (0.65, 0.15, 0.2)),  # 3, 1 and 1; test is owed its 20 %
    ],
)
def test_many_small_labels_do_not_pull_the_sizes_off(rows_a_label, shares, expected):
    labels = np.repeat(np.eye(200, dtype=np.int8), rows_a_label, axis=0)
    code = iterative_split(labels, shares)
    np.testing.assert_allclose(np.bincount(code) / len(code), expected, atol=0.002)
    assert (_counts(labels, code)[0] > 0).all()
    assert rows_a_label < 3 or (_counts(labels, code)[2] > 0).all()


@pytest.mark.parametrize("shares", [(0.7, 0.2, 0.2), (1.0,), (1.0, 0.0), (0.5, -0.5, 1.0)])
def test_shares_that_cannot_be_are_refused(shares):
    with pytest.raises(ConfigError, match="sum to 1"):
        iterative_split(np.eye(4), shares)


def test_an_order_that_is_not_there_and_groups_of_another_length_are_refused():
    with pytest.raises(ConfigError, match="expected 1"):
        iterative_split(np.eye(4), SHARES, order=3)
    with pytest.raises(DataError, match="each of the 4 rows"):
        iterative_split(np.eye(4), SHARES, groups=[1, 2])


@given(label_matrices(single=True, max_rows=90), st.sampled_from([SHARES, (0.8, 0.1, 0.1), (0.5, 0.5)]))
@settings(max_examples=80, deadline=None)
def test_with_one_label_a_row_every_class_is_within_a_row_of_its_share(labels, shares):
    counts = _counts(labels, iterative_split(labels, shares), len(shares))
    assert (np.abs(counts - np.outer(shares, counts.sum(axis=0))) < 1 - 1e-9).all()


def test_pairs_are_columns_behind_the_labels():
    """Rows {a, b, d}, {b, d}, {c}, {}: ab, ad and bd in the first row, bd in the second."""
    found = with_pairs(sparse.csr_matrix(np.array([[1, 1, 0, 1], [0, 1, 0, 1], [0, 0, 1, 0], [0] * 4], np.int8)))
    assert found.toarray().tolist() == [
        [1, 1, 0, 1, 1, 1, 1],
        [0, 1, 0, 1, 0, 0, 1],
        [0, 0, 1, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ]


def test_order_2_divides_pairs_that_order_1_may_not():
    """20 rows {a, b}, 20 {a}, 20 {b}: by labels alone, 10 {a, b} and 0 {a, b} in a half are as good."""
    labels = np.repeat([[1, 1], [1, 0], [0, 1]], 20, axis=0)
    for seed in range(10):
        code = iterative_split(labels, (0.5, 0.5), order=2, random_state=seed)
        assert [int((code[start : start + 20] == 0).sum()) for start in (0, 20, 40)] == [10, 10, 10]


def test_order_2_keeps_the_distribution_of_pairs_better():
    labels = power_law(3000, 40, 3.0)
    one, two = (split_quality(labels, iterative_split(labels, SHARES, order=order), SHARES) for order in (1, 2))
    assert two.label_pair_distribution < one.label_pair_distribution / 2
    assert two.missing_pairs <= one.missing_pairs


def test_too_many_pairs_are_refused(monkeypatch):
    monkeypatch.setattr("evenly.labels.pairs._MOST_ENTRIES", 5)
    with pytest.raises(DataError, match="6 pairs of labels"):
        iterative_split(np.ones((2, 3)), (0.5, 0.5), order=2)


@given(label_matrices(), st.sampled_from([1, 2]), st.integers(2, 5), st.data())
@settings(max_examples=60, deadline=None)
def test_folds_partition_the_rows_and_units_stay_whole(labels, order, n_folds, data):
    n_rows = labels.shape[0]
    groups = np.array(data.draw(st.lists(st.integers(0, n_rows), min_size=n_rows, max_size=n_rows)))
    if len(np.unique(groups)) < n_folds:
        with pytest.raises(DataError, match="ask for fewer folds"):
            iterative_folds(labels, n_folds, groups, order)
        return
    fold = iterative_folds(labels, n_folds, groups, order, random_state=1)
    assert fold.dtype == np.int8
    assert set(fold.tolist()) <= set(range(n_folds))
    for group in np.unique(groups):
        assert len(set(fold[groups == group].tolist())) == 1
    assert (fold == iterative_folds(labels, n_folds, groups, order, random_state=1)).all()


@given(label_matrices(single=True, max_rows=60), st.integers(2, 6))
@settings(max_examples=60, deadline=None)
def test_with_one_label_a_row_folds_are_even(labels, n_folds):
    if labels.shape[0] < n_folds:
        return
    counts = _counts(labels, iterative_folds(labels, n_folds), n_folds)
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()


def test_a_label_with_as_many_rows_as_folds_is_in_every_fold():
    labels = power_law(600, 60, 3.0)
    counts = _counts(labels, iterative_folds(labels, 5), 5)
    enough = counts.sum(axis=0) >= 5
    assert enough.sum() > 40
    assert (counts[:, enough] > 0).all()
    sizes = np.bincount(iterative_folds(labels, 5))
    assert np.abs(sizes - 120).max() <= 6


@pytest.mark.parametrize("n_folds", [1, 0, 101])
def test_numbers_of_folds_that_cannot_be_are_refused(n_folds):
    with pytest.raises(ConfigError, match="2 to 100"):
        iterative_folds(np.eye(4), n_folds)


def test_a_fold_is_test_and_the_next_one_validation():
    fold = np.array([0, 1, 2, 3], np.int8)
    assert folds_to_splits(fold, 4, 1).tolist() == [0, 2, 1, 0]
    assert folds_to_splits(fold, 4, 3).tolist() == [1, 0, 0, 2]


def test_quality_worked_by_hand():
    """Four rows {a}, {a, b}, {b}, {}; the first two in split 0.

    Odds of a: 1 in the table, in the splits 2 of 2 rows (the denominator counts as 1) and 0 of 2: |2 - 1|, |0 - 1|.
    Odds of b: 1; 1 of 2 rows in each split: 1 and 1. LD = (1 + 0) / 2. The pair: 1/3; in the splits 1/1 and 0:
    LPD = (2/3 + 1/3) / 2. ED: 2 rows each, asked 3 and 1.
    """
    labels = sparse.csr_matrix(np.array([[1, 0], [1, 1], [0, 1], [0, 0]], np.int8))
    found = split_quality(labels, np.array([0, 0, 1, 1], np.int8), (0.75, 0.25))
    assert found.label_distribution == pytest.approx(0.5)
    assert found.label_pair_distribution == pytest.approx(0.5)
    assert found.examples_distribution == 1
    assert found.shares == (0.5, 0.5)
    assert (found.missing, found.missing_pairs) == (1, 1)


def test_without_a_folder_for_the_cache_the_kernel_is_compiled_all_the_same(monkeypatch):
    import numba

    njit = numba.njit

    def refuse_cache(**options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    monkeypatch.setattr(numba, "njit", refuse_cache)
    assert compiled(_double)(21) == 42


def _double(value):
    return 2 * value
