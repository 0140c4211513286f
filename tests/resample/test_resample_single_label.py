"""random_over and random_under: the class counts are those of imbalanced-learn for the strategy that follows."""

from __future__ import annotations

import numpy as np
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler

from evenly.resample import Limits, random_over, random_under
from evenly.resample.single_label import over_strategy, under_strategy


def _classes(*counts: int) -> np.ndarray:
    return np.repeat(np.arange(len(counts)), counts)


@pytest.mark.parametrize(
    ("counts", "limits", "expected"),
    [
        ((10, 3, 1), Limits(2, 10, 1.0), {1: 5, 2: 5}),
        ((10, 3, 1), Limits(3, 10, 1.0), {1: 4, 2: 4}),  # the first whole number at or above 10 / 3
        ((10, 3, 1), Limits(1, 10, 2.0), {1: 10, 2: 10}),
        ((20, 2), Limits(2, 3, 1.0), {1: 6}),  # three times each of two rows
        ((20, 2, 1), Limits(2, 10, 4 / 23), {1: 4, 2: 3}),  # two rounds of one each
        ((20, 2, 1), Limits(2, 10, 5 / 23), {1: 4, 2: 4}),  # and the fifth row for the rarest
        ((20, 0, 1), Limits(10, 10, 1.0), {2: 2}),  # a class without rows gets none
        ((5, 5), Limits(1, 10, 1.0), {}),
        ((10, 1), Limits(10, 10, 1.0), {}),  # at the target is not above it
        ((10, 1), Limits(2, 1, 1.0), {}),
        ((10, 1), Limits(2, 10, 0.0), {}),
    ],
)
def test_over_strategy(counts: tuple[int, ...], limits: Limits, expected: dict[int, int]) -> None:
    assert over_strategy(np.array(counts), limits) == expected


@pytest.mark.parametrize(
    ("counts", "limits", "expected"),
    [
        ((10, 3, 1), Limits(4, 10, 1.0), {0: 4}),
        ((10, 3, 1), Limits(2, 10, 1.0), {0: 2, 1: 2}),
        ((10, 9, 1), Limits(2, 10, 0.2), {0: 8, 1: 8}),  # 4 may go: down to 8 takes 3, down to 7 would take 5
        ((10, 0, 1), Limits(2, 10, 1.0), {0: 2}),
        ((5, 5), Limits(1, 10, 1.0), {}),
        ((10, 1), Limits(2, 10, 0.0), {}),
    ],
)
def test_under_strategy(counts: tuple[int, ...], limits: Limits, expected: dict[int, int]) -> None:
    assert under_strategy(np.array(counts), limits) == expected


def test_over_sampled_counts_equal_imbalanced_learns() -> None:
    y = _classes(40, 7, 3, 1)
    sampler = RandomOverSampler(sampling_strategy={1: 10, 2: 10, 3: 10}, random_state=5)
    _, expected = sampler.fit_resample(np.arange(len(y)).reshape(-1, 1), y)
    copies = random_over(y, target_ir=4, max_copies=20, max_growth=1, random_state=5)
    assert np.bincount(y, copies).tolist() == np.bincount(expected).tolist()
    assert copies.min() == 1


def test_under_sampled_counts_equal_imbalanced_learns() -> None:
    y = _classes(40, 7, 3)
    sampler = RandomUnderSampler(sampling_strategy={0: 6, 1: 6}, random_state=5)
    _, expected = sampler.fit_resample(np.arange(len(y)).reshape(-1, 1), y)
    copies = random_under(y, target_ir=2, max_growth=1, random_state=5)
    assert np.bincount(y, copies).tolist() == np.bincount(expected).tolist()
    assert set(copies.tolist()) == {0, 1}


@pytest.mark.parametrize("seed", range(4))
def test_a_row_drawn_too_often_hands_copies_on(seed: int) -> None:
    # 5 rows of a class that needs 18: 13 draws with replacement, at most 4 times each row
    copies = random_over(_classes(36, 5), target_ir=2, max_copies=4, max_growth=1, random_state=seed)
    assert copies[36:].sum() == 18
    assert copies.max() <= 4


def test_a_class_without_rows_and_a_table_without_rows() -> None:
    assert random_over([0] * 9 + [3], target_ir=3, max_copies=9, max_growth=1, random_state=0)[9] == 3
    assert random_over([], target_ir=3, max_copies=9, max_growth=1, random_state=0).tolist() == []
    assert random_under([], target_ir=3, max_growth=1, random_state=0).tolist() == []


def test_seeds_decide_and_repeat() -> None:
    y = _classes(200, 30)

    def over(seed: int) -> list[int]:
        return random_over(y, target_ir=2, max_copies=10, max_growth=1, random_state=seed).tolist()

    def under(seed: int) -> list[int]:
        return random_under(y, target_ir=2, max_growth=1, random_state=seed).tolist()

    assert over(1) == over(1) != over(2)
    assert under(1) == under(1) != under(2)
