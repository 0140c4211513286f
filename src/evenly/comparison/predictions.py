"""What a model said about the test rows: read from its ``predictions.parquet``, scores kept on disk.

Comes in: the artifact of a model (or of the baseline). Goes out: rows, labels and predictions as arrays, the scores
as a memory map of a file in the caller's folder, so that 1,000 labels of 100,000 rows need no memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evenly.formats import labels_to_csr

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy import sparse

__all__ = ["RunPredictions", "read_test_predictions"]

_BATCH_ROWS = 4_096


@dataclass(frozen=True)
class RunPredictions:
    """The test rows of one run.

    Attributes
    ----------
    rows
        Shape (n_rows,), int64: their numbers in the table.
    labels, predicted
        Shape (n_rows, n_labels), int8.
    scores
        Shape (n_rows, n_labels), float32, a memory map.
    """

    rows: NDArray[np.int64]
    labels: sparse.csr_matrix
    predicted: sparse.csr_matrix
    scores: NDArray[np.float32]


def read_test_predictions(path: Path, n_labels: int, scratch: Path) -> RunPredictions:
    """Read the test rows of a predictions file; their scores are copied to `scratch`, a file that is not there yet."""
    kept = []
    with scratch.open("wb") as stream:
        for batch in _test_batches(path):
            np.ascontiguousarray(pc.list_flatten(batch["scores"]).to_numpy(), np.float32).tofile(stream)
            kept.append(batch.drop_columns("scores"))
    table = pa.concat_tables(kept) if kept else _EMPTY
    n_rows = len(table)
    shape = (n_rows, n_labels)
    return RunPredictions(
        rows=table["row"].to_numpy(),
        labels=labels_to_csr(table["labels"], n_labels),
        predicted=labels_to_csr(table["predicted"], n_labels),
        scores=np.memmap(scratch, np.float32, mode="r", shape=shape) if n_rows else np.zeros(shape, np.float32),
    )


_EMPTY = pa.table(
    {
        "row": pa.array([], pa.int64()),
        "labels": pa.array([], pa.list_(pa.int32())),
        "predicted": pa.array([], pa.list_(pa.int32())),
    }
)


def _test_batches(path: Path) -> Iterator[pa.Table]:
    columns = ["row", "split", "labels", "predicted", "scores"]
    for batch in pq.ParquetFile(path).iter_batches(_BATCH_ROWS, columns=columns):
        table = pa.Table.from_batches([batch])
        test = table.filter(pc.equal(table["split"], "test")).drop_columns("split")
        if len(test):
            yield test.combine_chunks()
