"""Rows that lose all their labels, because these are dropped or rare.

Whether a label is rare is known only when all files are read, and by then a row's place in its file is forgotten. So
each file also leaves its *doubtful* rows: those that hold labels, but only such as are dropped or rare within the
file, with line and text. A label that is rare in all files together is rare in each, so no other row can lose all of
its labels. In: the doubtful rows and the final ids. Out: `Emptied`, the rows that are refused after all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.ipc

from evenly.formats import LABELS_TYPE
from evenly.ingest.rejects import REJECTS_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.ingest.final_labels import FinalLabels
    from evenly.ingest.label_rules import LabelRules
    from evenly.ingest.pieces import FileCounts
    from evenly.ingest.reading import Place

__all__ = ["DROPPED", "RARE", "Emptied", "find_doubtful", "find_emptied", "write_doubtful"]

DROPPED = "its labels are dropped"
RARE = "its labels have too few rows"
_SCHEMA = pa.schema({"row": pa.int64(), "line": pa.int64(), "raw": pa.string(), "labels": LABELS_TYPE})
_MOST_CHARACTERS = 1_000


@dataclass(frozen=True)
class Emptied:
    """Rows of one file that are refused because no label is left.

    Attributes
    ----------
    rejects
        As ``rejects.parquet`` has them.
    batch_rows
        Rows of each Arrow batch of the file that are left.
    """

    rejects: pa.Table
    batch_rows: list[int]


def find_doubtful(
    rows: Path, names: Sequence[str], counts: Sequence[int], rules: LabelRules, *, one_each: bool
) -> pa.Table:
    """Return `row` and `labels` of the checked rows of a file that may lose all their labels and then be refused.

    Parameters
    ----------
    rows
        The Arrow file of the checked rows.
    names, counts
        The labels as numbered in the file, and how many rows hold each.
    rules
        What is taken off.
    one_each
        Every row of the file holds exactly one label.
    """
    if not any(counts) or not rules.take_off or not rules.refuses_emptied(one_each=one_each):
        return _SCHEMA.empty_table().select(["row", "labels"])
    off = np.array([name in rules.drop for name in names], np.bool_) | (np.array(counts, np.int64) < rules.min_count)
    found, first = [], 0
    with pa.memory_map(str(rows)) as source:
        reader = pa.ipc.open_file(source)
        for index in range(reader.num_record_batches):
            labels = reader.get_batch(index).column("labels")
            here = np.flatnonzero(_hold_only(labels, off))
            found.append(pa.table({"row": pa.array(here + first), "labels": labels.take(pa.array(here))}))
            first += len(labels)
        return pa.concat_tables(found).combine_chunks()


def _hold_only(labels: pa.ListArray, off: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rows hold labels, but none besides those in `off`, shape (n_rows,)."""
    lengths = labels.value_lengths().to_numpy()
    rows = np.repeat(np.arange(len(labels)), lengths)
    n_off = np.bincount(rows[off[labels.flatten().to_numpy()]], minlength=len(labels))
    only: NDArray[np.bool_] = (lengths > 0) & (n_off == lengths)
    return only


def write_doubtful(path: Path, doubtful: pa.Table, places: Sequence[Place]) -> None:
    """Write doubtful rows with their places in the source."""
    columns = {
        "row": doubtful["row"],
        "line": pa.array([place.line for place in places], pa.int64()),
        "raw": pa.array([place.raw[:_MOST_CHARACTERS] for place in places], pa.string()),
        "labels": doubtful["labels"],
    }
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, _SCHEMA) as writer:
        writer.write_table(pa.table(columns, _SCHEMA))


def find_emptied(path: Path, counts: FileCounts, labels: FinalLabels, *, file: str, column: str) -> Emptied:
    """Return the doubtful rows of a file that have lost all their labels.

    Parameters
    ----------
    path
        What `write_doubtful` wrote.
    counts
        What the file gave.
    labels
        The final ones.
    file, column
        Of the source, for the rejects.
    """
    with pa.memory_map(str(path)) as source:
        doubtful = pa.ipc.open_file(source).read_all().combine_chunks()
    held = doubtful["labels"].combine_chunks()
    lost = doubtful.filter(pa.array(_hold_only(held, labels.ids(counts.names) < 0)))
    dropped = np.array([name in labels.dropped for name in counts.names], np.bool_)
    reasons = np.where(_hold_only(lost["labels"].combine_chunks(), dropped), DROPPED, RARE)
    n_lost = len(lost)
    fields = [[file] * n_lost, lost["line"], [column] * n_lost, reasons.tolist(), lost["raw"]]
    ends = np.cumsum(counts.batch_rows, dtype=np.int64)
    batches = np.searchsorted(ends, lost["row"].to_numpy(), side="right")
    left = np.array(counts.batch_rows, np.int64) - np.bincount(batches, minlength=len(ends))
    return Emptied(pa.table(fields, names=REJECTS_SCHEMA.names).cast(REJECTS_SCHEMA), left.tolist())
