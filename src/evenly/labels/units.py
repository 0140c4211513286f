"""Which rows must stay together: those with the same text, and those of the same group, in any chain of both.

Comes in: for every row the lowest row with its text and the lowest of its group. Goes out: the lowest row of
its unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["join_relations"]


def join_relations(text: NDArray[np.int64], group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the unit of every row: the lowest row that a chain of same texts and same groups leads to.

    Parameters
    ----------
    text, group
        Shape (n_rows,), int64: the lowest row with the same text, of the same group.

    Examples
    --------
    Rows 0 and 1 share a text, rows 1 and 3 a group:

    >>> import numpy as np
    >>> join_relations(np.array([0, 0, 2, 3]), np.array([0, 1, 2, 1])).tolist()
    [0, 0, 2, 0]
    """
    if np.array_equal(group, np.arange(len(group))):
        return text
    from scipy.sparse.csgraph import connected_components

    n_rows = len(text)
    rows = np.arange(n_rows)
    ones = np.ones(2 * n_rows, np.int8)
    edges = (np.concatenate([rows, rows]), np.concatenate([text, group]))
    graph = sparse.csr_matrix((ones, edges), shape=(n_rows, n_rows))
    _, component = connected_components(graph, directed=False)
    _, first, of_row = np.unique(component, return_index=True, return_inverse=True)
    lowest: NDArray[np.int64] = first[of_row].astype(np.int64)
    return lowest
