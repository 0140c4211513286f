"""Which rows must stay together: those with (nearly) the same text, and those of one group, in any chain of these.

Comes in: for every row the lowest row with its text and the lowest of its group. Goes out: the lowest row of
its unit; and, for the splitting, units as rows of a matrix of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from evenly.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Units", "gather_units", "join_relations"]


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

    def total(self, rows: sparse.csr_matrix) -> sparse.csr_matrix:
        """Return the sum of the rows of each unit, int32: (n_rows, n) in, (n_units, n) out."""
        n_rows, n_units = len(self.of_row), len(self.sizes)
        if n_rows == n_units and np.array_equal(self.of_row, np.arange(n_rows)):
            return rows.astype(np.int32)
        members = (np.ones(n_rows, np.int32), (self.of_row, np.arange(n_rows)))
        return (sparse.csr_matrix(members, shape=(n_units, n_rows)) @ rows.astype(np.int32)).tocsr()


def gather_units(matrix: sparse.csr_matrix, groups: ArrayLike | None) -> Units:
    """Return the units of a label matrix, in the order in which their values sort.

    Raises
    ------
    DataError
        `groups` has another length than the matrix.
    """
    n_rows = matrix.shape[0]
    if groups is None:
        return Units(np.arange(n_rows), np.ones(n_rows, np.int64), matrix.astype(np.int32))
    values = np.asarray(groups)
    if values.shape != (n_rows,):
        raise DataError(f"groups has the shape {values.shape}, expected a value for each of the {n_rows} rows.")
    _, of_row, sizes = np.unique(values, return_inverse=True, return_counts=True)
    units = Units(of_row, sizes.astype(np.int64), matrix)
    return Units(of_row, units.sizes, units.total(matrix))


def join_relations(*relations: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the unit of every row: the lowest row that a chain of the relations leads to.

    Parameters
    ----------
    *relations
        One or more, each of shape (n_rows,), int64: the lowest row with the same text, of the same group, ...

    Examples
    --------
    Rows 0 and 1 share a text, rows 1 and 3 a group:

    >>> import numpy as np
    >>> join_relations(np.array([0, 0, 2, 3]), np.array([0, 1, 2, 1])).tolist()
    [0, 0, 2, 0]
    """
    n_rows = len(relations[0])
    rows = np.arange(n_rows)
    telling: list[NDArray[np.int64]] = []
    for relation in relations:
        if not any(np.array_equal(relation, known) for known in (rows, *telling)):
            telling.append(relation)
    if len(telling) <= 1:
        return telling[0] if telling else rows
    from scipy.sparse.csgraph import connected_components

    edges = (np.tile(rows, len(telling)), np.concatenate(telling))
    graph = sparse.csr_matrix((np.ones(len(edges[0]), np.int8), edges), shape=(n_rows, n_rows))
    _, component = connected_components(graph, directed=False)
    _, first, of_row = np.unique(component, return_index=True, return_inverse=True)
    lowest: NDArray[np.int64] = first[of_row].astype(np.int64)
    return lowest
