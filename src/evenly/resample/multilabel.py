"""ML-ROS and ML-RUS: clones of, or cuts among, whole rows of a multi-label table, steered by the IRLbl.

Both take labels and give the copies of every row; one label a row is the case in which bags are classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.imbalance import label_counts, label_matrix
from evenly.resample.growth import Bags, grow
from evenly.resample.limits import OWN_RATIO, Amount, Limits
from evenly.resample.targets import above_target, aim_of

if TYPE_CHECKING:
    from typing import Unpack

    from numpy.typing import NDArray

__all__ = ["ml_ros", "ml_rus"]


def ml_ros(labels: Any, *, random_state: np.random.Generator | int, **amount: Unpack[Amount]) -> NDArray[np.int32]:
    """Clone rows of rare labels.

    A clone is a random row of the label's original bag, and raises every label that it holds. The paper's rule: the
    labels above the MeanIR are served in turn, each until its IRLbl has come to the MeanIR at the start, until a
    quarter of the rows (or `n_samples`, or `ratio`) is added. With `target_ir` labels are served until every IRLbl
    is at most that; clones that no longer lower the largest IR are taken back, and after that only rows without the
    most frequent label are cloned.

    Parameters
    ----------
    labels
        Shape (n_rows, n_labels), sparse or dense, 0/1.
    random_state
        A generator, or the seed of one.
    **amount
        See `Amount`; nothing: the paper's rule.

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
    >>> ml_ros([[1, 0], [1, 0], [1, 0], [1, 0], [0, 1]], target_ir=2, random_state=0)
    array([1, 1, 1, 1, 2], dtype=int32)
    """
    matrix = label_matrix(labels)
    limits = Limits.stated(**amount)
    counts = label_counts(matrix)
    # With a target, labels that clones of others lift above it are served too.
    served = above_target(counts, aim_of(limits, counts)) if limits.target_ir is None else counts > 0
    growth = grow(matrix, Bags.of(matrix, served), limits=limits, random_state=np.random.default_rng(random_state))
    return (1 + np.bincount(growth.seed, minlength=matrix.shape[0])).astype(np.int32)


def ml_rus(labels: Any, *, random_state: np.random.Generator | int, **amount: Unpack[Amount]) -> NDArray[np.int32]:
    """Remove rows that hold no minority label.

    A minority label is one whose IRLbl is above the target (else: the MeanIR) at the start; its rows stay, and so do
    rows without any label. The paper's rule: the other labels lose random rows in turn, each until its IRLbl has
    risen to the MeanIR, until a quarter of the rows (or `n_samples`, or `ratio`) is gone; here no label loses its
    last row. With `target_ir` each step removes a random row of the label that is the most frequent at that moment,
    unless another label of that row would come above the target, until every IRLbl is at most the target.

    Parameters
    ----------
    labels
        Shape (n_rows, n_labels), sparse or dense, 0/1.
    random_state
        A generator, or the seed of one.
    **amount
        See `Amount`; `max_copies` means nothing here.

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
    limits = Limits.stated(**amount)
    counts = label_counts(matrix)
    aim = aim_of(limits, counts)
    minority = above_target(counts, aim)
    copies = np.ones(matrix.shape[0], np.int32)
    if not minority.any():
        return copies
    from evenly.resample import kernels

    paper = limits.target_ir is None
    bags = Bags.of(matrix, (counts > 0) & ~minority if paper else counts > 0)
    removed = (kernels.remove_in_turn if paper else kernels.remove_rows)(
        np.random.default_rng(random_state),
        (bags.start, bags.rows),
        (matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64)),
        counts,
        np.asarray(matrix @ minority.astype(np.int64)) == 0,
        min(limits.budget(len(copies), OWN_RATIO), len(copies)),
        float(aim),
    )
    copies[removed] = 0
    return copies
