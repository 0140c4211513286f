"""From measures of replicates and seeds to an estimate, its 95 % interval and its p-value.

Two things make a difference between two strategies uncertain: another seed (first weights, order of rows, draws of
the resampling) and other test rows. With d_s the difference of seed s on the test rows, S seeds, and D_b the mean over
the seeds of the difference on replicate b of the test rows::

    d = mean_s d_s        V = V_seeds + V_rows        V_rows = var_b(D_b, ddof=1)

The law of total variance has Var(d) = E[Var(d | rows)] + Var(E[d | rows]); V_seeds estimates the first term. V_rows
is the bootstrap variance of the mean of these very seeds, so that the part that seeds and rows make together is in
both terms: V is a little too large rather than too small. The pairs are the same rows with the same seed; what both
strategies find hard cancels.

Three seeds say little about the spread of one difference, so it is pooled over all K strategies, as in a randomised
block design (the seeds are the blocks)::

    V_seeds = 2 MS_residual / S        with (K - 1) (S - 1) degrees of freedom

and a strategy whose own spread, var(d_s, ddof=1) / S, is clearly larger (F test, 5 %) keeps its own, with S - 1. The
interval is d -+ t sqrt(V) with Satterthwaite's degrees of freedom, and p is that of the same t. One seed: V_seeds is
not known, and that is said. The train and validation rows are the same in all runs, so nothing here speaks of other
train rows.

References
----------
.. [1] B. Efron, R. Tibshirani, An Introduction to the Bootstrap (1993), chapters 6 and 8 (bootstrap variance, units).
.. [2] F. Satterthwaite, Biometrics Bulletin 2 (1946): degrees of freedom of a sum of variances.
.. [3] D. Montgomery, Design and Analysis of Experiments, chapter 4: the randomised complete block design.
.. [4] S. Holm, Scandinavian Journal of Statistics 6 (1979): p-values of several comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["FEWEST_UNITS", "Estimate", "Spread", "estimate", "holm", "pooled_spread"]

FEWEST_UNITS = 10
"""Below this a bootstrap says nothing about other test rows."""

_SHARE_BELOW = 0.975
_LEVEL_OF_F = 0.95


@dataclass(frozen=True)
class Estimate:
    """A measure, or a difference of two.

    Attributes
    ----------
    value
        The mean over the seeds.
    low, high, p
        The 95 % interval and the two-sided p-value against 0; None where they are not known.
    by_seed
        The value of each seed.
    """

    value: float
    low: float | None
    high: float | None
    p: float | None
    by_seed: tuple[float, ...]


@dataclass(frozen=True)
class Spread:
    """The variance that seeds give the mean of a difference, and its degrees of freedom."""

    variance: float
    freedom: int


def pooled_spread(values: NDArray[np.float64]) -> Spread | None:
    """Return the variance of a difference of two strategies' means over seeds, pooled over all strategies.

    Parameters
    ----------
    values
        Shape (n_strategies, n_seeds): one measure. Two strategies give var(d_s, ddof=1) / S of their differences.

    Returns
    -------
    Spread or None
        None with one seed or one strategy.
    """
    n_strategies, n_seeds = values.shape
    freedom = (n_strategies - 1) * (n_seeds - 1)
    if not freedom:
        return None
    expected = values.mean(axis=1, keepdims=True) + values.mean(axis=0, keepdims=True) - values.mean()
    residual = float(((values - expected) ** 2).sum() / freedom)
    return Spread(2 * residual / n_seeds, freedom)


def estimate(replicates: NDArray[np.float64], n_units: int, pooled: Spread | None = None) -> Estimate | None:
    """Return the estimate of a measure; None where it is not defined on the test rows.

    Parameters
    ----------
    replicates
        Shape (n_seeds, 1 + n_replicates): for each seed the value on the test rows as they are, then on replicates,
        the same ones for every seed. Replicates on which it is not defined (NaN) are left out.
    n_units
        Units of test rows, which the replicates draw from.
    pooled
        The spread over seeds, from all strategies; None: this one's own.
    """
    by_seed = replicates[:, 0]
    if not np.isfinite(by_seed).all():
        return None
    value, seeds = float(by_seed.mean()), tuple(map(float, by_seed))
    drawn = replicates[:, 1:].mean(axis=0)
    drawn = drawn[np.isfinite(drawn)]
    if n_units < FEWEST_UNITS or len(drawn) < 2:  # noqa: PLR2004 - a variance takes two
        return Estimate(value, None, None, None, seeds)
    spread = _spread(by_seed, pooled)
    half, p = _interval(value, (Spread(float(np.var(drawn, ddof=1)), n_units - 1), spread))
    return Estimate(value, value - half, value + half, p, seeds)


def _spread(by_seed: NDArray[np.float64], pooled: Spread | None) -> Spread:
    """Return the pooled spread, or the own one where it is clearly larger, or the only one there is."""
    if len(by_seed) == 1:
        return Spread(0.0, 1)
    own = Spread(float(np.var(by_seed, ddof=1) / len(by_seed)), len(by_seed) - 1)
    if pooled is None:
        return own
    from scipy import stats

    return own if own.variance > stats.f.ppf(_LEVEL_OF_F, own.freedom, pooled.freedom) * pooled.variance else pooled


def _interval(value: float, parts: Sequence[Spread]) -> tuple[float, float]:
    """Return half the width of the interval and p, of independent variances with their degrees of freedom."""
    from scipy import stats

    variance = sum(part.variance for part in parts)
    if variance == 0:
        return 0.0, 1.0 if value == 0 else 0.0
    freedom = variance**2 / sum(part.variance**2 / part.freedom for part in parts)
    error = variance**0.5
    return float(stats.t.ppf(_SHARE_BELOW, freedom) * error), float(2 * stats.t.sf(abs(value) / error, freedom))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values: all below .05 together are wrong with probability .05 at most.

    Examples
    --------
    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.maximum.accumulate((len(p_values) - np.arange(len(p_values))) * np.asarray(p_values)[order])
    return [float(min(1.0, p)) for p in adjusted]
