"""Folds: parts of equal size, every label in each of them in the same share, each part once the test split.

Comes in: a label matrix, how many folds, and which rows belong together. Goes out: a fold for every row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.errors import ConfigError, DataError
from evenly.imbalance import label_matrix
from evenly.labels.guarantees import fill_folds
from evenly.labels.iterative import assign
from evenly.labels.units import Units, gather_units

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from scipy import sparse

__all__ = ["fold_units", "folds_to_splits", "iterative_folds"]

_MOST_FOLDS = 100


def iterative_folds(
    labels: Any, n_folds: int, groups: ArrayLike | None = None, order: int = 1, random_state: int = 0
) -> NDArray[np.int8]:
    """Divide rows into folds so that every label, and the whole, falls evenly into them.

    The algorithm is that of `iterative_split` with equal shares. A label with as many units as there are folds has
    a row in every fold, wherever no other label needs those rows where they are; one with fewer has them in as many
    folds as the algorithm finds.

    Parameters
    ----------
    labels
        Shape (n_rows, n_labels): a scipy CSR matrix (or what becomes one) of 0 and 1.
    n_folds
        From 2 to 100.
    groups
        Shape (n_rows,): rows with the same value stay together; None: every row for itself.
    order
        1: single labels; 2: pairs of labels too.
    random_state
        Seed of the generator.

    Returns
    -------
    numpy.ndarray
        Shape (n_rows,), int8: 0 to n_folds - 1.

    Raises
    ------
    ConfigError
        `n_folds` or `order` is out of range.
    DataError
        There are fewer units than folds, or `groups` has another length than the labels.
    LabelShapeError
        The labels are no matrix of 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> classes = np.repeat([[1, 0], [0, 1]], [20, 10], axis=0)
    >>> folds = iterative_folds(classes, 5)
    >>> [classes[folds == fold].sum(axis=0).tolist() for fold in range(5)]
    [[4, 2], [4, 2], [4, 2], [4, 2], [4, 2]]
    """
    matrix = label_matrix(labels)
    units = gather_units(matrix, groups)
    return fold_units(matrix, units, n_folds, order, random_state)[units.of_row]


def fold_units(
    matrix: sparse.csr_matrix, units: Units, n_folds: int, order: int, random_state: int
) -> NDArray[np.int8]:
    """Return the fold of every unit of a label matrix, shape (n_units,), int8."""
    if not 2 <= n_folds <= _MOST_FOLDS:  # noqa: PLR2004 - one fold divides nothing
        raise ConfigError(f"n_folds is {n_folds}, expected 2 to {_MOST_FOLDS}.")
    if len(units.sizes) < n_folds:
        raise DataError(
            f"{len(units.of_row)} rows in {len(units.sizes)} units (texts or groups that stay together) cannot fill "
            f"{n_folds} folds: ask for fewer folds."
        )
    shares = np.full(n_folds, 1 / n_folds)
    fold = assign(matrix, units, shares, order, random_state)
    return fill_folds(units.labels, units.sizes, fold, shares)


def folds_to_splits(fold: NDArray[np.int8], n_folds: int, test: int) -> NDArray[np.int8]:
    """Return 2 (test) for the fold `test`, 1 (validation) for the next one, 0 (train) for the others."""
    code = np.zeros(len(fold), np.int8)
    code[fold == test] = 2
    code[fold == (test + 1) % n_folds] = 1
    return code
