"""The rows that are exported, as people read them: label names, not ids, and where a synthetic row comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from evenly.formats import list_parts, read_facts, read_label_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Source"]


@dataclass(frozen=True)
class Source:
    """Where rows are read from: the parts of the table, then the synthetic rows of the plan (none: None)."""

    table: Path
    plan: Path | None

    @property
    def text_columns(self) -> list[str]:
        """The text columns of the table."""
        columns: list[str] = read_facts(self.table)["text_columns"]
        return columns

    @property
    def label_names(self) -> list[str]:
        """Label names by id."""
        return read_label_names(self.table)

    @property
    def schema(self) -> pa.Schema:
        """Columns and types of every batch."""
        schema: pa.Schema = next(self.batches()).schema
        return schema

    def batches(self) -> Iterator[pa.Table]:
        """Yield all rows in the order of their numbers, with the same columns everywhere."""
        names = pa.array(self.label_names, pa.string())
        columns = ["row", *self.text_columns, "labels"]
        for part in list_parts(self.table):
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches(columns=columns):
                    yield _finish(pa.Table.from_batches([batch]), names, self.text_columns)
        if self.plan is not None:
            with pq.ParquetFile(self.plan / "synthetic.parquet") as file:
                for batch in file.iter_batches(columns=[*columns, "seed_row", "reference_row"]):
                    yield _finish(pa.Table.from_batches([batch]), names, self.text_columns)


def _finish(rows: pa.Table, names: pa.Array, text_columns: Sequence[str]) -> pa.Table:
    """Return rows with label names in place of ids, and the columns that tell where they are from."""
    labels = rows["labels"].combine_chunks()
    named = pa.ListArray.from_arrays(labels.offsets, names.take(labels.values))
    made = "seed_row" in rows.column_names
    none = pa.nulls(len(rows), pa.int64())
    return pa.table(
        {
            "row": rows["row"],
            **{name: rows[name] for name in text_columns},
            "labels": named,
            "synthetic": pa.repeat(pa.scalar(made), len(rows)),
            "seed_row": rows["seed_row"] if made else none,
            "reference_row": rows["reference_row"] if made else none,
        }
    )
