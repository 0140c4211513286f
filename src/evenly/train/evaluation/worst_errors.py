"""Labels, scores and predictions of the test rows in; the errors that a person should read first out.

False alarms by the height of their score, misses by its lowness: those that the model was most sure of. The table
names rows; their texts stay where they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

__all__ = ["ERRORS_A_LABEL", "worst_errors"]

ERRORS_A_LABEL = 5


def worst_errors(
    rows: NDArray[np.int64], labels: sparse.csr_matrix, scores: NDArray[np.float32], predicted: sparse.csr_matrix
) -> pa.Table:
    """Return up to `ERRORS_A_LABEL` false alarms and as many misses of every label, the surest first.

    Parameters
    ----------
    rows
        Shape (n_rows,): their numbers in the table.
    labels, predicted
        Shape (n_rows, n_labels), int8.
    scores
        Shape (n_rows, n_labels), float32.

    Returns
    -------
    pyarrow.Table
        `kind` ("false alarm" or "miss"), `id` int32 of the label, `row` int64, `score` float32; by kind, then by id.
    """
    right = labels.multiply(predicted).tocsr()
    kinds = {"false alarm": (predicted - right, -1), "miss": (labels - right, 1)}
    return pa.concat_tables([_worst(kind, cells.tocsr(), rows, scores, sign) for kind, (cells, sign) in kinds.items()])


def _worst(
    kind: str, cells: sparse.csr_matrix, rows: NDArray[np.int64], scores: NDArray[np.float32], sign: int
) -> pa.Table:
    row, label = cells.nonzero()
    score = np.asarray(scores[row, label], np.float32) if len(row) else np.empty(0, np.float32)
    order = np.lexsort((row, sign * score, label))
    row, label, score = row[order], label[order], score[order]
    start = np.searchsorted(label, label)
    kept = np.arange(len(label)) - start < ERRORS_A_LABEL
    return pa.table(
        {
            "kind": pa.array([kind] * int(kept.sum()), pa.string()),
            "id": label[kept].astype(np.int32),
            "row": rows[row[kept]].astype(np.int64),
            "score": score[kept],
        }
    )
