"""ML-ROS and ML-RUS: clones of, or cuts among, whole rows of a multi-label table, steered by the IRLbl.

Both take labels and give the copies of every row; one label a row is the case in which bags are classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.imbalance import label_counts, label_matrix
from evenly.resample.growth import Bags, grow
from evenly.resample.limits import Limits
from evenly.resample.targets import above_target

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ml_ros", "ml_rus"]


def ml_ros(
    labels: Any,
    *,
    target_ir: float,
    max_copies: int,
    max_growth: float,
    random_state: np.random.Generator | int,
) -> NDArray[np.int32]:
    """Clone rows of rare labels until every label has an IRLbl of at most the target.

    As in the paper, a clone is a random row of the label's original bag and raises every label that it holds. Other
    than there, the aim is `target_ir` instead of the MeanIR at the start, `max_copies` bounds a row, and clones that
    no longer lower the largest IR are taken back; after that only rows without the most frequent label are cloned.

    Parameters
    ----------
    labels
        Shape (n_rows, n_labels), sparse or dense, 0/1.
    target_ir, max_copies, max_growth
        See `Limits`.
    random_state
        A generator, or the seed of one.

    Returns
    -------
    ndarray, shape (n_rows,), int32
        How often each row is to stand in the data; at least 1.

    References
    ----------
    Charte, Rivera, del Jesus, Herrera: Addressing imbalance in multilabel classification, Neurocomputing 163 (2015),
    algorithm 3.

    Examples
    --------
    >>> ml_ros([[1, 0], [1, 0], [1, 0], [1, 0], [0, 1]], target_ir=2, max_copies=10, max_growth=1, random_state=0)
    array([1, 1, 1, 1, 2], dtype=int32)
    """
    matrix = label_matrix(labels)
    bags = Bags.of(matrix, label_counts(matrix) > 0)
    growth = grow(
        matrix,
        bags,
        limits=Limits(target_ir, max_copies, max_growth),
        random_state=np.random.default_rng(random_state),
    )
    return (1 + np.bincount(growth.seed, minlength=matrix.shape[0])).astype(np.int32)


def ml_rus(
    labels: Any, *, target_ir: float, max_growth: float, random_state: np.random.Generator | int
) -> NDArray[np.int32]:
    """Remove rows that hold no minority label until every label has an IRLbl of at most the target.

    A minority label is one whose IRLbl is above the target at the start; its rows stay. Each step removes a random
    row of the label that is the most frequent at that moment (the paper walks over all majority labels, which
    removes rows that do not lower the largest count), unless another label of that row would come above the target.

    Parameters
    ----------
    labels
        Shape (n_rows, n_labels), sparse or dense, 0/1.
    target_ir
        See `Limits`.
    max_growth
        Most rows removed, as a share of the rows.
    random_state
        A generator, or the seed of one.

    Returns
    -------
    ndarray, shape (n_rows,), int32
        0 for rows that go, 1 for rows that stay.

    References
    ----------
    Charte, Rivera, del Jesus, Herrera: Addressing imbalance in multilabel classification, Neurocomputing 163 (2015).

    Examples
    --------
    >>> ml_rus([[1, 0]] * 6 + [[0, 1]], target_ir=2, max_growth=1, random_state=0).sum().item()
    3
    """
    matrix = label_matrix(labels)
    limits = Limits(target_ir=target_ir, max_growth=max_growth)
    counts = label_counts(matrix)
    minority = above_target(counts, target_ir)
    copies = np.ones(matrix.shape[0], np.int32)
    if not minority.any():
        return copies
    from evenly.resample.kernels import remove_rows

    bags = Bags.of(matrix, counts > 0)
    removed = remove_rows(
        np.random.default_rng(random_state),
        (bags.start, bags.rows),
        (matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64)),
        counts,
        np.asarray(matrix @ minority.astype(np.int64)) == 0,
        min(limits.budget(len(copies)), len(copies)),
        float(target_ir),
    )
    copies[removed] = 0
    return copies
