"""ML-ROS by the paper's rule: clones per second, beside counting all labels anew for each clone.

Rows are clones here. The peer makes a few of them only: every one costs it the same.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.harness import Timed
from scipy import sparse

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 100_000
LABELS = 1_000
CLONES = 500  # of the peer
CONTENDERS = ("evenly", "recount")


def prepare(folder: Path, rows: int, corpus: Path | None) -> None:  # noqa: ARG001 - labels, not texts
    """Write labels by a power law, about three a row."""
    rng = np.random.default_rng(0)
    cumulated = np.cumsum((np.arange(LABELS) + 3.0) ** -1.05)
    counts = 1 + rng.poisson(2.2, rows)
    row = np.repeat(np.arange(rows), counts)
    label = np.searchsorted(cumulated, rng.random(len(row)) * cumulated[-1]).clip(max=LABELS - 1)
    held = sparse.csr_matrix((np.ones(len(row), np.int8), (row, label)), shape=(rows, LABELS))
    held.data[:] = 1
    sparse.save_npz(folder / "labels.npz", held, compressed=False)


def evenly(folder: Path) -> Timed:
    """Counts that are kept up to date, in compiled code that is warm."""
    from evenly.resample import ml_ros

    labels = sparse.load_npz(folder / "labels.npz")
    ml_ros(labels[:1_000], random_state=0)
    started = time.perf_counter()
    copies = ml_ros(labels, random_state=0)
    return Timed(int(copies.sum()) - len(copies), time.perf_counter() - started)


def recount(folder: Path) -> Timed:
    """The IRLbl of every label from all rows, originals and clones, whenever a row has been cloned."""
    labels = sparse.load_npz(folder / "labels.npz")
    rng = np.random.default_rng(0)
    started = time.perf_counter()
    n_labels = labels.shape[1]
    counts = np.bincount(labels.indices, minlength=n_labels)
    mean_ratio = (counts.max() / counts[counts > 0]).mean()
    by_label = labels.tocsc()
    minority = [label for label in range(n_labels) if counts[label] and counts.max() / counts[label] > mean_ratio]
    bags = {label: by_label.indices[by_label.indptr[label] : by_label.indptr[label + 1]] for label in minority}
    copies = np.ones(labels.shape[0], np.int64)
    done = 0
    while done < CLONES and bags:
        for label in list(bags):
            copies[rng.choice(bags[label])] += 1
            done += 1
            counts = np.asarray(copies @ labels)
            if counts.max() / counts[label] <= mean_ratio:
                del bags[label]
            if done == CLONES:
                break
    return Timed(done, time.perf_counter() - started)
