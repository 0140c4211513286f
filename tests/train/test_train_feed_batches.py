from __future__ import annotations

from collections import Counter
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

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
from shard_folders import write_shards
from token_tables import build_plan, build_split, build_table, build_tokenizer, write_plan

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


sizes = st.one_of(
    st.fixed_dictionaries({"batch_size": st.integers(1, 50)}),
    st.fixed_dictionaries({"batch_tokens": st.integers(24, 300)}),  # at least the widest row
)
options = st.builds(
    lambda size, others: size | others,
    sizes,
    st.fixed_dictionaries(
        {
            "shuffle": st.booleans(),
            "seed": st.integers(0, 99),
            "drop_remainder": st.booleans(),
            "buckets": st.sampled_from(["window", None, (4, 12), (30,)]),
            "pad_to": st.sampled_from([None, "bucket", 24]),
        }
    ),
).filter(lambda asked: asked.get("batch_tokens", 30) >= 30 or asked["buckets"] != (30,))


@settings(max_examples=30, deadline=None)
@given(options, st.booleans())
def test_every_planned_row_once_an_epoch_with_what_belongs_to_it(asked, planned):
    here = run()
    if planned:
        batches, expected = open_batches(here.both, here.plan, **SIZES, **asked), here.planned
    else:
        batches, expected = open_batches(here.shards, **SIZES, **asked), here.train_rows
    read = list(batches.iterate(epochs=2))  # kept, so that memory used twice would show
    assert len(read) == 2 * batches.steps_per_epoch
    order, first = np.concatenate([batches.rows(0), batches.rows(1)]), 0
    for inputs, targets in read:
        check_batch(inputs, targets, order[first : first + len(inputs)])
        assert inputs.size <= asked.get("batch_tokens", inputs.size)
        first += len(inputs)
    assert first == len(order) == 2 * batches.rows_per_epoch
    for epoch in (0, 1):
        rows = sorted(batches.rows(epoch).tolist())
        if asked["drop_remainder"]:
            assert not Counter(rows) - Counter(expected)
        else:
            assert rows == expected


@settings(max_examples=30, deadline=None)
@given(options, st.data())
def test_start_goes_on_with_exactly_the_remaining_batches(asked, data):
    here = run()
    batches = open_batches(here.both, here.plan, **SIZES, **asked)
    everything = list(batches.iterate(epochs=3))
    epoch, step = data.draw(st.integers(0, 2)), data.draw(st.integers(0, batches.steps_per_epoch))
    rest = list(iter_batches(here.both, here.plan, **SIZES, **asked, epochs=3, start=(epoch, step)))
    check_same(rest, everything[epoch * batches.steps_per_epoch + step :])


@settings(max_examples=30, deadline=None)
@given(options, st.integers(2, 4))
def test_workers_share_the_rows_and_take_the_same_number_of_steps(asked, n_workers):
    here = run()
    try:
        workers = [
            open_batches(here.both, here.plan, **SIZES, **asked, shard=(n_workers, index)) for index in range(n_workers)
        ]
    except ConfigError as error:
        assert not asked["drop_remainder"]
        assert "cannot be divided" in str(error)  # noqa: PT017 - only some of the cases raise
        return
    assert len({worker.steps_per_epoch for worker in workers}) == 1
    read = [[len(inputs) for inputs, _ in worker.iterate()] for worker in workers]
    assert all(len(steps) == workers[0].steps_per_epoch and min(steps, default=1) >= 1 for steps in read)
    assert len({tuple(inputs.shape[1] for inputs, _ in worker.iterate()) for worker in workers}) == 1
    rows = sorted(row for worker in workers for row in worker.rows().tolist())
    assert [sum(steps) for steps in read] == [len(worker.rows()) for worker in workers]
    if asked["drop_remainder"]:
        assert not Counter(rows) - Counter(here.planned)
    else:
        assert rows == here.planned


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=1, max_size=40),
    st.integers(1, 9),
    st.integers(1, 3),
    st.integers(1, 20),
)
def test_random_plans_in_shards_of_random_sizes(drawn, batch_rows, file_batches, batch_size):
    with TemporaryDirectory() as folder:
        root = Path(folder)
        ids = [[row % PAD] * length for row, (_, length) in enumerate(drawn)]
        labels = [[row % N_LABELS] for row in range(len(drawn))]
        write_shards(root, {"input_ids": ids}, labels, batch_rows=batch_rows, file_batches=file_batches)
        copies = {row: n for row, (n, _) in enumerate(drawn)}
        plan = write_plan(root / "plan", copies, [])
        asked = {**SIZES, "batch_size": batch_size, "shuffle": True, "seed": 5}
        batches = open_batches(root, plan, **asked)
        for epoch in (0, 1):
            rows = batches.rows(epoch)
            assert Counter(rows.tolist()) == Counter(copies)
            read = [
                (ids[ids != PAD].tolist(), np.flatnonzero(held).tolist())
                for inputs, targets in iter_batches(root, plan, **asked, epoch=epoch)
                for ids, held in zip(inputs, targets, strict=True)
            ]
            assert read == [([row % PAD] * drawn[row][1], [row % N_LABELS]) for row in rows]


