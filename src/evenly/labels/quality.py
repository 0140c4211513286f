"""How well a split keeps the distribution of labels: LD, LPD, ED.

Comes in: a label matrix and the split of every row. Goes out: numbers, 0 the best. LD and LPD compare odds,
so common labels weigh more in them than rare ones; `missing` counts what they hide, a label that a split has
no row of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.imbalance import label_counts
from evenly.labels.cooccurrence import label_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy import sparse

__all__ = ["SplitQuality", "split_quality"]


@dataclass(frozen=True)
class SplitQuality:
    """What `split_quality` finds.

    Attributes
    ----------
    label_distribution
        LD: mean over labels of the mean over splits of the difference between the odds of the label in the
        split and in the table. Labels that no row or every row holds are left out.
    label_pair_distribution
        LPD: the same over pairs of labels that some row holds together; 0 where there is none.
    examples_distribution
        ED: mean over splits of the difference between the rows it has and the rows it should have.
    shares
        The share of the rows that each split has.
    missing
        Number of (split, label) pairs without a row, labels without any row left out.
    missing_pairs
        Number of (split, pair of labels) without a row, pairs without any row left out.
    """

    label_distribution: float
    label_pair_distribution: float
    examples_distribution: float
    shares: tuple[float, ...]
    missing: int
    missing_pairs: int


def split_quality(labels: sparse.csr_matrix, code: NDArray[np.int8], shares: Sequence[float]) -> SplitQuality:
    """Measure a split.

    Parameters
    ----------
    labels
        CSR, shape (n_rows, n_labels).
    code
        Shape (n_rows,), int8: index into `shares`.
    shares
        The shares that were asked for.

    References
    ----------
    K. Sechidis, G. Tsoumakas, I. Vlahavas, ECML PKDD 2011, section 4.2 (LD, ED); P. Szymanski, T.
    Kajdanowicz: A network perspective on stratification of multi-label data, LIDTA 2017 (LPD).
    """
    n_rows, n_splits = labels.shape[0], len(shares)
    parts = [labels[code == split] for split in range(n_splits)]
    sizes = np.array([part.shape[0] for part in parts])
    counts = np.stack([label_counts(part) for part in parts])
    pairs = _pair_counts(labels, parts)
    return SplitQuality(
        label_distribution=_odds_difference(counts, sizes),
        label_pair_distribution=_odds_difference(pairs, sizes),
        # ED = 1/k sum_j | |S_j| - r_j N |
        examples_distribution=float(np.abs(sizes - np.asarray(shares) * n_rows).mean()),
        shares=tuple((sizes / n_rows).tolist()),
        missing=_missing(counts),
        missing_pairs=_missing(pairs),
    )


def _odds_difference(counts: NDArray[np.int64], sizes: NDArray[np.int64]) -> float:
    """Return 1/L sum_l 1/k sum_j | |S_jl| / (|S_j| - |S_jl|) - |D_l| / (|D| - |D_l|) |.

    `counts` has the shape (n_splits, n_labels). A split whose every row holds a label has no odds: its
    denominator counts as 1 row.
    """
    total, n_rows = counts.sum(axis=0), sizes.sum()
    usable = (total > 0) & (total < n_rows)
    if not usable.any():
        return 0.0
    inside = counts[:, usable] / np.maximum(sizes[:, None] - counts[:, usable], 1)
    return float(np.abs(inside - total[usable] / (n_rows - total[usable])).mean())


def _pair_counts(labels: sparse.csr_matrix, parts: list[sparse.csr_matrix]) -> NDArray[np.int64]:
    """Return how often each pair of the whole table stands in each split, shape (n_splits, n_pairs)."""
    n_labels = labels.shape[1]
    whole = label_pairs(labels)
    keys = whole.label.astype(np.int64) * n_labels + whole.other
    counts = np.zeros((len(parts), len(keys)), np.int64)
    for split, part in enumerate(parts):
        found = label_pairs(part)
        counts[split, np.searchsorted(keys, found.label.astype(np.int64) * n_labels + found.other)] = found.count
    return counts


def _missing(counts: NDArray[np.int64]) -> int:
    return int((counts[:, counts.sum(axis=0) > 0] == 0).sum())
