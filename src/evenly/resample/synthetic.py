"""``synthetic.parquet``: recipes with the text they are realised as, made some thousand rows at a time."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from evenly import formats
from evenly.resample.changes import NO_LABEL
from evenly.resample.parent_texts import ParentTexts, write_texts
from evenly.resample.splices import realise_texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evenly.resample.changes import Recipes
    from evenly.workspace import Workspace

__all__ = ["synthetic_schema", "write_synthetic"]

ROWS_AT_ONCE = 10_000
TEXTS_AT_ONCE = 1_000
FIXED = frozenset({"row", "seed_row", "reference_row", "share", "position", "label", "labels"})


def synthetic_schema(table: Path, text_columns: Sequence[str]) -> pa.Schema:
    """Return the columns of ``synthetic.parquet``; the text columns are of the table's type."""
    types = pq.read_schema(formats.list_parts(table)[0])
    return pa.schema(
        [
            ("row", pa.int64()),
            ("seed_row", pa.int64()),
            ("reference_row", pa.int64()),
            ("share", pa.float64()),
            ("position", pa.float64()),
            ("label", pa.int32()),
            *((name, types.field(name).type) for name in text_columns),
            ("labels", formats.LABELS_TYPE),
        ]
    )


def write_synthetic(work: Workspace, recipes: Recipes, *, table: Path, first_row: int, schema: pa.Schema) -> None:
    """Realise the recipes, a partition at a time, and write them as row groups of one file, in order.

    Parameters
    ----------
    work
        Maps the partitions; the file goes to its `out`.
    recipes
        Parents by their number in the table.
    table
        The table that holds their texts.
    first_row
        The number of the first synthetic row.
    schema
        From `synthetic_schema`.
    """
    text_columns = [name for name in schema.names if name not in FIXED]
    parents = write_texts(work, table, np.union1d(recipes.seed, recipes.reference), text_columns)
    begins = range(0, len(recipes), ROWS_AT_ONCE)
    items = [(first_row + begin, recipes.part(begin, begin + ROWS_AT_ONCE)) for begin in begins]
    function = partial(_realise_partition, parents=parents, schema=schema)
    names = work.map(function, items, name="splice", keep=False)
    # As ingest writes its tables: texts hardly ever repeat, and compressing them costs more than all the rest
    options = {"compression": "none", "use_dictionary": False, "write_statistics": ["row"]}
    with pq.ParquetWriter(work.out / "synthetic.parquet", schema, **options) as writer:
        for name in names:
            with pa.memory_map(str(work.scratch / "splice" / name)) as source:
                writer.write_table(pa.ipc.open_file(source).read_all())


def _realise_partition(item: tuple[int, Recipes], folder: Path, *, parents: Path, schema: pa.Schema) -> str:
    first_row, recipes = item
    name = f"synthetic-{first_row:012d}.arrow"
    texts = ParentTexts(parents)
    with pa.OSFile(str(folder / name), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for begin in range(0, len(recipes), TEXTS_AT_ONCE):
            part = recipes.part(begin, begin + TEXTS_AT_ONCE)
            writer.write_table(_realise(part, texts, first_row + begin, schema))
    return name


def _realise(recipes: Recipes, parents: ParentTexts, first_row: int, schema: pa.Schema) -> pa.Table:
    """Return synthetic rows with their spliced texts, as `schema` has them."""
    rows, places = np.unique(np.concatenate([recipes.seed, recipes.reference]), return_inverse=True)
    texts = parents.read(rows)
    among_them = replace(recipes, seed=places[: len(recipes)], reference=places[len(recipes) :])
    columns = {
        "row": range(first_row, first_row + len(recipes)),
        "seed_row": recipes.seed,
        "reference_row": recipes.reference,
        "share": recipes.share,
        "position": recipes.position,
        "label": np.ma.masked_equal(recipes.label, NO_LABEL),
        **{name: realise_texts(texts[name].combine_chunks(), among_them) for name in texts.column_names},
        "labels": formats.label_lists(recipes.labels),
    }
    return pa.table([pa.array(columns[name], schema.field(name).type) for name in schema.names], schema=schema)
