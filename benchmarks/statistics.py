"""IRLbl, MeanIR, SCUMBLE and labelsets of a label matrix: evenly beside what people write with other libraries.

Each contender starts from the form that it works on (sparse matrix, dense frame, list column) and ends with MeanIR,
SCUMBLE and the number of labelsets; the figures show that they agree. The dense ones are measured at 100,000 rows: a
million would take a gigabyte a byte of width.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.harness import Timed
from benchmarks.label_matrix import read_label_matrix, write_label_matrix

if TYPE_CHECKING:
    from pathlib import Path

ROWS, DENSE_ROWS = 1_000_000, 100_000
CONTENDERS = ("evenly", "scipy", "polars", "evenly_100k", "pandas_dense_100k")

prepare = write_label_matrix


def evenly(folder: Path) -> Timed:
    """`label_statistics`, all of its measures."""
    return _evenly(folder, None)


def evenly_100k(folder: Path) -> Timed:
    """The same on the rows of the dense one."""
    return _evenly(folder, DENSE_ROWS)


def _evenly(folder: Path, rows: int | None) -> Timed:
    from evenly.labels import label_statistics

    labels = read_label_matrix(folder, rows)
    label_statistics(labels[:1_000])
    started = time.perf_counter()
    found = label_statistics(labels)
    seconds = time.perf_counter() - started
    return _timed(labels.shape[0], seconds, found.mean_ir, found.scumble, found.n_labelsets)


def scipy(folder: Path) -> Timed:
    """Sparse products over the rows, and labelsets as byte strings."""
    labels = read_label_matrix(folder)
    started = time.perf_counter()
    counts = np.asarray(labels.sum(axis=0, dtype=np.int64)).ravel()
    ratios = counts.max() / np.maximum(counts, 1)
    held = np.maximum(labels.getnnz(axis=1), 1)
    arithmetic, logarithmic = labels @ ratios / held, labels @ np.log(ratios) / held
    scumble = np.where(labels.getnnz(axis=1) > 1, 1 - np.exp(logarithmic) / arithmetic, 0.0)
    sets = len({part.tobytes() for part in np.split(labels.indices, labels.indptr[1:-1])})
    return _timed(
        labels.shape[0], time.perf_counter() - started, ratios[counts > 0].mean(), float(scumble.mean()), sets
    )


def polars(folder: Path) -> Timed:
    """A list column, exploded."""
    import polars as pl

    labels = read_label_matrix(folder)
    lists = pl.DataFrame(
        {"labels": pl.Series([part.tolist() for part in np.split(labels.indices, labels.indptr[1:-1])])}
    )
    started = time.perf_counter()
    exploded = lists.with_row_index("row").explode("labels")
    counts = exploded.drop_nulls().group_by("labels").len()
    rated = counts.with_columns(ratio=pl.col("len").max() / pl.col("len"))
    joined = (
        exploded.join(rated, on="labels")
        .group_by("row")
        .agg(arithmetic=pl.col("ratio").mean(), logarithmic=pl.col("ratio").log().mean(), held=pl.len())
    )
    per_row = joined.filter(pl.col("held") > 1).select(1 - pl.col("logarithmic").exp() / pl.col("arithmetic"))
    scumble = per_row.to_series().sum() / len(lists)
    sets = lists.select(pl.col("labels").n_unique()).item()
    return _timed(len(lists), time.perf_counter() - started, rated["ratio"].mean(), scumble, sets)


def pandas_dense_100k(folder: Path) -> Timed:
    """One column a label, as `get_dummies` or MultiLabelBinarizer leave it."""
    import pandas as pd

    frame = pd.DataFrame(read_label_matrix(folder, DENSE_ROWS).toarray())
    started = time.perf_counter()
    counts = frame.sum()
    ratios = counts.max() / counts[counts > 0]
    mean_ir = ratios.mean()
    held = frame[ratios.index].where(frame[ratios.index] == 1).mul(ratios)
    scumble = (1 - np.exp(np.log(held).mean(axis=1)) / held.mean(axis=1)).fillna(0.0).mean()
    sets = len(frame.drop_duplicates())
    return _timed(len(frame), time.perf_counter() - started, mean_ir, scumble, sets)


def _timed(rows: int, seconds: float, mean_ir: float, scumble: float, sets: int) -> Timed:
    return Timed(rows, seconds, {"MeanIR": float(mean_ir), "SCUMBLE": float(scumble), "labelsets": float(sets)})
