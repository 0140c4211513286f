"""Where every positive stands among the scores in; precision over recall at a few points out.

A curve changes only at the score of a positive, so its points are taken there: all of them where there are few, an
even choice by recall where there are many, the ends always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.train.evaluation.ranking import RankedPositives

__all__ = ["LABEL_POINTS", "POOLED_POINTS", "pr_points"]

LABEL_POINTS, POOLED_POINTS = 40, 200


def pr_points(ranked: RankedPositives, n_points: int, *, pooled: bool = False) -> pa.Table:
    """Return `id` int32 (null where labels are pooled), `threshold` float32, `precision`, `recall` float64.

    Parameters
    ----------
    ranked
        The positives of every label, or of all labels together.
    n_points
        At most so many of each curve.
    pooled
        Whether labels are pooled.
    """
    n_found = ranked.n_positives[ranked.label] - ranked.true_below
    kept = _chosen(n_found, ranked, n_points)
    label, found = ranked.label[kept], n_found[kept]
    ids = pa.nulls(len(kept), pa.int32()) if pooled else pa.array(label.astype(np.int32))
    return pa.table(
        {
            "id": ids,
            "threshold": ranked.score[kept],
            "precision": found / (ranked.n_scores - ranked.below[kept]),
            "recall": found / ranked.n_positives[label],
        }
    )


def _chosen(n_found: NDArray[np.int64], ranked: RankedPositives, n_points: int) -> NDArray[np.int64]:
    """Return the places of the first positive of each level that starts a new share of the recall, highest first."""
    total = ranked.n_positives[ranked.label]
    share = np.ceil(n_found * (n_points - 1) / total).astype(np.int64)
    share[n_found == total] = n_points
    order = np.lexsort((n_found, ranked.label))
    key = (ranked.label * (n_points + 1) + share)[order]
    first = np.append(True, key[1:] != key[:-1]) if len(key) else np.empty(0, np.bool_)
    kept: NDArray[np.int64] = order[first]
    return kept
