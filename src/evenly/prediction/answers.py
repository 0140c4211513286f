"""Probabilities and decisions in, columns that people and programs read out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from evenly.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

__all__ = ["ANSWER_SCHEMA", "MOST_SHOWN", "Answers"]

MOST_SHOWN = 50
ANSWER_SCHEMA = pa.schema({"labels": pa.list_(pa.string()), "probabilities": pa.map_(pa.string(), pa.float32())})


@dataclass(frozen=True)
class Answers:
    """Turns scores into answers.

    Attributes
    ----------
    names
        Of the labels, by id.
    top
        How many probabilities a row has; None: all, and 50 where there are more labels.
    """

    names: tuple[str, ...]
    top: int | None = None

    def __post_init__(self) -> None:
        """Refuse an amount that is none."""
        if self.top is not None and self.top < 1:
            raise ConfigError(f"top is {self.top}, expected at least 1 probability a row.")

    def __call__(self, scores: NDArray[np.float32], predicted: sparse.csr_matrix) -> pa.Table:
        """Return `labels` and `probabilities` of rows.

        Parameters
        ----------
        scores
            Shape (n_rows, n_labels), float32.
        predicted
            Shape (n_rows, n_labels), int8: 1 where a label is given.
        """
        names = pa.array(self.names, pa.string())
        predicted.sort_indices()
        labels = pa.ListArray.from_arrays(
            pa.array(predicted.indptr.astype(np.int32)), names.take(pa.array(predicted.indices.astype(np.int32)))
        )
        shown = min(self.top or MOST_SHOWN, len(self.names))
        order = _likeliest(scores, shown)
        offsets = pa.array(np.arange(len(scores) + 1, dtype=np.int32) * shown)
        keys = names.take(pa.array(order.ravel()))
        values = pa.array(np.take_along_axis(scores, order, axis=1).ravel(), pa.float32())
        return pa.table([labels, pa.MapArray.from_arrays(offsets, keys, values)], schema=ANSWER_SCHEMA)


def _likeliest(scores: NDArray[np.float32], shown: int) -> NDArray[np.int64]:
    """Return the ids of the highest scores of each row, the highest first; of equals the lower id."""
    if shown < scores.shape[1]:
        kept = np.sort(np.argpartition(-scores, shown - 1, axis=1)[:, :shown], axis=1)
    else:
        kept = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    order = np.argsort(-np.take_along_axis(scores, kept, axis=1), axis=1, kind="stable")
    found: NDArray[np.int64] = np.take_along_axis(kept, order, axis=1)
    return found