def check_same(found, expected) -> None:
    assert len(found) == len(expected)
    for batch, other in zip(found, expected, strict=True):
        for part, same in zip(batch, other, strict=True):
            assert part.dtype == same.dtype
            np.testing.assert_array_equal(part, same)


def test_epochs_differ_and_seeds_do():
    orders = [
        open_batches(run().shards, **SIZES, batch_size=8, shuffle=True, seed=seed).rows(epoch).tolist()
        for seed in (0, 1)
        for epoch in (0, 1)
    ]
    assert len({tuple(order) for order in orders}) == 4


def test_batches_are_as_wide_as_their_longest_row_needs():
    batches = open_batches(run().shards, **SIZES, batch_size=2, shuffle=True)
    longest = {row: min(len(ids_of(row)), 19) for row in run().train_rows}
    widths, first = set(), 0
    for number in range(batches.schedule.n_runs):
        inputs = batches.fill(number)[0]
        rows = batches.rows()[first : first + inputs.shape[0] * inputs.shape[1]]
        first += len(rows)
        need = max(longest[row] for row in rows)
        assert inputs.shape[2] == min(-(-max(need, 1) // 8) * 8, 19)
        widths.add(inputs.shape[2])
    assert widths == {8, 16, 19}  # 19 is the longest row, less than the next multiple


@pytest.mark.parametrize(
    ("asked", "widths"),
    [
        ({"batch_size": 8, "pad_to": 32}, {32}),
        ({"batch_size": 8, "buckets": (5, 19), "pad_to": "bucket"}, {5, 19}),
        ({"batch_size": 8, "buckets": (5, 12, 64), "pad_to": "bucket"}, {5, 12, 64}),
        ({"batch_size": 8, "buckets": (5, 12, 64)}, {5, 12, 24}),  # the longest of each, rounded up, at most the bucket
        ({"batch_size": 1, "pad_to": "bucket"}, {8, 16, 19}),
        ({"batch_tokens": 64, "pad_to": 32}, {32}),
    ],
)
def test_widths_are_those_asked_for(asked, widths):
    batches = list(iter_batches(run().shards, **SIZES, **asked, shuffle=True))
    assert {inputs.shape[1] for inputs, _ in batches} == widths
    if "batch_tokens" in asked:
        assert {len(inputs) for inputs, _ in batches} == {2}


def test_inputs_that_a_model_asks_for(tmp_path):
    write_shards(tmp_path, {"input_ids": [[1, 2, 9, 3, 9, 4], [5], []]}, [[0], [1], []])
    names = ("input_ids", "attention_mask", "token_type_ids", "position_ids")
    ((inputs, _),) = iter_batches(tmp_path, **SIZES, batch_size=3, pad_to=8, inputs=names, separator_id=9)
    assert list(inputs) == list(names)
    assert inputs["input_ids"].tolist() == [[1, 2, 9, 3, 9, 4, PAD, PAD], [5] + [PAD] * 7, [PAD] * 8]
    assert inputs["attention_mask"].tolist() == [[1] * 6 + [0] * 2, [1] + [0] * 7, [0] * 8]
    assert inputs["token_type_ids"].tolist() == [[0, 0, 0, 1, 1, 1, 0, 0], [0] * 8, [0] * 8]
    assert inputs["position_ids"].tolist() == [[0, 1, 2, 3, 4, 5, 0, 0], [0] * 8, [0] * 8]


def test_each_text_column_with_ids_of_its_own(tmp_path):
    ids = {"input_ids_title": [[1], [2, 3], []], "input_ids_body": [[4] * 9, [5], [6, 7]]}
    write_shards(tmp_path, ids, [[0], [1], []], batch_rows=2)
    ((inputs, targets),) = iter_batches(tmp_path, **SIZES, batch_size=3)
    assert list(inputs) == ["input_ids_title", "input_ids_body"]
    assert inputs["input_ids_title"].tolist() == [[1] + [PAD] * 7, [2, 3] + [PAD] * 6, [PAD] * 8]
    assert [row[row != PAD].tolist() for row in inputs["input_ids_body"]] == ids["input_ids_body"]
    assert inputs["input_ids_body"].shape == (3, 9)
    assert targets.argmax(axis=1).tolist() == [0, 1, 0]
    ((inputs, _),) = iter_batches(tmp_path, **SIZES, batch_size=3, pad_to=12, inputs=("input_ids", "attention_mask"))
    assert {name: part.shape for name, part in inputs.items()} == dict.fromkeys(
        ("input_ids_title", "attention_mask_title", "input_ids_body", "attention_mask_body"), (3, 12)
    )
    for inputs, _ in iter_batches(tmp_path, **SIZES, batch_tokens=24):  # for both columns together
        assert sum(part.size for part in inputs.values()) <= 24
    with pytest.raises(ConfigError, match=r"each of title, body has ids of its own"):
        open_batches(tmp_path, **SIZES, batch_size=3, inputs=("token_type_ids",), separator_id=1)


def test_every_window_of_a_row_is_read_as_often_as_the_row(tmp_path):
    ids = {"input_ids": [[1], [2], [3], [4]]}
    write_shards(tmp_path, ids, [[0], [1], [1], [2]], rows=[3, 5, 5, 8], windows=[0, 0, 1, 0], batch_rows=2)
    plan = write_plan(tmp_path / "plan", {3: 1, 5: 2, 8: 0}, [])
    ((inputs, _),) = iter_batches(tmp_path, plan, **SIZES, batch_size=9)
    assert inputs[:, 0].tolist() == [1, 2, 2, 3, 3]
    assert open_batches(tmp_path, plan, **SIZES, batch_size=9).rows().tolist() == [3, 5, 5, 5, 5]


@pytest.mark.parametrize("rows", [[3, 5, 5, 8], [3, 5, 4, 8]], ids=["twice", "out of order"])
def test_rows_that_no_window_tells_apart_are_refused(tmp_path, rows):
    write_shards(tmp_path, {"input_ids": [[1]] * 4}, [[0]] * 4, rows=rows, windows=[0] * 4)
    with pytest.raises(DataError, match=r"twice or out of order"):
        open_shards(tmp_path, "train")


def test_shards_of_two_tokenizers_are_refused(tmp_path):
    write_shards(tmp_path / "a", {"input_ids": [[1]]}, [[0]])
    write_shards(tmp_path / "b", {"input_ids": [[1]]}, [[0]], rows=[7], id_type=pa.uint32())
    with pytest.raises(DataError, match=r"uint16.* and .*uint32.*not of one tokenizer"):
        open_shards([tmp_path / "a", tmp_path / "b"], "train")


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int8", "bool"])
def test_multi_hot_of_any_type(dtype):
    ((_, exact),) = iter_batches(run().shards, **SIZES | {"split": "validation"}, batch_size=40)
    ((_, targets),) = iter_batches(run().shards, **SIZES | {"split": "validation"}, batch_size=40, label_dtype=dtype)
    assert targets.dtype.name == dtype
    np.testing.assert_array_equal(targets.astype(np.float32), exact)


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
    (column,) = index.columns
    assert all(not segment.flags.owndata and not segment.flags.writeable for segment in column.segments)
    assert all(segment.dtype == np.uint16 for segment in (column.memory, *column.segments))
    assert not column.memory.flags.writeable
    assert len(column.segments) == 6  # five parts and the synthetic rows


def test_a_split_without_rows_has_no_batches():
    batches = open_batches(run().shards, **SIZES | {"split": "test"}, batch_size=4)
    assert batches.steps_per_epoch == batches.rows_per_epoch == 0
    assert list(batches.iterate(epochs=3)) == []


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"batch_tokens": 9}, ConfigError, r"both is given"),
        ({"batch_size": None}, ConfigError, r"neither is given"),
        ({"batch_size": None, "batch_tokens": 9}, ConfigError, r"batch_tokens is 9, but a row may take 19 ids"),
        ({"pad_to": 18}, ConfigError, r"pad_to is 18, but a row has 19 ids"),
        ({"buckets": (16, 8)}, ConfigError, r"widths that ascend"),
        ({"inputs": ("ids",)}, ConfigError, r"expected a sequence of input_ids, attention_mask"),
        ({"inputs": ("token_type_ids",)}, ConfigError, r"need separator_id"),
        ({"shard": (2, 2)}, ConfigError, r"shard is \(2, 2\)"),
        ({"labels": "indices", "label_dtype": "float32"}, ConfigError, r"whole numbers"),
        ({"labels": "indices", "n_labels": 200, "label_dtype": "int8"}, ConfigError, r"does not hold the label id 199"),
        ({"split": "dev"}, SourceNotFoundError, r"No shards of the split 'dev'"),
        ({"batch_size": 0}, ConfigError, r"batch_size is 0, expected at least 1"),
        ({"n_labels": 5}, DataError, r"label id 6, but n_labels is 5"),
        ({"labels": "int"}, LabelShapeError, r"row 0 has 0 .*multi_hot"),
        ({"split": "validation", "plan": Path("plan")}, ConfigError, r"'validation'.*of the train split"),
    ],
)
def test_what_cannot_be_read_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        open_batches(run().shards, **{**SIZES, "batch_size": 4, **change})


