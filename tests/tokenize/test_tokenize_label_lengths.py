"""Lengths of each label's texts in tokens: worked by hand, and the same however the rows are divided."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from evenly.formats import LABELS_TYPE
from evenly.store import Store
from evenly.tokenize import SHARDS
from evenly.tokenize.label_lengths import LabelLengths
from token_tables import build_split, build_table, build_tokenizer


def _counted(rows):
    found = LabelLengths()
    found.add(pa.array([held for held, _ in rows], LABELS_TYPE), np.array([length for _, length in rows], np.int64))
    return found


def test_quantiles_worked_by_hand():
    """Label 0 has the lengths 1 to 20 (5 %: 1, half: 10, 95 %: 19), label 2 the length 7, label 1 no row."""
    rows = [([0], length) for length in range(1, 20)] + [([0, 2], 20), ([2], 7), ([2], 7), ([], 99)]
    assert _counted(rows).table(["a", "b", "c"], 18).to_pylist() == [
        {"id": 0, "name": "a", "rows": 20, "q05": 1, "q50": 10, "q95": 19, "max": 20, "truncated": 0.1},
        {"id": 1, "name": "b", "rows": 0, "q05": None, "q50": None, "q95": None, "max": None, "truncated": None},
        {"id": 2, "name": "c", "rows": 3, "q05": 7, "q50": 7, "q95": 20, "max": 20, "truncated": 1 / 3},
    ]


@given(st.lists(st.tuples(st.lists(st.integers(0, 4), max_size=3, unique=True), st.integers(0, 3000)), max_size=40))
@settings(max_examples=60, deadline=None)
def test_parts_add_up(rows):
    names = list("abcde")
    whole = _counted(rows).table(names, 100)
    pieces = [_counted(rows[start::3]).to_json() for start in range(3)]
    assert LabelLengths.total(pieces).table(names, 100).equals(whole)
    for label, found in enumerate(whole.to_pylist()):
        lengths = [length for held, length in rows if label in held]
        assert found["rows"] == len(lengths)
        for name, share in (("q05", 0.05), ("q50", 0.5), ("q95", 0.95), ("max", 1.0)):
            expected = int(np.quantile(lengths, share, method="inverted_cdf")) if lengths else None
            assert found[name] == expected


def test_shards_know_the_lengths_of_each_label_and_leave_unused_rows_out(tmp_path):
    """Rows of 4, 1, 2 and 3 tokens; the last has no split."""
    store = Store(tmp_path)
    tokenizer = build_tokenizer(store, ["[UNK]", "a"])
    texts = ["a a a a", "a", "a a", "a a a"]
    table = build_table(store, {"text": texts}, [[0, 1], [0], [1], [0]], n_labels=3, part_rows=3)
    split = build_split(store, ["train", "test", "train", None])
    inputs = {"table": table, "split": split, "tokenizer": tokenizer}
    built = store.build(SHARDS, params={"max_length": 3}, inputs=inputs)
    found = pq.read_table(built.path / "token_lengths.parquet").to_pylist()
    assert [(row["rows"], row["q50"], row["max"], row["truncated"]) for row in found] == [
        (2, 1, 4, 0.5),
        (2, 2, 4, 0.5),
        (0, None, None, None),
    ]
    assert built.facts["n_rows"] == {"train": 2, "validation": 0, "test": 1}
