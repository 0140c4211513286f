"""Table and plan in; a few synthetic rows beside the rows they were made of, out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.formats import read_facts, read_rows
from evenly.report.sources import plain
from evenly.report.visible import clip

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["synthetic_examples"]

_N_EXAMPLES = 6
_N_CHARACTERS = 700


def synthetic_examples(
    table: Path, plan: Path, names: Sequence[str], counts: NDArray[np.int64]
) -> list[dict[str, Any]]:
    """Return one synthetic row for each of the rarest labels that got any, with both parents.

    Parameters
    ----------
    names
        Label names in the order of their ids.
    counts
        Train rows of every label before resampling, shape (n_labels,).
    """
    columns: list[str] = read_facts(table)["text_columns"]
    served = pq.read_table(plan / "synthetic.parquet", columns=["label"])["label"].combine_chunks()
    rows = np.flatnonzero(served.is_valid())  # some methods make rows for no label in particular
    labels, first = np.unique(served.drop_null().to_numpy(), return_index=True)
    chosen = rows[first][np.argsort(counts[labels], kind="stable")][:_N_EXAMPLES]
    if not len(chosen):
        return []
    made = pq.read_table(plan / "synthetic.parquet").take(pa.array(chosen))
    parents = [read_rows(table, made[side].to_numpy(), [*columns, "labels"]) for side in _SIDES]
    return [
        {
            "label": names[row["label"]],
            "share": plain(row["share"]),
            "synthetic": _describe(row, columns, names),
            "seed": _describe(seed, columns, names),
            "reference": _describe(reference, columns, names),
        }
        for row, seed, reference in zip(made.to_pylist(), *(each.to_pylist() for each in parents), strict=True)
    ]


_SIDES = ("seed_row", "reference_row")


def _describe(row: dict[str, Any], columns: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    texts = {column: clip(row[column] or "", _N_CHARACTERS) for column in columns}
    return {"row": row["row"], "texts": texts, "labels": [names[label] for label in row["labels"]]}
