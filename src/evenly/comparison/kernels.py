"""Average precision of one label under many weightings of the test rows, as one compiled loop.

Comes in: the rows from the highest score to the lowest, and how often each unit of rows is drawn in each replicate.
Goes out: average precision a replicate. Nothing is sorted again: weights change, the order of the scores does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["weighted_average_precision"]


@compiled
def weighted_average_precision(
    units: NDArray[np.int64],
    holds: NDArray[np.bool_],
    last_of_score: NDArray[np.bool_],
    drawn: NDArray[np.uint8],
    found: NDArray[np.float64],
) -> None:
    """Write AP = sum over distinct scores of (R_n - R_(n-1)) P_n, with every row counted as often as it was drawn.

    Parameters
    ----------
    units, holds, last_of_score
        Shape (n_rows,), by descending score: the unit of a row, whether it holds the label, and whether it is the
        last one with its score (rows of one score come in together, whatever their order).
    drawn
        Shape (n_replicates, n_units), uint8: how often each unit is in each replicate.
    found
        Shape (n_replicates,), float64: written; NaN where no row that holds the label was drawn.
    """
    for replicate in range(drawn.shape[0]):
        seen = 0.0
        true = 0.0
        true_before = 0.0
        total = 0.0
        for row in range(len(units)):
            weight = drawn[replicate, units[row]]
            seen += weight
            if holds[row]:
                true += weight
            if last_of_score[row] and true > true_before:
                total += (true - true_before) * true / seen
                true_before = true
        found[replicate] = total / true if true > 0 else np.nan
