"""Iterative stratification, 80/20 %: evenly at full size, and beside iterative-stratification at 50,000 rows.

The peer keeps a dense matrix and looks for the rarest label anew each time: at a million rows it would take minutes
and gigabytes, so that it is measured at 50,000 and evenly there too. `deviation` is the mean over labels of the rows
by which the test split differs from its share of the label; `LD` the label distribution of Sechidis et al.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.harness import Timed
from benchmarks.label_matrix import read_label_matrix, write_label_matrix

if TYPE_CHECKING:
    from pathlib import Path

    from scipy import sparse

ROWS, PEER_ROWS = 1_000_000, 50_000
SHARES = (0.8, 0.2)
CONTENDERS = ("evenly", "evenly_order_2", "evenly_folds_5", "evenly_50k", "iterative_stratification_50k")

prepare = write_label_matrix


def evenly(folder: Path) -> Timed:
    """All rows, single labels."""
    return _split(folder, None, 1)


def evenly_order_2(folder: Path) -> Timed:
    """All rows, pairs of labels too."""
    return _split(folder, None, 2)


def evenly_50k(folder: Path) -> Timed:
    """The first rows, as the peer."""
    return _split(folder, PEER_ROWS, 1)


def evenly_folds_5(folder: Path) -> Timed:
    """All rows in five folds; figures of the first fold."""
    from evenly.labels import iterative_folds

    labels = read_label_matrix(folder)
    iterative_folds(labels[:1_000], 5)  # compiles, or loads what is compiled
    started = time.perf_counter()
    fold = iterative_folds(labels, 5)
    return _judged(labels, (fold == 0).astype(np.int8), time.perf_counter() - started)


def iterative_stratification_50k(folder: Path) -> Timed:
    """MultilabelStratifiedShuffleSplit on the dense matrix."""
    from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit

    labels = read_label_matrix(folder, PEER_ROWS)
    dense = labels.toarray()
    splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=SHARES[1], random_state=0)
    started = time.perf_counter()
    _, test = next(splitter.split(np.zeros(len(dense)), dense))
    seconds = time.perf_counter() - started
    code = np.zeros(len(dense), np.int8)
    code[test] = 1
    return _judged(labels, code, seconds)


def _split(folder: Path, rows: int | None, order: int) -> Timed:
    from evenly.labels import iterative_split

    labels = read_label_matrix(folder, rows)
    iterative_split(labels[:1_000], SHARES, order=order)  # compiles, or loads what is compiled
    started = time.perf_counter()
    code = iterative_split(labels, SHARES, order=order)
    return _judged(labels, code, time.perf_counter() - started)


def _judged(labels: sparse.csr_matrix, code: np.ndarray, seconds: float) -> Timed:
    from evenly.labels.quality import split_quality

    total = np.asarray(labels.sum(axis=0)).ravel()
    test = np.asarray(labels[code == 1].sum(axis=0)).ravel()
    quality = split_quality(labels, code, SHARES)
    figures = {
        "deviation": float(np.abs(test - SHARES[1] * total)[total > 0].mean()),
        "LD": quality.label_distribution,
        "LPD": quality.label_pair_distribution,
        "test": quality.shares[1],
    }
    return Timed(labels.shape[0], seconds, figures)
