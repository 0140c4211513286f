"""LP-ROS and LP-RUS by hand: the arithmetic of bags, the remainder, and the warning."""

from __future__ import annotations

import numpy as np
import pytest

from evenly.resample import ResamplingWarning, lp_ros, lp_rus


def _bags(*sizes: int) -> np.ndarray:
    """Return one-hot labels: bag after bag of so many rows."""
    return np.repeat(np.eye(len(sizes), dtype=np.int8), sizes, axis=0)


def _rows(copies: np.ndarray, *sizes: int) -> list[int]:
    """Return the rows of every bag afterwards."""
    return [int(part.sum()) for part in np.split(copies, np.cumsum(sizes)[:-1])]


@pytest.mark.parametrize(
    ("sizes", "amount", "expected"),
    [
        # mean 4, T 4, two bags below: two each
        ((10, 4, 1, 1), {}, [10, 4, 3, 3]),
        # mean 5.33, T 4, two each; the bag of 5 has no room, so its two go to the bag of 1
        ((10, 5, 1), {}, [10, 5, 5]),
        # no bag goes above the mean, 4.5: from 1 to 4 at most
        ((10, 6, 1, 1), {"ratio": 1.0}, [10, 6, 4, 4]),
        ((10, 6, 1, 1), {"n_samples": 2}, [10, 6, 2, 2]),
        ((10, 6, 1, 1), {"ratio": 1.0, "max_copies": 2}, [10, 6, 2, 2]),
        # labelsets as classes: to a half of the largest
        ((10, 6, 1, 1), {"target_ir": 2, "max_growth": 1}, [10, 6, 5, 5]),
        ((5, 5), {}, [5, 5]),
    ],
)
def test_lp_ros(sizes: tuple[int, ...], amount: dict[str, float], expected: list[int]) -> None:
    copies = lp_ros(_bags(*sizes), random_state=0, **amount)
    assert _rows(copies, *sizes) == expected
    assert copies.min() == 1


@pytest.mark.parametrize(
    ("sizes", "amount", "expected"),
    [
        # mean 4.5, T 4, two bags above: the bag of 6 has room for 1 of its 2, the other goes to the bag of 10
        ((10, 6, 1, 1), {}, [7, 5, 1, 1]),
        ((10, 6, 1, 1), {"n_samples": 2}, [9, 5, 1, 1]),
        ((10, 6, 1, 1), {"ratio": 1.0}, [5, 5, 1, 1]),
        ((10, 6, 1, 1), {"target_ir": 7}, [7, 6, 1, 1]),
        ((5, 5), {}, [5, 5]),
    ],
)
def test_lp_rus(sizes: tuple[int, ...], amount: dict[str, float], expected: list[int]) -> None:
    copies = lp_rus(_bags(*sizes), random_state=0, **amount)
    assert _rows(copies, *sizes) == expected
    assert copies.max() == 1


def test_the_empty_labelset_is_one_too() -> None:
    labels = np.array([[1, 0]] * 6 + [[0, 0]] * 2 + [[1, 1]] * 4)
    assert _rows(lp_ros(labels, random_state=0), 6, 2, 4) == [6, 4, 4]


@pytest.mark.parametrize("function", [lp_ros, lp_rus])
def test_labelsets_of_a_single_row_mean_nothing(function: object) -> None:
    labels = np.concatenate([np.eye(5, dtype=int), [[1, 1, 0, 0, 0]] * 4])
    with pytest.warns(ResamplingWarning, match="5 of 9 rows have a labelset that no other row has"):
        function(labels, random_state=0)
