"""MLSMOTE by the paper's rule (one vector a row of each minority bag), beside the paper's own loop in plain Python.

The loop asks scikit-learn for the neighbours of a whole bag at once, which is its best; feature by feature and label
by label it is algorithm 1 and 2 of the paper. ``--rows 1000000 --only evenly`` makes 1000 labels and 256 features.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.harness import Timed
from scipy import sparse

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 20_000
LARGE = 200_000  # rows from which on there are more labels and features
NEIGHBORS = 5
CONTENDERS = ("evenly", "plain_loop")


def prepare(folder: Path, rows: int, corpus: Path | None) -> None:  # noqa: ARG001 - vectors, not texts
    """Write labels by a power law, about three a row, and features around a centre a label."""
    rng = np.random.default_rng(0)
    n_labels, n_features = (1_000, 256) if rows >= LARGE else (100, 100)
    cumulated = np.cumsum((np.arange(n_labels) + 3.0) ** -1.05)
    counts = 1 + rng.poisson(2.2, rows)
    row = np.repeat(np.arange(rows), counts)
    label = np.searchsorted(cumulated, rng.random(len(row)) * cumulated[-1]).clip(max=n_labels - 1)
    held = sparse.csr_matrix((np.ones(len(row), np.int8), (row, label)), shape=(rows, n_labels))
    held.data[:] = 1
    centres = rng.normal(size=(n_labels, n_features)).astype(np.float32)
    features = np.lib.format.open_memmap(folder / "features.npy", "w+", np.float32, (rows, n_features))
    for begin in range(0, rows, LARGE):
        end = min(rows, begin + LARGE)
        features[begin:end] = held[begin:end].astype(np.float32) @ centres
        features[begin:end] += rng.normal(size=(end - begin, n_features))
    sparse.save_npz(folder / "labels.npz", held, compressed=False)


def _read(folder: Path) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Return labels and features; those are mapped, so that the peak is what comes on top of them."""
    return sparse.load_npz(folder / "labels.npz"), np.load(folder / "features.npy", mmap_mode="r")


def evenly(folder: Path) -> Timed:
    """Recipes, and the vectors they make; compiled code and the BLAS library are warm."""
    from evenly.resample import mlsmote
    from evenly.resample.vectors import interpolate

    labels, features = _read(folder)
    small = mlsmote(labels[:2_000], features[:2_000], label_rule="ranking", random_state=0)
    interpolate(features, small, random_state=0)
    started = time.perf_counter()
    recipes = mlsmote(labels, features, k_neighbors=NEIGHBORS, label_rule="ranking", random_state=0)
    found = time.perf_counter()
    vectors = interpolate(features, recipes, random_state=0)
    seconds = time.perf_counter() - started
    figures = {"made": len(vectors), "recipes_s": found - started, "made_mb": vectors.nbytes / 2**20}
    return Timed(len(features), seconds, figures)


def plain_loop(folder: Path) -> Timed:
    """The paper, line by line."""
    import random

    from sklearn.neighbors import NearestNeighbors

    labels, features = _read(folder)
    dense = labels.toarray()
    random.seed(0)
    started = time.perf_counter()
    made, made_labels = [], []
    counts = dense.sum(axis=0)
    ratios = {label: max(counts) / count for label, count in enumerate(counts) if count}
    mean_ratio = sum(ratios.values()) / len(ratios)
    for label, ratio in ratios.items():
        if ratio <= mean_ratio or counts[label] < 2:  # noqa: PLR2004 - a row needs another one
            continue
        bag = np.flatnonzero(dense[:, label])
        k = min(NEIGHBORS, len(bag) - 1)
        search = NearestNeighbors(n_neighbors=k + 1).fit(features[bag])
        for place, near in enumerate(search.kneighbors(features[bag], return_distance=False)):
            others = [bag[other] for other in near if other != place][:k]
            seed, reference = features[bag[place]], features[random.choice(others)]  # noqa: S311
            made.append([a + random.random() * (b - a) for a, b in zip(seed, reference, strict=True)])  # noqa: S311
            group = [bag[place], *others]
            votes = [sum(dense[row, other] for row in group) for other in range(dense.shape[1])]
            made_labels.append([int(vote > len(group) / 2) for vote in votes])
    return Timed(len(features), time.perf_counter() - started, {"made": len(made)})
