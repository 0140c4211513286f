"""Exact duplicates after Unicode NFKC, case and white-space folding, from parquet parts to a group for every row.

The peers read the same parts and fold with their own string functions (polars lower-cases: it has no case folding).
evenly also counts characters and words. Imports are not counted, for none of them.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.harness import Timed
from benchmarks.text_table import build_table, write_table

ROWS = 1_000_000
CONTENDERS = ("evenly", "evenly_one_process", "polars", "pandas")

prepare = write_table


def evenly(folder: Path) -> Timed:
    """`read_row_texts` as a run does it on two cores, the whole of the stage but findings."""
    from evenly.executor import LocalProcesses

    executor = LocalProcesses(2)
    try:
        return _evenly(folder, executor)
    finally:
        executor.close()


def evenly_one_process(folder: Path) -> Timed:
    """The same, here."""
    from evenly.executor import InProcess

    return _evenly(folder, InProcess())


def _evenly(folder: Path, executor: object) -> Timed:
    from evenly.inspect.duplicates import first_rows
    from evenly.inspect.row_texts import hash_names, read_row_texts
    from evenly.workspace import Workspace

    table = build_table(folder)
    first_rows(hash_names(["a word"]))  # compiled loops are loaded before the clock starts, as are the peers' modules
    with tempfile.TemporaryDirectory(dir=folder) as out:
        work = Workspace(Path(out), stage="checks", executor=executor)
        started = time.perf_counter()
        found = read_row_texts(work, table, None)
        seconds = time.perf_counter() - started
    return _timed(len(found.same), seconds, int((found.same == range(len(found.same))).sum()))


def polars(folder: Path) -> Timed:
    """Normalize, lower-case, replace, strip; a group by the string itself."""
    import polars as pl

    started = time.perf_counter()
    text = pl.col("text").str.normalize("NFKC").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    read = pl.scan_parquet(build_table(folder) / "part-*.parquet").select(text).with_row_index("row")
    first = read.select(pl.col("row").min().over("text")).collect()
    seconds = time.perf_counter() - started
    return _timed(len(first), seconds, first["row"].n_unique())


def pandas(folder: Path) -> Timed:
    """Normalize, casefold, replace, strip; a number for every group."""
    import pandas as pd

    started = time.perf_counter()
    parts = sorted(build_table(folder).glob("part-*.parquet"))
    text = pd.concat([pd.read_parquet(part, columns=["text"])["text"] for part in parts], ignore_index=True)
    folded = text.str.normalize("NFKC").str.casefold().str.replace(r"\s+", " ", regex=True).str.strip()
    groups, names = pd.factorize(folded)
    seconds = time.perf_counter() - started
    return _timed(len(groups), seconds, len(names))


def _timed(rows: int, seconds: float, n_distinct: int) -> Timed:
    return Timed(rows, seconds, {"distinct": n_distinct})
