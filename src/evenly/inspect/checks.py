"""The stage `checks`: table -> ``checks/`` (format in `evenly.formats`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.formats import read_labels, write_json
from evenly.inspect.row_texts import read_row_texts
from evenly.labelsets import labelset_keys

if TYPE_CHECKING:
    from pathlib import Path

    from evenly.workspace import Workspace

__all__ = ["check_texts"]


def check_texts(work: Workspace, *, table: Path, near_duplicates: float | None, on_conflict: str) -> None:
    """Check the texts of a table.

    Parameters
    ----------
    work
        Where to write, and the workers.
    table
        The folder of a table.
    near_duplicates
        Jaccard similarity from which two texts count as one; None: only equal texts.
    on_conflict
        "keep", "drop" or "first": which rows of one text with different labels are used.
    """
    texts = read_row_texts(work, table, near_duplicates)
    n_rows = len(texts.same)
    own = np.arange(n_rows)
    keys = labelset_keys(read_labels(table))
    differs = keys != keys[texts.same]
    conflicting = np.zeros(n_rows, np.bool_)
    conflicting[texts.same[differs]] = True
    conflicting = conflicting[texts.same]
    left_out = {"keep": np.zeros(n_rows, np.bool_), "drop": conflicting, "first": differs}[on_conflict]
    columns = {
        "row": own,
        "same_text": texts.same,
        "near_text": texts.near,
        "same_group": texts.group,
        "characters": texts.characters,
        "words": texts.words,
        "used": ~left_out,
    }
    pq.write_table(pa.table(columns), work.out / "rows.parquet", compression="zstd")
    write_json(work.out / "checks.json", [])
    n_duplicates = int((texts.same != own).sum())
    work.record(
        rows=n_rows,
        n_duplicate_rows=n_duplicates,
        n_near_duplicate_rows=n_duplicates,
        n_conflict_rows=int(conflicting.sum()),
        n_unused=int(left_out.sum()),
    )
