"""Memory that is used again: rows of a part, bytes of a stretch, and lists of labels."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from evenly.formats import LABELS_TYPE
from evenly.ingest import row_buffers
from evenly.ingest.delimited.blocks import Blocks
from evenly.ingest.labelling.label_lists import label_lists
from evenly.ingest.row_buffers import RowBuffers

SIZE = 2 << 20
ROWS = st.lists(
    st.tuples(st.text(max_size=6) | st.none(), st.lists(st.integers(0, 9), max_size=4)), min_size=1, max_size=20
)


def as_table(rows: list[tuple[str | None, list[int]]]) -> pa.Table:
    """Return rows as the checks deliver them."""
    texts, labels = zip(*rows, strict=True)
    return pa.table({"text": pa.array(texts, pa.string()), "labels": pa.array(labels, LABELS_TYPE)})


@settings(max_examples=60, deadline=None)
@given(pieces=st.lists(ROWS, min_size=1, max_size=5), room=st.integers(0, 12), start=st.integers(0, 3))
def test_rows_come_out_as_they_went_in(pieces: list[list[tuple[str | None, list[int]]]], room: int, start: int) -> None:
    buffers = RowBuffers(room)
    for _ in range(2):  # the second time in memory that is used again
        tables = [as_table(rows).slice(min(start, len(rows) - 1)) for rows in pieces]
        for table in tables:
            buffers.add(table)
        found = buffers.table()
        found.validate(full=True)
        assert found.to_pylist() == pa.concat_tables(tables).to_pylist()
        buffers.clear()


def test_more_than_offsets_can_count_is_divided(monkeypatch) -> None:
    monkeypatch.setattr(row_buffers, "_MOST_VALUES", 8)
    table = as_table([("abcd", [1]), ("efg", [2, 3])])
    buffers = RowBuffers(4)
    buffers.add(table)
    buffers.add(table)
    found = buffers.table()
    assert found["text"].num_chunks == 2
    assert found.to_pylist() == [*table.to_pylist(), *table.to_pylist()]


def test_a_block_is_lent_again_only_when_nobody_refers_to_it() -> None:
    blocks = Blocks()
    lent = blocks.take(SIZE)
    address = place(lent)
    buffer = pa.py_buffer(lent[10:])
    del lent
    assert place(blocks.take(SIZE)) != address
    held = np.frombuffer(buffer, np.uint8)[5:]
    del buffer
    assert place(blocks.take(SIZE)) != address
    del held
    assert place(blocks.take(SIZE - 50)) == address


def place(view: memoryview) -> int:
    """Return where bytes lie in memory."""
    return np.frombuffer(view, np.uint8).ctypes.data


@settings(max_examples=60, deadline=None)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(-1, 8) | st.integers(2**30, 2**31 - 1)), max_size=30),
    n_rows=st.integers(6, 9),
)
def test_lists_of_distinct_numbers_ascending(pairs: list[tuple[int, int]], n_rows: int) -> None:
    rows, numbers = np.array(pairs, np.int64).reshape(-1, 2).T
    expected = [sorted({number for at, number in pairs if at == row and number >= 0}) for row in range(n_rows)]
    assert label_lists(numbers, rows, n_rows=n_rows).to_pylist() == expected
