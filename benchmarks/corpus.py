"""A multi-label text corpus of any size, made row block by row block: Zipfian words, power-law labels.

Like real tables in what costs time: about 120 words a row (lognormal), 1000 labels by r^-1.05, about 3 a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_corpus"]

WORDS, LABELS, BLOCK_ROWS = 30_000, 1_000, 20_000
MEDIAN_WORDS, SPREAD = 120, 0.6


def write_corpus(path: Path, rows: int, seed: int = 0) -> None:
    """Write a CSV with the columns id, text and labels (numbers joined by |)."""
    rng = np.random.default_rng(seed)
    words = _words(rng)
    of_word = np.cumsum(1 / (np.arange(len(words)) + 2.7))
    of_label = np.cumsum((np.arange(LABELS) + 3.0) ** -1.05)
    names = pa.array([str(label) for label in range(LABELS)])
    writer = None
    for start in range(0, rows, BLOCK_ROWS):
        n = min(BLOCK_ROWS, rows - start)
        lengths = np.clip(rng.lognormal(np.log(MEDIAN_WORDS), SPREAD, n), 4, 2_000).astype(np.int64)
        table = pa.table(
            {
                "id": pa.array(np.arange(start, start + n)),
                "text": _join(words, _draw(rng, of_word, int(lengths.sum())), lengths, " "),
                "labels": _join(names, *_held(rng, of_label, n), "|"),
            }
        )
        writer = writer or pyarrow.csv.CSVWriter(str(path), table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _words(rng: np.random.Generator) -> pa.Array:
    letters = np.array(list("etaoinshrdlucmfwypvbgk"))
    made = dict.fromkeys("".join(rng.choice(letters, size)) for size in rng.integers(2, 11, 3 * WORDS))
    plain = list(made)[:WORDS]
    return pa.array([word + mark for word in plain for mark in ("", "", ",", ".")])


def _held(rng: np.random.Generator, cumulated: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels of n rows, distinct and ascending in each, one after the other, and how many a row has."""
    counts = 1 + rng.poisson(2.2, n)
    row = np.repeat(np.arange(n), counts)
    held = np.unique(row * LABELS + _draw(rng, cumulated, len(row)))
    return held % LABELS, np.bincount(held // LABELS, minlength=n)


def _draw(rng: np.random.Generator, cumulated: np.ndarray, n: int) -> np.ndarray:
    return np.minimum(np.searchsorted(cumulated, rng.random(n) * cumulated[-1]), len(cumulated) - 1)


def _join(values: pa.Array, chosen: np.ndarray, lengths: np.ndarray, between: str) -> pa.Array:
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    return pc.binary_join(pa.ListArray.from_arrays(offsets, values.take(pa.array(chosen))), between)
