"""A stage that writes the table of a test, and what the tests of this room's stages share."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq

from evenly.formats import LABELS_TYPE
from evenly.inspect import CHECKS
from evenly.labels import SPLIT, STATISTICS, WEIGHTS
from evenly.store import Stage, Store

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
SHAPE = {"order": 1, "by": None, "folds": None, "fold": 0}
AUTO = {"scheme": "auto", "beta": 0.999, "sample": "none", "cap": 50.0}


def _write_table(work, *, text, labels, group, given, task, part_rows):
    names = sorted({name for held in labels for name in held})
    ids = [sorted(names.index(name) for name in held) for held in labels]
    columns = {"row": pa.array(range(len(ids)), pa.int64())}
    columns |= {name: pa.array(values, pa.string()) for name, values in text.items()}
    columns["labels"] = pa.array(ids, LABELS_TYPE)
    columns |= {"group": pa.array(group, pa.string())} if group else {}
    columns |= {"given_split": pa.array(given, pa.string())} if given else {}
    table = pa.table(columns)
    for number, start in enumerate(range(0, len(ids), part_rows)):
        pq.write_table(table.slice(start, part_rows), work.out / f"part-{number:05d}.parquet")
    counts = Counter(label for held in ids for label in held)
    label_columns = {
        "id": pa.array(range(len(names)), pa.int32()),
        "name": pa.array(names, pa.string()),
        "count": pa.array([counts[label] for label in range(len(names))], pa.int64()),
    }
    pq.write_table(pa.table(label_columns), work.out / "labels.parquet")
    work.record(rows=len(ids), task=task, text_columns=list(text))


TABLE = Stage("table", 1, _write_table)


class Pipeline:
    """Builds a table and the three stages of this room in one store."""

    def __init__(self, root, executor=None):
        self.store, self.executor = Store(root), executor

    def table(self, text, labels, *, task, group=None, given=None, part_rows=4):
        text = text if isinstance(text, dict) else {"text": text}
        params = {"text": text, "labels": labels, "group": group, "given": given, "task": task}
        return self._build(TABLE, params | {"part_rows": part_rows}, {})

    def checks(self, table, **changes):
        return self._build(CHECKS, {"near_duplicates": None, "on_conflict": "keep"} | changes, {"table": table})

    def split(self, table, **changes):
        params = SHARES | SHAPE | {"seed": 0} | changes
        return self._build(SPLIT, params, {"table": table, "checks": self.checks(table)})

    def statistics(self, table, split):
        return self._build(STATISTICS, {}, {"table": table, "checks": self.checks(table), "split": split})

    def weights(self, table, split, **changes):
        return self._build(WEIGHTS, AUTO | changes, {"table": table, "split": split})

    def _build(self, stage, params, inputs):
        return self.store.build(stage, params=params, inputs=inputs, executor=self.executor)


def read_columns(path):
    """Return the columns of a parquet file as lists."""
    return pq.read_table(path).to_pydict()
