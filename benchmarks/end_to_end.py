"""From a CSV to token shards: ``evenly run --until synthetic`` beside what a careful user writes without it.

The yardstick is made of the libraries that everybody knows, and does less: pandas reads, scikit-learn binarises,
iterative-stratification splits once, rows of rare labels are drawn again label by label (no statistics, no weights, no
MLSMOTE: no Python implementation ends at this size), `datasets` tokenizes in two processes and saves. Both begin with a
fresh process, imports included, and end with data sets on disk. ``other_strategy`` is another resampling (ML-ROS) on
the table that evenly has prepared in the same round; its `share` is the part of the first run's time that it takes.
"""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from benchmarks.harness import Timed
from benchmarks.whole_run import MAX_LENGTH, measure_run, write_inputs

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ROWS = 200_000
CONTENDERS = ("evenly", "other_strategy", "reference_stack")
FIRST = "first.json"


def prepare(folder: Path, rows: int, corpus: Path | None) -> None:
    """Write the CSV, the tokenizer and evenly's config."""
    write_inputs(folder, rows, corpus)
    (folder / "rows.json").write_text(json.dumps(rows))


def evenly(folder: Path) -> Timed:
    """Everything, with an empty store."""
    started = time.perf_counter()
    stages = measure_run(folder)
    seconds = time.perf_counter() - started
    (folder / FIRST).write_text(json.dumps(seconds))
    slowest = max(stages, key=lambda name: stages[name].seconds)
    cpu_s = sum(stage.cpu_s for stage in stages.values())
    return Timed(_rows(folder), seconds, {"cpu_s": cpu_s, f"slowest: {slowest}": stages[slowest].seconds})


def other_strategy(folder: Path) -> Timed:
    """ML-ROS on the same table."""
    started = time.perf_counter()
    stages = measure_run(folder, "resample.method=ml_ros", keep_store=True)
    seconds = time.perf_counter() - started
    shutil.rmtree(folder / "store")
    built = sum(not stage.reused for name, stage in stages.items() if name not in {"start", "end"})
    return Timed(_rows(folder), seconds, {"share": seconds / json.loads((folder / FIRST).read_text()), "built": built})


def reference_stack(folder: Path) -> Timed:
    """Pandas, scikit-learn, iterative-stratification, datasets, transformers."""
    started = time.perf_counter()
    import pandas as pd

    frame = pd.read_csv(folder / "corpus.csv")
    held = frame["labels"].fillna("").astype(str).str.split("|")
    read = time.perf_counter()
    hot = _binarise(held)
    train, held_out = _split(hot)
    split = time.perf_counter()
    resampled = _draw_rare(hot, train)
    _tokenize(folder, frame["text"], held, {"train": resampled, "test": held_out})
    seconds = time.perf_counter() - started
    figures = {"read_s": read - started, "split_s": split - read, "tokenize_s": started + seconds - split}
    return Timed(len(frame), seconds, figures)


def _split(hot: NDArray[np.int8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit

    splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=0.2, random_state=0)
    return next(splitter.split(np.zeros(len(hot)), hot))


def _binarise(held: Any) -> NDArray[np.int8]:
    from sklearn.preprocessing import MultiLabelBinarizer

    return MultiLabelBinarizer(sparse_output=False).fit_transform(held).astype(np.int8)


def _draw_rare(hot: NDArray[np.int8], train: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the train rows, and rows of each label above the MeanIR again, at most 1000 of each."""
    counts = hot[train].sum(axis=0, dtype=np.int64)
    ratio = counts.max() / np.maximum(counts, 1)
    rng = np.random.default_rng(0)
    rare = np.flatnonzero((ratio > ratio[counts > 0].mean()) & (counts > 0))
    drawn = [rng.choice(train[hot[train, label] == 1], min(counts[label], 1_000)) for label in rare]
    rows = np.concatenate([train, *drawn])
    rng.shuffle(rows)
    return rows


def _tokenize(folder: Path, texts: Any, held: Any, splits: dict[str, NDArray[np.int64]]) -> None:
    import datasets
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
    datasets.disable_progress_bars()

    def encode(batch: dict) -> dict:
        return {"input_ids": tokenizer(batch["text"], truncation=True, max_length=MAX_LENGTH)["input_ids"]}

    for name, rows in splits.items():
        columns = {"text": texts.iloc[rows].tolist(), "labels": held.iloc[rows].tolist()}
        part = datasets.Dataset.from_dict(columns)
        part.map(encode, batched=True, num_proc=2, remove_columns=["text"]).save_to_disk(folder / "reference" / name)
    shutil.rmtree(folder / "reference")


def _rows(folder: Path) -> int:
    return int(json.loads((folder / "rows.json").read_text()))
