"""Random over-sampling of texts, one label each: what it adds in memory, beside imbalanced-learn on frame and numbers.

`added_mb` is the peak of resident memory over what stood there when the texts were read.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.corpus import write_corpus
from benchmarks.harness import Timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

ROWS = 200_000
CLASSES = 50
CONTENDERS = ("evenly", "imbalanced_learn_numbers", "imbalanced_learn_frame")


def prepare(folder: Path, rows: int, corpus: Path | None) -> None:
    """Write texts, each with a class: its first label, rare ones together."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv
    import pyarrow.parquet as pq

    if corpus is None:
        corpus = folder / "corpus.csv"
        write_corpus(corpus, rows)
    table = pyarrow.csv.read_csv(
        corpus,
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            include_columns=["text", "labels"], column_types={"text": pa.string(), "labels": pa.string()}
        ),
    ).slice(0, rows)
    first = pc.list_element(pc.split_pattern(table["labels"], "|"), 0).combine_chunks().dictionary_encode()
    classes = np.minimum(first.indices.to_numpy(zero_copy_only=False), CLASSES - 1)
    pq.write_table(pa.table({"text": table["text"], "label": classes}), folder / "texts.parquet")


def evenly(folder: Path) -> Timed:
    """A number of copies a row."""
    from evenly.resample import random_over

    frame = _read(folder)
    random_over(np.array([0, 0, 1]), random_state=0)
    with _peak_growth() as added:
        started = time.perf_counter()
        copies = random_over(frame["label"].to_numpy(), random_state=0)
        seconds = time.perf_counter() - started
    return Timed(len(frame), seconds, {"added_mb": added[0], "rows_after": float(copies.sum())})


def imbalanced_learn_numbers(folder: Path) -> Timed:
    """Row numbers in the place of rows."""
    frame = _read(folder)
    return _sample(np.arange(len(frame)).reshape(-1, 1), frame["label"].to_numpy())


def imbalanced_learn_frame(folder: Path) -> Timed:
    """The frame itself, as its documentation has it."""
    frame = _read(folder)
    return _sample(frame[["text"]], frame["label"])


def _sample(rows: np.ndarray | pd.DataFrame, classes: np.ndarray | pd.Series) -> Timed:
    from imblearn.over_sampling import RandomOverSampler

    with _peak_growth() as added:
        started = time.perf_counter()
        sampled, _ = RandomOverSampler(random_state=0).fit_resample(rows, classes)
        seconds = time.perf_counter() - started
    return Timed(len(rows), seconds, {"added_mb": added[0], "rows_after": float(len(sampled))})


def _read(folder: Path) -> pd.DataFrame:
    import pandas as pd

    return pd.read_parquet(folder / "texts.parquet")


@contextmanager
def _peak_growth() -> Iterator[list[float]]:
    """Yield a list whose only number is, at the end, by how many MB resident memory grew at most (Linux)."""
    grown, done = [0.0], threading.Event()
    before = _resident_mb()

    def watch() -> None:
        while not done.wait(0.005):
            grown[0] = max(grown[0], _resident_mb() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield grown
    finally:
        grown[0] = max(grown[0], _resident_mb() - before)
        done.set()
        watcher.join()


def _resident_mb() -> float:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20
    except OSError:
        return 0.0
