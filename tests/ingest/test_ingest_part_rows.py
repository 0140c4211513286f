"""Rows of a part, in the chunks in which they come; memory that is used again; lists of labels."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from evenly.formats import LABELS_TYPE
from evenly.ingest.delimited.blocks import Blocks
from evenly.ingest.labelling.label_lists import label_lists
from evenly.ingest.parts import write_rows
from evenly.ingest.write_batches import BATCH_ROWS, align_chunks

SIZE = 2 << 20


@settings(max_examples=40, deadline=None)
@given(
    n_rows=st.integers(1, 9_000),
    cuts=st.lists(st.integers(0, 9_000), max_size=9),
    longest=st.sampled_from([0, 3, 2_000]),
)
def test_a_part_has_the_same_bytes_however_its_rows_come(n_rows: int, cuts: list[int], longest: int) -> None:
    sizes = np.random.default_rng(n_rows).integers(0, longest + 1, n_rows)
    texts = pa.array(["x" * size for size in sizes.tolist()], pa.string())
    whole = pa.table({"text": texts, "group": texts, "labels": pa.array([[1, 2]] * n_rows, LABELS_TYPE)})
    ends = sorted({*(min(cut, n_rows) for cut in cuts), 0, n_rows})
    pieces = pa.concat_tables([whole.slice(start, stop - start) for start, stop in itertools.pairwise(ends)])
    with tempfile.TemporaryDirectory() as folder:
        for number, table in enumerate((whole, pieces)):
            write_rows(table, number=number, first_row=0, folder=Path(folder))
        one, other = sorted(Path(folder).iterdir())
        assert one.read_bytes() == other.read_bytes()
        assert pq.read_table(other).drop_columns("row").to_pylist() == whole.to_pylist()
    assert all(len(chunk) % BATCH_ROWS == 0 for chunk in align_chunks(pieces)["text"].chunks[:-1])


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
