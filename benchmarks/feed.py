"""Batches for TensorFlow from tokenized rows: evenly beside `to_tf_dataset` and TFRecord files.

All give shuffled batches of 64 or 256 rows: padded int32 ids (at most 256), 1000-label multi-hot float32 and a sample
weight, and are drained inside a graph, as a training step would, so that what is timed is the feed. Four epochs are
timed, after the first batches have come; of `to_tf_dataset` 150 batches.

The shuffle contract: evenly permutes all rows of the split in each epoch and sorts windows of 8,192 of them by length.
`to_tf_dataset` permutes all rows too, and pads each batch to its longest row (`collate_fn` in NumPy, one process; with
`num_workers=2`, tried once on two busy cores, no batch came: its workers import TensorFlow anew in each epoch, and are
given up after 60 s). TFRecord, which cannot be permuted, is shuffled by file and in a buffer of 8,192
serialized rows; batches are parsed at once with `parse_example` and rows are padded to the longest of the batch.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from benchmarks.corpus import LABELS, write_corpus
from benchmarks.harness import Timed

from evenly.formats import LABELS_TYPE
from evenly.store import Stage, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evenly.workspace import Workspace

ROWS = 100_000
CONTENDERS = (
    "evenly_64",
    "tfrecord_64",
    "to_tf_dataset_64",
    "evenly_256",
    "tfrecord_256",
    "to_tf_dataset_256",
    "evenly_jit_256",
)
MAX_LENGTH, FILES, PART_ROWS, SHUFFLED = 256, 8, 50_000, 8192
EPOCHS = 4  # timed
PEER_STEPS = 150  # of to_tf_dataset: whole epochs would take the time of all others together


def prepare(folder: Path, rows: int, corpus: Path | None) -> None:
    """Write the shards, the weights, and the same rows as TFRecord files."""
    _write_records(folder, *prepare_shards(folder, rows, corpus))


def prepare_shards(folder: Path, rows: int, corpus: Path | None) -> tuple[Path, np.ndarray]:
    """Write the shards and the weights; return their folder, and the weight of each row."""
    from evenly.tokenize import SHARDS, TOKENIZER

    if corpus is None:
        corpus = folder / "corpus.csv"
        write_corpus(corpus, rows)
    store = Store(folder / "store")
    table = store.build(Stage("table", 1, _write_table), params={"corpus": str(corpus), "rows": rows}, inputs={})
    split = store.build(Stage("split", 1, _write_split), params={"rows": rows}, inputs={})
    params = {"kind": "wordpiece", "vocabulary_size": 30_000, "lowercase": True, "seed": 0}
    tokenizer = store.build(TOKENIZER, params=params, inputs={"table": table, "split": split})
    inputs = {"table": table, "split": split, "tokenizer": tokenizer}
    shards = store.build(SHARDS, params={"max_length": MAX_LENGTH}, inputs=inputs)
    facts = {name: tokenizer.facts[name] for name in ("pad_id", "n_ids")}
    (folder / "shards.json").write_text(json.dumps({"path": str(shards.path), **facts}))
    (folder / "weights").mkdir(exist_ok=True)
    weight = pa.array(np.random.default_rng(0).random(rows) + 0.5, pa.float32())
    pq.write_table(pa.table({"row": np.arange(rows), "sample_weight": weight}), folder / "weights" / "rows.parquet")
    return shards.path, weight.to_numpy()


def evenly_64(folder: Path) -> Timed:
    """`read_shards`."""
    return _evenly(folder, 64)


def evenly_256(folder: Path) -> Timed:
    """`read_shards`."""
    return _evenly(folder, 256)


def evenly_jit_256(folder: Path) -> Timed:
    """`read_shards` with the static shapes that XLA wants."""
    return _evenly(folder, 256, pad_to=MAX_LENGTH, drop_remainder=True)


def tfrecord_64(folder: Path) -> Timed:
    """Interleaved files, batches parsed at once, prefetched."""
    return _tfrecord(folder, 64)


def tfrecord_256(folder: Path) -> Timed:
    """Interleaved files, batches parsed at once, prefetched."""
    return _tfrecord(folder, 256)


def to_tf_dataset_64(folder: Path) -> Timed:
    """Hugging Face `datasets`, with a collator in NumPy."""
    return _to_tf_dataset(folder, 64)


def to_tf_dataset_256(folder: Path) -> Timed:
    """Hugging Face `datasets`, with a collator in NumPy."""
    return _to_tf_dataset(folder, 256)


def _evenly(folder: Path, batch_size: int, **options: Any) -> Timed:
    from evenly.train import read_shards

    found = json.loads((folder / "shards.json").read_text())
    sizes = {"batch_size": batch_size, "n_labels": LABELS, "pad_id": found["pad_id"]}
    dataset = read_shards(
        _path(found["path"]),
        None,
        folder / "weights",
        split="train",
        shuffle=True,
        epochs=EPOCHS + 2,
        **sizes,
        **options,
    )
    return _drain(dataset, int(dataset.cardinality()) * EPOCHS // (EPOCHS + 2), batch_size)


def _tfrecord(folder: Path, batch_size: int) -> Timed:
    import tensorflow as tf

    ragged = {name: tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64) for name in ("ids", "labels")}
    features = {**ragged, "weight": tf.io.FixedLenFeature([], tf.float32)}

    def parse(serialized: Any) -> tuple[Any, Any, Any]:
        rows = tf.io.parse_example(serialized, features)
        labels = rows["labels"]
        places = tf.stack([labels.value_rowids(), labels.values], axis=1)
        shape = tf.stack([labels.nrows(), LABELS])
        hot = tf.scatter_nd(places, tf.ones_like(labels.values, tf.float32), shape)
        return tf.cast(rows["ids"].to_tensor(), tf.int32), hot, rows["weight"]

    names = [str(path) for path in sorted((folder / "records").iterdir())]
    files = tf.data.Dataset.from_tensor_slices(names).shuffle(len(names)).repeat(EPOCHS + 2)
    rows = files.interleave(
        tf.data.TFRecordDataset, cycle_length=4, num_parallel_calls=tf.data.AUTOTUNE, deterministic=False
    )
    batches = rows.shuffle(SHUFFLED).batch(batch_size).map(parse, num_parallel_calls=tf.data.AUTOTUNE)
    n_rows = json.loads((folder / "records.json").read_text())
    return _drain(batches.prefetch(tf.data.AUTOTUNE), n_rows * EPOCHS // batch_size, batch_size)


def _to_tf_dataset(folder: Path, batch_size: int) -> Timed:
    os.environ["HF_HUB_OFFLINE"] = "1"
    from datasets import load_from_disk

    shards = _path(json.loads((folder / "shards.json").read_text())["path"])
    rows = load_from_disk(str(shards / "train"))
    weight = pq.read_table(folder / "weights" / "rows.parquet")["sample_weight"].to_numpy()
    rows = rows.add_column("weight", weight[rows["row"][:]])
    dataset = rows.to_tf_dataset(
        columns=["input_ids", "weight"],
        label_cols=["labels"],
        batch_size=batch_size,
        shuffle=True,
        collate_fn=_collate,
    )
    return _drain(dataset.map(lambda ids, hot: (ids["input_ids"], hot, ids["weight"])).repeat(), PEER_STEPS, batch_size)


def _collate(rows: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    width = max(len(row["input_ids"]) for row in rows)
    ids, hot = np.zeros((len(rows), width), np.int32), np.zeros((len(rows), LABELS), np.float32)
    for i, row in enumerate(rows):
        ids[i, : len(row["input_ids"])] = row["input_ids"]
        hot[i, row["labels"]] = 1
    return {"input_ids": ids, "labels": hot, "weight": np.array([row["weight"] for row in rows], np.float32)}


def _drain(dataset: Any, n_steps: int, batch_size: int) -> Timed:
    """Draw batches in a graph and touch each of them, as a step does."""
    import tensorflow as tf

    @tf.function  # type: ignore[untyped-decorator]
    def draw(batches: Any, steps: Any) -> Any:
        total = 0.0
        for _ in tf.range(steps):
            ids, hot, weight = next(batches)
            total += tf.cast(ids[0, 0], tf.float32) + hot[0, 0] + weight[0]
        return total

    batches = iter(dataset)
    draw(batches, tf.constant(max(8, n_steps // 8)))
    started, cpu = time.perf_counter(), time.process_time()
    draw(batches, tf.constant(n_steps)).numpy()
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return Timed(n_steps * batch_size, seconds, {"rows/CPU-s": n_steps * batch_size / cpu})


def _write_records(folder: Path, shards: Path, weight: np.ndarray) -> None:
    import tensorflow as tf

    from evenly.train.feed.shards import open_shards

    index = open_shards(shards, "train")
    column = index.columns[0]
    (folder / "records").mkdir(exist_ok=True)
    for number, stored in enumerate(np.array_split(np.random.default_rng(0).permutation(len(index.row)), FILES)):
        with tf.io.TFRecordWriter(str(folder / "records" / f"{number}.tfrecord")) as writer:
            for i in stored.tolist():
                ids = column.memory[column.start[i] : column.start[i] + column.length[i]]
                labels = index.label_ids[index.label_offsets[i] : index.label_offsets[i + 1]]
                writer.write(_example(tf, ids, labels, float(weight[index.row[i]])))
    (folder / "records.json").write_text(json.dumps(len(index.row)))


def _example(tf: Any, ids: np.ndarray, labels: np.ndarray, weight: float) -> bytes:
    features = {
        "ids": tf.train.Feature(int64_list=tf.train.Int64List(value=ids.tolist())),
        "labels": tf.train.Feature(int64_list=tf.train.Int64List(value=labels.tolist())),
        "weight": tf.train.Feature(float_list=tf.train.FloatList(value=[weight])),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def _write_table(work: Workspace, *, corpus: str, rows: int) -> None:
    done = 0
    for texts, labels in _read_corpus(corpus):
        n = min(len(texts), rows - done)
        columns = {"row": pa.array(range(done, done + n)), "text": texts[:n], "labels": labels[:n]}
        pq.write_table(pa.table(columns), work.out / f"part-{done:09d}.parquet", compression="none")
        done += n
        if done == rows:
            break
    names = {"id": pa.array(range(LABELS), pa.int32()), "name": [str(label) for label in range(LABELS)]}
    pq.write_table(pa.table(names), work.out / "labels.parquet")
    work.record(rows=done, text_columns=["text"])


def _read_corpus(corpus: str) -> Iterator[tuple[pa.Array, pa.Array]]:
    types = pyarrow.csv.ConvertOptions(include_columns=["text", "labels"], column_types={"labels": pa.string()})
    blocks = pyarrow.csv.ReadOptions(block_size=32 << 20)
    for batch in pyarrow.csv.open_csv(corpus, read_options=blocks, convert_options=types):
        held = [row.split("|") if row else [] for row in batch["labels"].to_pylist()]
        yield batch["text"], pa.array([sorted({int(label) % LABELS for label in row}) for row in held], LABELS_TYPE)


def _write_split(work: Workspace, *, rows: int) -> None:
    numbers = np.arange(rows)
    pq.write_table(pa.table({"row": numbers, "split": ["train"] * rows, "unit": numbers}), work.out / "split.parquet")
    work.record(rows=rows)


def _path(name: str) -> Path:
    from pathlib import Path

    return Path(name)
