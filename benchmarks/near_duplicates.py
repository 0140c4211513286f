"""Near-duplicates at Jaccard 0.8 of the words, 128 hashes: evenly beside rensa and datasketch, and against all pairs.

Every contender starts from parquet parts and ends with pairs that are near. The peers get the words from Python's
own `str.split` of the lower-cased text and verify nothing. Recall and precision are those of evenly's clusters of
5,000 rows against the exact similarity of all pairs of them.
"""

from __future__ import annotations

import tempfile
import time
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.harness import Timed
from benchmarks.text_table import build_table, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 500_000
RENSA_ROWS, DATASKETCH_ROWS, EXACT_ROWS = 50_000, 5_000, 5_000
THRESHOLD, N_HASHES = 0.8, 128
CONTENDERS = ("evenly", "evenly_one_process", "rensa", "datasketch", "evenly_5k_and_all_pairs")

prepare = write_table


def evenly(folder: Path) -> Timed:
    """`read_row_texts` on two spawned processes: exact and near-duplicates, verified."""
    from evenly.executor import LocalProcesses

    executor = LocalProcesses(2)
    list(executor.map(abs, [1, 2, 3]))  # as in a run: the processes are there
    try:
        return _evenly(folder, executor)
    finally:
        executor.close()


def evenly_one_process(folder: Path) -> Timed:
    """The same, here."""
    from evenly.executor import InProcess

    return _evenly(folder, InProcess())


def _evenly(folder: Path, executor: object) -> Timed:
    from evenly.inspect.row_texts import read_row_texts
    from evenly.workspace import Workspace

    table = build_table(folder)
    with tempfile.TemporaryDirectory(dir=folder) as out:
        work = Workspace(Path(out), stage="checks", executor=executor)
        started = time.perf_counter()
        found = read_row_texts(work, table, THRESHOLD)
        seconds = time.perf_counter() - started
    joined = int((found.near != range(len(found.near))).sum())
    return Timed(len(found.near), seconds, {"joined": joined, "same text": _repeats(found.same)})


def _repeats(same: object) -> int:
    return int((same != range(len(same))).sum())


def rensa(folder: Path) -> Timed:
    """RMinHash and RMinHashLSH, one core, its advised loop."""
    from rensa import RMinHash, RMinHashLSH

    started = time.perf_counter()
    index = RMinHashLSH(threshold=THRESHOLD, num_perm=126, num_bands=18)
    signatures, joined, rows = [], 0, 0
    for row, words in enumerate(_words(folder, RENSA_ROWS)):
        signature = RMinHash(num_perm=126, seed=42)
        signature.update(words)
        near = [other for other in index.query(signature) if signatures[other].jaccard(signature) >= THRESHOLD]
        joined += bool(near)
        index.insert(row, signature)
        signatures.append(signature)
        rows += 1
    return Timed(rows, time.perf_counter() - started, {"joined": joined})


def datasketch(folder: Path) -> Timed:
    """MinHash and MinHashLSH, one core."""
    from datasketch import MinHash, MinHashLSH

    started = time.perf_counter()
    index = MinHashLSH(threshold=THRESHOLD, num_perm=N_HASHES)
    joined, rows = 0, 0
    for row, words in enumerate(_words(folder, DATASKETCH_ROWS)):
        signature = MinHash(num_perm=N_HASHES)
        signature.update_batch([word.encode() for word in words])
        joined += bool(index.query(signature))
        index.insert(row, signature)
        rows += 1
    return Timed(rows, time.perf_counter() - started, {"joined": joined})


def evenly_5k_and_all_pairs(folder: Path) -> Timed:
    """`near_duplicates` in memory; recall and precision by comparing all pairs (not in the time)."""
    from evenly.inspect import near_duplicates, text_words
    from evenly.inspect.words import jaccard

    texts = _texts(folder, EXACT_ROWS)
    near_duplicates(texts[:10])
    started = time.perf_counter()
    near = near_duplicates(texts, THRESHOLD)
    seconds = time.perf_counter() - started
    words = [text_words(text) for text in texts]
    pairs = [pair for pair in combinations(range(len(texts)), 2) if _may_be_near(*(len(words[row]) for row in pair))]
    exact = {(one, other) for one, other in pairs if jaccard(words[one], words[other]) >= THRESHOLD}
    found = {(one, other) for one, other in pairs if near[one] == near[other]}
    hit = len(exact & found)
    shares = {"recall": hit / max(1, len(exact)), "precision": hit / max(1, len(found)), "pairs": len(exact)}
    return Timed(len(texts), seconds, shares)


def _may_be_near(one: int, other: int) -> bool:
    return min(one, other) >= THRESHOLD * max(one, other)


def _words(folder: Path, rows: int) -> Iterator[list[str]]:
    for text in _texts(folder, rows):
        yield text.lower().split()


def _texts(folder: Path, rows: int) -> list[str]:
    import pyarrow.parquet as pq

    part = next(iter(sorted(build_table(folder).glob("part-*.parquet"))))
    texts: list[str] = pq.read_table(part, columns=["text"])["text"].slice(0, rows).to_pylist()
    return texts
