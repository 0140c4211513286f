from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenly.errors import ConfigError, DataError, LabelShapeError, SourceNotFoundError
from evenly.store import Store
from evenly.tokenize import SHARDS, SYNTHETIC
from evenly.train.feed.batches import iter_batches, open_batches
from evenly.train.feed.shards import open_shards
from token_tables import build_plan, build_split, build_table, build_tokenizer

N_ROWS, N_LABELS, PAD = 120, 7, 40
WORDS = [f"w{i}" for i in range(PAD)]
SIZES = {"split": "train", "n_labels": N_LABELS, "pad_id": PAD}


def ids_of(row: int) -> list[int]:
    """Ids that tell rows apart and differ in number: 0 to 22 of them; synthetic rows go on in the same way."""
    return [(row * 3 + i * (row + 1)) % PAD for i in range(row * 7 % 23)]


def labels_of(row: int) -> list[int]:
    return sorted({row % N_LABELS, row * 5 % N_LABELS, 3}) if row % 4 else []


def text_of(row: int) -> str:
    return " ".join(f"w{number}" for number in ids_of(row))


class Run:
    """Artifacts of a small run: 120 rows in parts of 25, of which every third is for validation; 6 synthetic rows."""

    def __init__(self, root: Path) -> None:
        store = Store(root)
        tokenizer = build_tokenizer(store, WORDS)
        rows = range(N_ROWS)
        columns = {"text": [text_of(row) for row in rows]}
        table = build_table(store, columns, [labels_of(row) for row in rows], n_labels=N_LABELS, part_rows=25)
        split = build_split(store, ["validation" if row % 3 == 2 else "train" for row in rows])
        self.train_rows = [row for row in rows if row % 3 != 2]
        self.copies = {row: row % 4 for row in self.train_rows}
        made = range(N_ROWS, N_ROWS + 6)
        plan = build_plan(store, self.copies, [(row, text_of(row), labels_of(row)) for row in made])
        encoded = {"table": table, "split": split, "tokenizer": tokenizer}
        shards = store.build(SHARDS, params={"max_length": 19}, inputs=encoded)
        synthetic = store.build(SYNTHETIC, params={"max_length": 19}, inputs={"plan": plan, "tokenizer": tokenizer})
        self.plan, self.shards, self.both = plan.path, shards.path, [shards.path, synthetic.path]
        self.planned = [row for row, n in self.copies.items() for _ in range(n)] + list(made)
        self.weights = root / "weights"
        self.weights.mkdir()
        weight = pa.array([row / 10 for row in self.train_rows], pa.float32())
        pq.write_table(pa.table({"row": self.train_rows, "sample_weight": weight}), self.weights / "rows.parquet")
        classes = pa.table({"id": pa.array(range(N_LABELS), pa.int32()), "class_weight": np.arange(N_LABELS) + 0.5})
        pq.write_table(classes, self.weights / "labels.parquet")


@lru_cache(maxsize=1)
def run() -> Run:
    return Run(Path(mkdtemp(prefix="evenly-feed-")))


def check_batch(inputs, targets, rows) -> None:
    """Every row of a batch has its own ids, at most 19, padding only after them, and its own labels."""
    assert inputs.dtype == np.int32
    assert len(inputs) == len(targets) == len(rows)
    for ids, target, row in zip(inputs, targets, rows, strict=True):
        expected = ids_of(row)[:19]
        assert ids[: len(expected)].tolist() == expected
        assert np.all(ids[len(expected) :] == PAD)
        assert np.flatnonzero(target).tolist() == labels_of(row)
        assert set(target.tolist()) <= {0.0, 1.0}


options = st.fixed_dictionaries(
    {
        "batch_size": st.integers(1, 50),
        "shuffle": st.booleans(),
        "seed": st.integers(0, 99),
        "drop_remainder": st.booleans(),
        "pad_to_multiple": st.sampled_from([1, 8, 64]),
        "window_rows": st.sampled_from([0, 32, 8192]),
    }
)


@settings(max_examples=60, deadline=None)
@given(options, st.booleans())
def test_every_planned_row_once_an_epoch_with_what_belongs_to_it(given_options, planned):
    here = run()
    if planned:
        batches, expected = open_batches(here.both, here.plan, **SIZES, **given_options), here.planned
    else:
        batches, expected = open_batches(here.shards, **SIZES, **given_options), here.train_rows
    rows, first = [], 0
    read = list(batches.iterate(epochs=2))  # kept, so that memory used twice would show
    assert len(read) == 2 * batches.steps_per_epoch
    order = np.concatenate([batches.rows(0), batches.rows(1)])
    for inputs, targets in read:
        check_batch(inputs, targets, order[first : first + len(inputs)])
        first += len(inputs)
    assert first == len(order) == 2 * batches.rows_per_epoch
    for epoch in (0, 1):
        rows = sorted(batches.rows(epoch).tolist())
        if given_options["drop_remainder"]:
            assert len(rows) == len(expected) - len(expected) % given_options["batch_size"]
        else:
            assert rows == expected
    assert given_options["shuffle"] or batches.rows().tolist() == expected[: batches.rows_per_epoch]


@settings(max_examples=40, deadline=None)
@given(options, st.data())
def test_start_goes_on_with_exactly_the_remaining_batches(given_options, data):
    here = run()
    batches = open_batches(here.both, here.plan, **SIZES, **given_options)
    everything = list(batches.iterate(epochs=3))
    epoch, step = data.draw(st.integers(0, 2)), data.draw(st.integers(0, batches.steps_per_epoch))
    rest = list(iter_batches(here.both, here.plan, **SIZES, **given_options, epochs=3, start=(epoch, step)))
    remaining = everything[epoch * batches.steps_per_epoch + step :]
    assert len(rest) == len(remaining)
    for (inputs, targets), (same_inputs, same_targets) in zip(remaining, rest, strict=True):
        np.testing.assert_array_equal(inputs, same_inputs)
        np.testing.assert_array_equal(targets, same_targets)


