"""Stages that write the table of a test and its checks, and what the tests of this room's stages share."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq

from evenly.formats import LABELS_TYPE, list_parts, read_facts
from evenly.labels import SPLIT, STATISTICS, WEIGHTS
from evenly.store import Stage, Store

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
SHAPE = {"order": 1, "by": None, "folds": None, "fold": 0}
AUTO = {"scheme": "auto", "beta": 0.999, "sample": "none", "cap": 50.0}


def _write_table(work, *, text, labels, group, given, more, task, part_rows):
    names = sorted({name for held in labels for name in held})
    ids = [sorted(names.index(name) for name in held) for held in labels]
    columns = {"row": pa.array(range(len(ids)), pa.int64())}
    columns |= {name: pa.array(values, pa.string()) for name, values in text.items()}
    columns["labels"] = pa.array(ids, LABELS_TYPE)
    columns |= {"group": pa.array(group, pa.string())} if group else {}
    columns |= {"given_split": pa.array(given, pa.string())} if given else {}
    table = pa.table(columns | {name: pa.array(values) for name, values in more.items()})
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


def _write_checks(work, *, table, near, unused):
    """As the room of the checks writes them: texts are the same after folding case and white space."""
    parts = [pq.read_table(part) for part in list_parts(table)]
    texts = list(zip(*(_column(parts, name) for name in read_facts(table)["text_columns"]), strict=True))
    folded = [tuple(" ".join((text or "").casefold().split()) for text in row) for row in texts]
    same = _first_rows(folded)
    groups = _column(parts, "group") if "group" in parts[0].column_names else [None] * len(texts)
    columns = {
        "row": range(len(texts)),
        "same_text": same,
        "near_text": [same[row] for row in (near or range(len(texts)))],
        "same_group": _first_rows([row if value is None else value for row, value in enumerate(groups)]),
        "characters": pa.array([sum(len(text or "") for text in row) for row in texts], pa.int32()),
        "words": pa.array([sum(len((text or "").split()) for text in row) for row in texts], pa.int32()),
        "used": [row not in unused for row in range(len(texts))],
    }
    pq.write_table(pa.table(columns), work.out / "rows.parquet")
    work.record(rows=len(texts))


def _column(parts, name):
    return [value for part in parts for value in part[name].to_pylist()]


def _first_rows(values):
    first = {}
    return [first.setdefault(value, row) for row, value in enumerate(values)]


CHECKS = Stage("checks", 1, _write_checks)


class Pipeline:
    """Builds a table and the three stages of this room in one store."""

    def __init__(self, root, executor=None):
        self.store, self.executor = Store(root), executor

    def table(self, text, labels, *, task="multilabel", group=None, given=None, more=None, part_rows=4):
        text = text if isinstance(text, dict) else {"text": text}
        params = {"text": text, "labels": labels, "group": group, "given": given, "more": more or {}, "task": task}
        return self._build(TABLE, params | {"part_rows": part_rows}, {})

    def checks(self, table, near=None, unused=()):
        return self._build(CHECKS, {"near": near, "unused": list(unused)}, {"table": table})

    def split(self, table, checks=None, **changes):
        params = SHARES | SHAPE | {"seed": 0} | changes
        return self._build(SPLIT, params, {"table": table, "checks": checks or self.checks(table)})

    def statistics(self, table, split, checks=None):
        inputs = {"table": table, "checks": checks or self.checks(table), "split": split}
        return self._build(STATISTICS, {}, inputs)

    def weights(self, table, split, **changes):
        return self._build(WEIGHTS, AUTO | changes, {"table": table, "split": split})

    def _build(self, stage, params, inputs):
        return self.store.build(stage, params=params, inputs=inputs, executor=self.executor)


def read_columns(path):
    """Return the columns of a parquet file as lists."""
    return pq.read_table(path).to_pydict()
