"""The rows of token shards as an export has them: ids, label ids and weight, and how often each is there.

Comes in: the shards of a split, those of the table first, and for the train split plan and weights. Goes out: Arrow
tables of rows in the order of their numbers, and the copies of each. It is what `evenly.train.iter_batches` reads.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.errors import DataError
from evenly.manifest import refuse_outside_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["StoredRows"]


@dataclass(frozen=True)
class StoredRows:
    """The shards of one split.

    Attributes
    ----------
    folders
        Data sets of the split (``shards/train``, ``synthetic/train``), ascending by row number.
    plan, weights
        Artifacts, for the train split; None: every row once, weight 1.
    single_label
        Whether every row has exactly one label: a synthetic row, which `weights` does not know, then has the weight
        of its class, else 1.
    """

    folders: tuple[Path, ...]
    plan: Path | None
    weights: Path | None
    single_label: bool

    @property
    def schema(self) -> pa.Schema:
        """Columns and types of every batch."""
        with pa.memory_map(str(self._files()[0])) as stream:
            return _with_weight(pa.ipc.open_stream(stream).schema)

    def batches(self) -> Iterator[pa.Table]:
        """Yield all rows: `row`, `window` where there are windows, the ids, `labels`, `weight`."""
        known, weight, of_class = self._read_weights()
        for batch in self._stored():
            row = batch.column("row").to_numpy()
            place = np.minimum(np.searchsorted(known, row), max(len(known) - 1, 0))
            found = known[place] == row if len(known) else np.zeros(len(row), bool)
            weights = np.ones(len(row), np.float32)
            weights[found] = weight[place[found]]
            if len(of_class):
                weights[~found] = of_class[batch.column("labels").flatten().to_numpy()[~found]]
            yield pa.Table.from_batches([batch]).append_column("weight", pa.array(weights))

    def copies(self) -> NDArray[np.int32]:
        """Return how often each stored row is to be written, shape (n_stored,); windows are as often as their row.

        Raises
        ------
        DataError
            The plan does not know a row of the shards.
        """
        row = np.concatenate([np.zeros(0, np.int64), *(batch.column("row").to_numpy() for batch in self._stored())])
        if self.plan is None:
            return np.ones(len(row), np.int32)
        table = pq.read_table(self.plan / "plan.parquet", columns=["row", "copies"]).sort_by("row")
        synthetic = pq.read_table(self.plan / "synthetic.parquet", columns=["row"])["row"].to_numpy()
        planned = np.concatenate([table["row"].to_numpy(), synthetic])
        copies = np.concatenate([table["copies"].to_numpy(), np.ones(len(synthetic), np.int32)])
        if not np.array_equal(np.unique(row), planned):
            raise DataError(f"The plan {self.plan} and the shards have other rows: give those of one run.")
        found: NDArray[np.int32] = copies[np.searchsorted(planned, row)]
        return found

    def _files(self) -> list[Path]:
        return [folder / name for folder in self.folders for name in _file_names(folder / "state.json")]

    def _stored(self) -> Iterator[pa.RecordBatch]:
        for path in self._files():
            with pa.memory_map(str(path)) as stream:
                try:
                    for batch in pa.ipc.open_stream(stream):
                        batch.validate(full=True)  # before offsets of a damaged file are followed
                        yield batch
                except (pa.ArrowException, OSError) as error:
                    raise DataError(f"{path} is damaged: {error}. Remove the artifact and run again.") from error

    def _read_weights(self) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        """Return rows, ascending, the weight of each, and, where a row has one label, the weight of each label."""
        none = np.zeros(0, np.float32)
        if self.weights is None:
            return np.zeros(0, np.int64), none, none
        rows = pq.read_table(self.weights / "rows.parquet", columns=["row", "sample_weight"]).sort_by("row")
        labels = pq.read_table(self.weights / "labels.parquet", columns=["id", "class_weight"]).sort_by("id")
        of_class = labels["class_weight"].to_numpy().astype(np.float32) if self.single_label else none
        return rows["row"].to_numpy(), rows["sample_weight"].to_numpy().astype(np.float32), of_class


def _file_names(path: Path) -> list[str]:
    """Return the names of the files of a data set, none of which is outside of its folder."""
    try:
        names = [entry["filename"] for entry in json.loads(path.read_text(encoding="utf-8"))["_data_files"]]
        refuse_outside_names(path, names)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{path} does not say which files there are: {error!r}. Run again without it.") from error
    return names


def _with_weight(schema: pa.Schema) -> pa.Schema:
    return schema.append(pa.field("weight", pa.float32()))
