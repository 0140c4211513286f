"""A table's folder as `evenly.ingest` writes it, with the texts of a corpus, in which some rows are repeated.

One row of 50 stands there again in other case and spacing, one of 50 again with every 30th word another (Jaccard of
about .93).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from benchmarks.corpus import write_corpus

from evenly.formats import LABELS_TYPE
from evenly.store import Stage, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evenly.workspace import Workspace

__all__ = ["build_table", "write_table"]

PART_ROWS = 50_000
EVERY_ROW, EVERY_WORD = 50, 30


def write_table(folder: Path, rows: int, corpus: Path | None) -> None:
    """Write the table into a store in `folder`."""
    if corpus is None:
        corpus = folder / "corpus.csv"
        write_corpus(corpus, rows)
    build_table(folder, corpus, rows)


def build_table(folder: Path, corpus: Path | None = None, rows: int | None = None) -> Path:
    """Return the folder of the table; without a corpus it must be there."""
    if corpus is not None:
        (folder / "corpus.txt").write_text(f"{corpus}\n{rows}")
    name, number = (folder / "corpus.txt").read_text().split("\n")
    stage = Stage("table", 1, _fill)
    return Store(folder / "store").build(stage, params={"corpus": name, "rows": int(number)}, inputs={}).path


def _fill(work: Workspace, *, corpus: str, rows: int) -> None:
    done = 0
    for number, texts in enumerate(_read_parts(corpus)):
        texts = texts[: rows - done]  # noqa: PLW2901 - the last part may be shorter
        if not len(texts):
            break
        columns = {
            "row": pa.array(range(done, done + len(texts))),
            "text": _repeat_some(texts),
            "labels": pa.array([[0]] * len(texts), LABELS_TYPE),
        }
        pq.write_table(
            pa.table(columns), work.out / f"part-{number:05d}.parquet", compression="none", use_dictionary=False
        )
        done += len(texts)
    pq.write_table(pa.table({"id": [0], "name": ["label"]}), work.out / "labels.parquet")
    work.record(rows=done, text_columns=["text"])


def _read_parts(corpus: str) -> Iterator[pa.Array]:
    options = pyarrow.csv.ConvertOptions(include_columns=["text"])
    held: list[str] = []
    for batch in pyarrow.csv.open_csv(corpus, convert_options=options):
        held += batch["text"].to_pylist()
        while len(held) >= PART_ROWS:
            yield pa.array(held[:PART_ROWS])
            held = held[PART_ROWS:]
    yield pa.array(held, pa.string())


def _repeat_some(texts: pa.Array) -> pa.Array:
    rows = texts.to_pylist()
    for row in range(1, len(rows) - 1, EVERY_ROW):
        rows[row] = rows[row - 1].upper().replace(" ", "  ", 3)
        words = rows[row - 1].split(" ")
        for place in islice(range(len(words)), EVERY_WORD - 1, None, EVERY_WORD):
            words[place] = "another"
        rows[row + 1] = " ".join(words)
    return pa.array(rows)