def test_epochs_differ_and_seeds_do():
    orders = [
        open_batches(run().shards, **SIZES, batch_size=8, shuffle=True, seed=seed).rows(epoch).tolist()
        for seed in (0, 1)
        for epoch in (0, 1)
    ]
    assert len({tuple(order) for order in orders}) == 4


def test_batches_are_as_wide_as_their_longest_row_needs():
    batches = open_batches(run().shards, **SIZES, batch_size=2, shuffle=True, pad_to_multiple=8)
    longest = {row: min(len(ids_of(row)), 19) for row in run().train_rows}
    widths, first = set(), 0
    for run_number in range(len(batches.schedule.run_bounds) - 1):
        inputs = batches.fill(run_number)[0]
        rows = batches.rows()[first : first + inputs.shape[0] * inputs.shape[1]]
        first += len(rows)
        need = max(longest[row] for row in rows)
        assert inputs.shape[2] == min(-(-max(need, 1) // 8) * 8, 19)
        widths.add(inputs.shape[2])
    assert widths == {8, 16, 19}  # 19 is the longest row, less than the next multiple


def test_targets_of_one_label_a_row_and_as_indices():
    store = Store(Path(mkdtemp(prefix="evenly-feed-")))
    tokenizer = build_tokenizer(store, WORDS)
    table = build_table(store, {"text": ["w1", "w2", "w3"]}, [[2], [0], [1]], n_labels=3)
    split = build_split(store, ["train"] * 3)
    inputs = {"table": table, "split": split, "tokenizer": tokenizer}
    shards = store.build(SHARDS, params={"max_length": 4}, inputs=inputs).path
    sizes = {"split": "train", "batch_size": 3, "n_labels": 3, "pad_id": PAD}
    ((ids, targets),) = iter_batches(shards, **sizes, labels="int")
    assert ids.tolist() == [[1], [2], [3]]
    assert targets.dtype == np.int32
    assert targets.tolist() == [2, 0, 1]
    ((_, indices),) = iter_batches(run().shards, **SIZES | {"split": "validation"}, batch_size=40, labels="indices")
    rows = range(2, N_ROWS, 3)
    assert indices.shape == (40, 3)
    for found, row in zip(indices.tolist(), rows, strict=True):
        assert found == labels_of(row) + [-1] * (3 - len(labels_of(row)))


def test_weights_belong_to_their_rows():
    here = run()
    batches = open_batches(here.both, here.plan, here.weights, **SIZES, batch_size=16, shuffle=True)
    weights = np.concatenate([weights for _, _, weights in batches.iterate()])
    assert weights.dtype == np.float32
    expected = [row / 10 if row < N_ROWS else 1.0 for row in batches.rows()]  # several labels a row: 1
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_synthetic_rows_of_one_label_weigh_as_their_class(tmp_path):
    store = Store(tmp_path / "store")
    tokenizer = build_tokenizer(store, WORDS)
    plan = build_plan(store, {}, [(120, "w1", [2]), (121, "w2", [0])])
    made = store.build(SYNTHETIC, params={"max_length": 4}, inputs={"plan": plan, "tokenizer": tokenizer})
    ((_, labels, weights),) = iter_batches(made.path, plan.path, run().weights, **SIZES, batch_size=4, labels="int")
    assert labels.tolist() == [2, 0]
    assert weights.tolist() == [2.5, 0.5]  # class weights are id + 0.5


def test_ids_are_views_of_the_mapped_files():
    index = open_shards(run().both, "train")
    assert len(index.row) == 80 + 6
    assert all(not segment.flags.owndata and not segment.flags.writeable for segment in index.segments)
    assert all(segment.dtype == np.uint16 for segment in index.segments)
    assert len(index.segments) == 6  # five parts and the synthetic rows


def test_a_split_without_rows_has_no_batches():
    batches = open_batches(run().shards, **SIZES | {"split": "test"}, batch_size=4)
    assert batches.steps_per_epoch == batches.rows_per_epoch == 0
    assert list(batches.iterate(epochs=3)) == []


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"split": "dev"}, SourceNotFoundError, r"No shards of the split 'dev'"),
        ({"batch_size": 0}, ConfigError, r"batch_size is 0, expected at least 1"),
        ({"n_labels": 5}, DataError, r"label id 6, but n_labels is 5"),
        ({"labels": "int"}, LabelShapeError, r"row 0 has 0 .*multi_hot"),
        ({"split": "validation", "plan": Path("plan")}, ConfigError, r"'validation'.*of the train split"),
    ],
    ids=["split", "batch_size", "n_labels", "labels", "plan"],
)
def test_what_cannot_be_read_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        open_batches(run().shards, **{**SIZES, "batch_size": 4, **change})


@pytest.mark.parametrize("start", [(0, 99), (-1, 0), (2, 1), (0, -1)])
def test_a_start_outside_the_epochs_is_refused(start):
    with pytest.raises(ConfigError, match=r"expected a batch of 2 epochs of 10 steps"):
        list(iter_batches(run().shards, **SIZES, batch_size=8, epochs=2, start=start))


def test_shards_given_twice_are_refused():
    with pytest.raises(DataError, match=r"twice or out of order"):
        open_batches([run().shards, run().shards], **SIZES, batch_size=4)
