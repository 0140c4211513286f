"""The imbalance ratios that resampling steers by (Charte et al. 2015, Neurocomputing 163).

Empty labels (no rows) have no ratio: NaN, and left out of means and maxima.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.imbalance import irlbl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.resample.limits import Limits

__all__ = ["above_target", "aim_of", "max_ir", "mean_ir"]


def max_ir(counts: NDArray[np.int64]) -> float | None:
    """Return the largest IRLbl, or None where no label has rows."""
    return float(np.nanmax(irlbl(counts))) if counts.any() else None


def mean_ir(counts: NDArray[np.int64]) -> float | None:
    """Return the mean IRLbl over the labels with rows, or None where there is none."""
    return float(np.nanmean(irlbl(counts))) if counts.any() else None


def aim_of(limits: Limits, counts: NDArray[np.int64]) -> float:
    """Return the IRLbl above which a label is in the minority: `target_ir`, else the MeanIR of these counts."""
    return (mean_ir(counts) or 1.0) if limits.target_ir is None else limits.target_ir


def above_target(counts: NDArray[np.int64], target_ir: float) -> NDArray[np.bool_]:
    """Return which labels have rows and an IRLbl strictly above the target, shape (n_labels,)."""
    above: NDArray[np.bool_] = (counts > 0) & (counts.max(initial=0) > target_ir * counts)
    return above
