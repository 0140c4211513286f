"""Where the scores of the rows that hold a label stand among all scores of that label.

In: scores, shape (n_rows, n_labels), float32, and the labels, a sparse matrix of the same shape. Out: for every cell
that holds a label how many scores lie below it and beside it, counted exactly, ties included. Average precision,
ROC-AUC and the threshold of the best F1 all follow from these counts, since each of them changes only at the score
of a positive; so nothing but the scores is sorted, block by block, for all labels of a block at once.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from evenly.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from scipy import sparse

__all__ = ["BLOCK_CELLS", "RankedPositives", "iter_blocks", "rank_all_positives", "rank_label_positives"]

BLOCK_CELLS = 1 << 22
"""Scores that are held at once, beside the matrix itself, which may lie on disk."""

_SIGN = np.uint32(1 << 31)


@dataclass(frozen=True)
class RankedPositives:
    """The positives, ascending by label, then by score.

    Attributes
    ----------
    label
        Shape (n_positives,), int64: 0 for all of them where labels are pooled.
    score, next_lower
        Shape (n_positives,), float32: the score, and the nearest lower one among all scores; -inf where none is.
    below, level
        Shape (n_positives,), int64: how many scores of the label are lower, how many are the same (itself included).
    true_below, true_level
        Shape (n_positives,), int64: the same, of positives alone.
    n_positives, n_scores
        Shape (n_groups,) int64, and int: positives a label, and scores a label (or in all).
    """

    label: NDArray[np.int64]
    score: NDArray[np.float32]
    next_lower: NDArray[np.float32]
    below: NDArray[np.int64]
    level: NDArray[np.int64]
    true_below: NDArray[np.int64]
    true_level: NDArray[np.int64]
    n_positives: NDArray[np.int64]
    n_scores: int

    def average_precision(self) -> NDArray[np.float64]:
        """Return AP = sum_n (R_n - R_(n-1)) P_n, shape (n_groups,), NaN without positives."""
        true_from_here = self.n_positives[self.label] - self.true_below
        return self._mean(true_from_here / (self.n_scores - self.below))

    def roc_auc(self) -> NDArray[np.float64]:
        """Return P(positive > negative) + P(tie) / 2, shape (n_groups,), NaN without positives or negatives."""
        lower = self.below - self.true_below
        tied = self.level - self.true_level
        n_negatives = (self.n_scores - self.n_positives)[self.label]
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._mean((lower + 0.5 * tied) / n_negatives)

    def precision(self) -> NDArray[np.float64]:
        """Return the precision of "this score or higher", shape (n_positives,): TP / predicted."""
        return (self.n_positives[self.label] - self.true_below) / (self.n_scores - self.below)

    def f1(self) -> NDArray[np.float64]:
        """Return the F1 of "this score or higher", shape (n_positives,): 2 TP / (predicted + positives)."""
        total = self.n_positives[self.label]
        return 2 * (total - self.true_below) / (self.n_scores - self.below + total)

    def _mean(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = np.bincount(self.label, weights=values, minlength=len(self.n_positives))
        with np.errstate(invalid="ignore"):
            mean: NDArray[np.float64] = sums / self.n_positives
        return mean


def iter_blocks(n: int, cells_each: int) -> Iterator[slice]:
    """Yield slices of rows (or labels) that together have about `BLOCK_CELLS` cells."""
    step = max(1, BLOCK_CELLS // max(1, cells_each))
    for start in range(0, n, step):
        yield slice(start, min(n, start + step))


def rank_label_positives(scores: NDArray[np.float32], labels: sparse.csr_matrix) -> RankedPositives:
    """Rank every positive among the scores of its label.

    Parameters
    ----------
    scores
        Shape (n_rows, n_labels), float32, finite; may be a memory map.
    labels
        Shape (n_rows, n_labels), 1 where a row holds a label.
    """
    by_label = labels.tocsc()
    n_rows, n_labels = scores.shape
    blocks = list(iter_blocks(n_labels, n_rows))
    pieces = [_rank_block(_order(scores[:, block].T), by_label[:, block].tocoo(), block.start) for block in blocks]
    counts = np.diff(by_label.indptr).astype(np.int64)
    return _with_positives(_Cells.concatenate(pieces), counts, n_rows)


@dataclass(frozen=True)
class _Cells:
    """The positives, ascending by label, then by key, and where they stand among all scores; each (n_positives,)."""

    label: NDArray[np.int64]
    key: NDArray[np.uint32]
    below: NDArray[np.int64]
    level: NDArray[np.int64]
    next_lower: NDArray[np.float32]

    @classmethod
    def concatenate(cls, pieces: list[_Cells]) -> _Cells:
        return cls(*(np.concatenate([getattr(piece, field.name) for piece in pieces]) for field in fields(cls)))


def _rank_block(keys: NDArray[np.uint32], cells: sparse.coo_matrix, first: int) -> _Cells:
    """Rank the positives of some labels; one search serves all of them, as the label leads in the key."""
    n_labels, n_rows = keys.shape
    label = cells.col.astype(np.uint64)
    wanted = np.sort((label << np.uint64(32)) | keys[cells.col, cells.row])
    ordered = np.sort(keys, axis=1).astype(np.uint64)
    ordered |= (np.arange(n_labels, dtype=np.uint64) << np.uint64(32))[:, None]
    flat = ordered.ravel()
    low, high = np.searchsorted(flat, wanted), np.searchsorted(flat, wanted, side="right")
    own = (wanted >> np.uint64(32)).astype(np.int64)
    below = low - own * n_rows
    next_lower = np.where(below > 0, _score_of(flat[np.maximum(low - 1, 0)]), np.float32(-np.inf))
    return _Cells(own + first, wanted.astype(np.uint32), below, high - low, next_lower)


def rank_all_positives(scores: NDArray[np.float32], labels: sparse.csr_matrix) -> RankedPositives:
    """Rank every positive among the scores of all labels together, as micro averages do.

    Parameters
    ----------
    scores
        Shape (n_rows, n_labels), float32, finite; may be a memory map.
    labels
        Shape (n_rows, n_labels), 1 where a row holds a label.
    """
    n_rows, n_labels = scores.shape
    blocks = list(iter_blocks(n_rows, n_labels))
    own = [_order(scores[block])[labels[block].nonzero()] for block in blocks]
    wanted = np.sort(np.concatenate(own)) if own else np.empty(0, np.uint32)
    below = np.zeros(len(wanted), np.int64)
    at_most = np.zeros(len(wanted), np.int64)
    next_lower = np.full(len(wanted), -np.inf, np.float32)
    for block in blocks:
        ordered = np.sort(_order(scores[block]), axis=None)
        low = np.searchsorted(ordered, wanted)
        below += low
        at_most += np.searchsorted(ordered, wanted, side="right")
        nearest = np.where(low > 0, _score_of(ordered[np.maximum(low - 1, 0)]), np.float32(-np.inf))
        np.maximum(next_lower, nearest, out=next_lower)
    counts = np.array([len(wanted)])
    label = np.zeros(len(wanted), np.int64)
    return _with_positives(_Cells(label, wanted, below, at_most - below, next_lower), counts, n_rows * n_labels)


def _with_positives(cells: _Cells, counts: NDArray[np.int64], n_scores: int) -> RankedPositives:
    both = (cells.label.astype(np.uint64) << np.uint64(32)) | cells.key.astype(np.uint64)
    low, high = np.searchsorted(both, both), np.searchsorted(both, both, side="right")
    return RankedPositives(
        label=cells.label,
        score=_score_of(cells.key),
        next_lower=cells.next_lower,
        below=cells.below,
        level=cells.level,
        true_below=low - (np.cumsum(counts) - counts)[cells.label],
        true_level=high - low,
        n_positives=counts,
        n_scores=n_scores,
    )


def _order(scores: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Return whole numbers in the order of the scores: sorted and searched faster than floats, and exactly."""
    values = np.ascontiguousarray(scores, np.float32) + np.float32(0)  # -0 becomes 0
    if not np.isfinite(values).all():
        raise DataError(
            "Some scores are not finite numbers, so that they cannot be ranked: the training diverged. "
            "Use a smaller learning rate (train.learning_rate)."
        )
    bits = values.view(np.uint32)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _score_of(key: NDArray[np.generic]) -> NDArray[np.float32]:
    bits = key.astype(np.uint32)
    return np.where(bits & _SIGN, bits ^ _SIGN, ~bits).view(np.float32)
