"""Iterative stratification: every label in every split in the share asked for, the rarest label first.

Comes in: a label matrix, the shares of the splits, and which rows belong together. Goes out: a split for
every row. A table with one label a row is the special case in which this is a stratified split.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from evenly.errors import ConfigError, DataError
from evenly.imbalance import label_matrix
from evenly.labels.guarantees import keep_guarantees

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Units", "gather_units", "iterative_split", "split_units"]


@dataclass(frozen=True)
class Units:
    """Rows that move together.

    Attributes
    ----------
    of_row
        Shape (n_rows,), int64: the unit of every row, 0 to n_units - 1.
    sizes
        Shape (n_units,), int64: rows of every unit.
    labels
        CSR, shape (n_units, n_labels), int32: how many rows of the unit hold the label.
    """

    of_row: NDArray[np.int64]
    sizes: NDArray[np.int64]
    labels: sparse.csr_matrix


def iterative_split(
    labels: Any,
    shares: Sequence[float],
    groups: ArrayLike | None = None,
    order: int = 1,
    random_state: int = 0,
) -> NDArray[np.int8]:
    """Split rows so that every label, and the whole, falls into the splits in the given shares.

    Take the label with the fewest rows left, give each of its units (the largest first) to the split that
    wants that label most, ties to the split that wants rows most, then by the seeded generator; repeat. Then
    mend what is left of the guarantees: a label with one row has it in the first split, one with two rows at
    least one in the first, one with three rows at least one in the last too, wherever its rows are not all
    one unit.

    Parameters
    ----------
    labels
        Shape (n_rows, n_labels): a scipy CSR matrix (or what becomes one) of 0 and 1.
    shares
        Two or more, each in (0, 1), summing to 1; the first is the train split, the last the test split.
    groups
        Shape (n_rows,): rows with the same value stay together; None: every row for itself.
    order
        1: single labels (Sechidis et al. 2011). Label pairs (2) are not there.
    random_state
        Seed of the generator.

    Returns
    -------
    numpy.ndarray
        Shape (n_rows,), int8: index into `shares`.

    Raises
    ------
    ConfigError
        The shares or the order cannot be used.
    DataError
        `groups` has another length than the labels.
    LabelShapeError
        The labels are no matrix of 0 and 1.

    References
    ----------
    K. Sechidis, G. Tsoumakas, I. Vlahavas: On the stratification of multi-label data, ECML PKDD 2011,
    algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> classes = np.repeat([[1, 0], [0, 1]], [80, 20], axis=0)
    >>> codes = iterative_split(classes, (0.7, 0.15, 0.15))
    >>> [classes[codes == code].sum(axis=0).tolist() for code in range(3)]
    [[56, 14], [12, 3], [12, 3]]
    """
    if order != 1:
        raise ConfigError(f"order is {order}; only order 1 (single labels) is there, not yet label pairs (order 2).")
    matrix = label_matrix(labels)
    units = gather_units(matrix, groups)
    return split_units(units, shares, random_state)[units.of_row]


def gather_units(matrix: sparse.csr_matrix, groups: ArrayLike | None) -> Units:
    """Return the units of a label matrix, in the order in which their values sort."""
    n_rows = matrix.shape[0]
    if groups is None:
        return Units(np.arange(n_rows), np.ones(n_rows, np.int64), matrix.astype(np.int32))
    values = np.asarray(groups)
    if values.shape != (n_rows,):
        raise DataError(f"groups has the shape {values.shape}, expected a value for each of the {n_rows} rows.")
    distinct, of_row, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ones = np.ones(n_rows, np.int32)
    members = sparse.csr_matrix((ones, (of_row, np.arange(n_rows))), shape=(len(distinct), n_rows))
    return Units(of_row, sizes.astype(np.int64), (members @ matrix.astype(np.int32)).tocsr())


def split_units(units: Units, shares: Sequence[float], random_state: int) -> NDArray[np.int8]:
    """Return the split of every unit, shape (n_units,), int8, guarantees kept."""
    parts = _check_shares(shares)
    code = _assign(units, parts, np.random.default_rng(random_state))
    return keep_guarantees(units.labels, units.sizes, code, parts)


def _assign(units: Units, shares: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int8]:
    from evenly.labels.kernels import assign_units

    order = rng.permutation(len(units.sizes))
    order = order[np.argsort(-units.sizes[order], kind="stable")]
    rows = units.labels[order].tocsr()
    columns = rows.tocsc()
    n_held = np.asarray(rows.sum(axis=0, dtype=np.int64)).ravel()
    assigned = assign_units(
        rows.indptr.astype(np.int64),
        rows.indices.astype(np.int32),
        rows.data.astype(np.int32),
        columns.indptr.astype(np.int64),
        columns.indices.astype(np.int32),
        units.sizes[order],
        n_held.copy(),
        np.outer(n_held, shares),  # desired_jl = r_j * c_l
        units.sizes.sum() * shares,  # desired_j = r_j * N
        rng.random(len(order)),
    )
    code = np.empty(len(order), np.int8)
    code[order] = assigned
    return code


def _check_shares(shares: Sequence[float]) -> NDArray[np.float64]:
    parts = np.asarray(shares, np.float64)
    usable = parts.ndim == 1 and len(parts) > 1 and bool(((parts > 0) & (parts < 1)).all())
    if not usable or abs(parts.sum() - 1) > 1e-6:  # noqa: PLR2004 - what rounding may leave
        raise ConfigError(f"shares are {shares!r}, expected two or more between 0 and 1 that sum to 1.")
    return parts
