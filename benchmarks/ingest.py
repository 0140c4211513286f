"""A CSV of texts and joined labels to a table on disk: evenly beside what people write with other libraries.

The end is the same for evenly, pandas, duckdb and polars: parquet with the text and a list of labels a row. evenly
also gives the labels numbers, accounts for every row, and hashes what it reads and writes; its time is that of the
whole stage. `pandas_read_only` stops before anything is written. Not counted, for none of them: imports, and what they
leave to Python's collector.
"""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from benchmarks.corpus import write_corpus
from benchmarks.harness import Timed, start_clock

if TYPE_CHECKING:
    from pathlib import Path

    from evenly.executor import Executor
    from evenly.store import Artifact

ROWS = 1_000_000
CONTENDERS = ("evenly", "pandas", "pandas_read_only", "duckdb", "polars")
WARM_UP_ROWS = 2_000  # more than a megabyte, from which on the compiled loop is used


def prepare(folder: Path, rows: int, corpus: Path | None) -> None:
    """Make or link the CSV, and a small one to warm up with."""
    if corpus is None:
        write_corpus(folder / "corpus.csv", rows)
    else:
        (folder / "corpus.csv").symlink_to(corpus.resolve())
    with (folder / "corpus.csv").open("rb") as source:
        (folder / "small.csv").write_bytes(b"".join(source.readline() for _ in range(WARM_UP_ROWS)))


def evenly(folder: Path) -> Timed:
    """The stage `table` with every core, once its modules and compiled loops are loaded."""
    from evenly.executor import LocalProcesses

    executor = LocalProcesses()
    shutil.rmtree(folder / "warm", ignore_errors=True)  # of an earlier round: what is reused loads nothing
    _build(folder / "small.csv", folder / "warm", executor)
    started = start_clock()
    manifest = _build(folder / "corpus.csv", folder / "store", executor).manifest
    seconds = time.perf_counter() - started
    executor.close()
    shutil.rmtree(folder / "store")
    return Timed(manifest.rows, seconds, {"rejected": manifest.facts["rows_rejected"]})


def _build(path: Path, store: Path, executor: Executor) -> Artifact:
    from evenly.config import RunConfig
    from evenly.flows.steps import prepare_steps
    from evenly.store import Store

    labels = {"columns": "labels", "format": "delimited", "delimiter": "|"}
    config = RunConfig.model_validate({"source": {"files": str(path), "text": "text", "labels": labels}})
    step = prepare_steps(config)[0]
    return Store(store).build(step.stage, params=step.params, inputs=step.files, executor=executor)


def pandas(folder: Path) -> Timed:
    """Read, split, write."""
    return _pandas(folder, write=True)


def pandas_read_only(folder: Path) -> Timed:
    """Read, split."""
    return _pandas(folder, write=False)


def _pandas(folder: Path, *, write: bool) -> Timed:
    import pandas as pd
    import pyarrow.parquet  # noqa: F401 - the writer, loaded before the clock starts

    started = start_clock()
    frame = pd.read_csv(folder / "corpus.csv", usecols=["text", "labels"])
    frame["labels"] = frame["labels"].str.split("|")
    if write:
        frame.to_parquet(folder / "pandas.parquet")
    return Timed(len(frame), time.perf_counter() - started)


def duckdb(folder: Path) -> Timed:
    """One statement, in a stream; its rejects are kept, as people who count rows would."""
    import duckdb

    connection = duckdb.connect()
    source, target = folder / "corpus.csv", folder / "duckdb.parquet"
    started = start_clock()
    table = connection.read_csv(str(source), store_rejects=True, all_varchar=True)
    table.select("text, string_split(labels, '|') as labels").to_parquet(str(target), compression="snappy")
    seconds = time.perf_counter() - started
    return Timed(len(connection.read_parquet(str(target))), seconds)


def polars(folder: Path) -> Timed:
    """The lazy reader into the streaming writer."""
    import polars as pl

    started = start_clock()
    labels = pl.col("labels").cast(pl.String).str.split("|")
    pl.scan_csv(folder / "corpus.csv").select("text", labels).sink_parquet(folder / "polars.parquet")
    seconds = time.perf_counter() - started
    return Timed(pl.scan_parquet(folder / "polars.parquet").select(pl.len()).collect().item(), seconds)
