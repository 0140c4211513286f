"""The areas of resamples, compiled: the sorted order of a label is walked once, in all resamples side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["resample_average_precision"]


@compiled
def resample_average_precision(
    order: NDArray[np.int64],
    last_of_level: NDArray[np.bool_],
    holds: NDArray[np.bool_],
    weights: NDArray[np.uint16],
    found: NDArray[np.float64],
) -> None:
    """Write AP = sum_n (R_n - R_(n-1)) P_n of one label in every resample, NaN where the resample lacks it.

    Parameters
    ----------
    order
        Shape (n_rows,): the rows by their scores, highest first.
    last_of_level, holds
        Shape (n_rows,), in that order: whether the next score is lower, whether the row holds the label.
    weights
        Shape (n_rows, n_resamples), rows in the order of the table: how often each is in a resample.
    found
        Shape (n_resamples,), filled.
    """
    n_samples = weights.shape[1]
    seen, level = np.zeros(n_samples, np.int32), np.zeros(n_samples, np.int32)
    hits, area = np.zeros(n_samples, np.int32), np.zeros(n_samples, np.float64)
    open_level = False
    for place in range(order.shape[0]):
        row = order[place]
        for sample in range(n_samples):
            seen[sample] += weights[row, sample]
        if holds[place]:
            open_level = True
            for sample in range(n_samples):
                level[sample] += weights[row, sample]
        if open_level and last_of_level[place]:
            for sample in range(n_samples):
                hits[sample] += level[sample]
                if level[sample] > 0:
                    area[sample] += level[sample] * hits[sample] / seen[sample]
                level[sample] = 0
            open_level = False
    for sample in range(n_samples):
        found[sample] = area[sample] / hits[sample] if hits[sample] > 0 else np.nan