@pytest.mark.parametrize(
    ("given_span", "start", "steps"),
    [
        ({"epoch": 2}, (2, 0), 10),
        ({"epoch": 2, "start": (2, 4)}, (2, 4), 6),
        ({"epochs": 3, "start": (2, 4)}, (2, 4), 6),
        ({"epochs": 3}, (0, 0), 30),
    ],
)
def test_one_epoch_or_several(given_span, start, steps):
    asked = {**SIZES, "batch_size": 8, "shuffle": True}
    found = list(iter_batches(run().shards, **asked, **given_span))
    assert len(found) == steps
    everything = list(open_batches(run().shards, **asked).iterate(epochs=3))
    check_same(found, everything[start[0] * 10 + start[1] :][:steps])


@pytest.mark.parametrize("given_span", [{"epoch": 1, "epochs": 3}, {"epoch": 1, "start": (0, 3)}])
def test_an_epoch_that_does_not_go_with_the_rest_is_refused(given_span):
    with pytest.raises(ConfigError, match=r"epoch is 1, .*: give epoch, or the others"):
        list(iter_batches(run().shards, **SIZES, batch_size=8, **given_span))


@pytest.mark.parametrize("start", [(0, 99), (-1, 0), (2, 1), (0, -1)])
def test_a_start_outside_the_epochs_is_refused(start):
    with pytest.raises(ConfigError, match=r"expected a batch of 2 epochs of 10 steps"):
        list(iter_batches(run().shards, **SIZES, batch_size=8, epochs=2, start=start))


def test_shards_given_twice_are_refused():
    with pytest.raises(DataError, match=r"twice or out of order"):
        open_batches([run().shards, run().shards], **SIZES, batch_size=4)
