"""Iterative stratification: every label in every split in the share asked for, the rarest label first.

Comes in: a label matrix, the shares of the splits, and which rows belong together. Goes out: a split for
every row. A table with one label a row is the special case in which this is a stratified split.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.errors import ConfigError
from evenly.imbalance import label_matrix
from evenly.labels.guarantees import keep_guarantees
from evenly.labels.pairs import with_pairs
from evenly.labels.units import Units, gather_units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray
    from scipy import sparse

__all__ = ["assign", "iterative_split", "split_units"]


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
        1: single labels (Sechidis et al. 2011); 2: pairs of labels too (Szymanski and Kajdanowicz 2017).
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
        `groups` has another length than the labels, or there are too many pairs of labels for order 2.
    LabelShapeError
        The labels are no matrix of 0 and 1.

    References
    ----------
    K. Sechidis, G. Tsoumakas, I. Vlahavas: On the stratification of multi-label data, ECML PKDD 2011,
    algorithm 1. P. Szymanski, T. Kajdanowicz: A network perspective on stratification of multi-label data,
    LIDTA 2017.

    Examples
    --------
    >>> import numpy as np
    >>> classes = np.repeat([[1, 0], [0, 1]], [80, 20], axis=0)
    >>> codes = iterative_split(classes, (0.7, 0.15, 0.15))
    >>> [classes[codes == code].sum(axis=0).tolist() for code in range(3)]
    [[56, 14], [12, 3], [12, 3]]
    """
    matrix = label_matrix(labels)
    units = gather_units(matrix, groups)
    return split_units(matrix, units, shares, order, random_state)[units.of_row]


def split_units(
    matrix: sparse.csr_matrix, units: Units, shares: Sequence[float], order: int, random_state: int
) -> NDArray[np.int8]:
    """Return the split of every unit of a label matrix, shape (n_units,), int8, guarantees kept."""
    parts = _check_shares(shares)
    code = assign(matrix, units, parts, order, random_state)
    return keep_guarantees(units.labels, units.sizes, code, parts)


def assign(
    matrix: sparse.csr_matrix, units: Units, shares: NDArray[np.float64], order: int, random_state: int
) -> NDArray[np.int8]:
    """Return the split of every unit as the algorithm gives it, shape (n_units,), int8."""
    if order not in (1, 2):
        raise ConfigError(f"order is {order}, expected 1 (single labels) or 2 (pairs of labels too).")
    rng = np.random.default_rng(random_state)
    wanted = units.labels if order == 1 else units.total(with_pairs(matrix))
    by_size = rng.permutation(len(units.sizes))
    by_size = by_size[np.argsort(-units.sizes[by_size], kind="stable")]
    code = np.empty(len(by_size), np.int8)
    code[by_size] = _iterate(wanted[by_size].tocsr(), units.sizes[by_size], shares, rng.random(len(by_size)))
    return code


def _iterate(
    rows: sparse.csr_matrix, sizes: NDArray[np.int64], shares: NDArray[np.float64], ties: NDArray[np.float64]
) -> NDArray[np.int8]:
    from evenly.labels.kernels import assign_units

    columns = rows.tocsc()
    n_held = np.asarray(rows.sum(axis=0, dtype=np.int64)).ravel()
    return assign_units(
        rows.indptr.astype(np.int64),
        rows.indices.astype(np.int32),
        rows.data.astype(np.int32),
        columns.indptr.astype(np.int64),
        columns.indices.astype(np.int32),
        sizes,
        n_held.copy(),
        np.outer(n_held, shares),  # desired_jl = r_j * c_l
        sizes.sum() * shares,  # desired_j = r_j * N
        ties,
    )


def _check_shares(shares: Sequence[float]) -> NDArray[np.float64]:
    parts = np.asarray(shares, np.float64)
    usable = parts.ndim == 1 and len(parts) > 1 and bool(((parts > 0) & (parts < 1)).all())
    if not usable or abs(parts.sum() - 1) > 1e-6:  # noqa: PLR2004 - what rounding may leave
        raise ConfigError(f"shares are {shares!r}, expected two or more between 0 and 1 that sum to 1.")
    return parts
