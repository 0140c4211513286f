"""The stage `checks`: table -> ``checks/`` (format in `evenly.formats`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.formats import read_labels, write_json
from evenly.inspect.texts import read_row_texts
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
    texts = read_row_texts(work, table)
    n_rows = len(texts.text)
    own = np.arange(n_rows)
    keys = labelset_keys(read_labels(table))
    differs = keys != keys[texts.text]
    conflicting = np.zeros(n_rows, np.bool_)
    conflicting[texts.text[differs]] = True
    conflicting = conflicting[texts.text]
    left_out = {"keep": np.zeros(n_rows, np.bool_), "drop": conflicting, "first": differs}[on_conflict]
    columns = {
        "row": own,
        "same_text": texts.text,
        "near_text": texts.text,
        "same_group": own if texts.group is None else texts.group,
        "characters": texts.length.astype(np.int32),
        "words": texts.length.astype(np.int32),
        "used": ~left_out,
    }
    pq.write_table(pa.table(columns), work.out / "rows.parquet", compression="zstd")
    write_json(work.out / "checks.json", [])
    n_duplicates = int((texts.text != own).sum())
    work.record(
        rows=n_rows,
        n_duplicate_rows=n_duplicates,
        n_near_duplicate_rows=n_duplicates,
        n_conflict_rows=int(conflicting.sum()),
        n_unused=int(left_out.sum()),
    )
