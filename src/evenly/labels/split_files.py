"""What the stage ``split`` writes and says.

Comes in: where every row went, and why. Goes out: ``split.parquet``, ``labels.parquet``, ``quality.json``; facts and
sentences of the manifest. Rows: train + validation + test + unused are all rows of the table.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.formats import SPLITS, write_json
from evenly.imbalance import label_counts

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.labels.leaks import Leaks
    from evenly.labels.quality import SplitQuality
    from evenly.workspace import Workspace

__all__ = ["SplitFound", "report_split", "write_split"]

_MOST_LISTED = 1_000  # leaked rows and labels that quality.json lists by name
_RELATIONS = {"same_text": "the same text", "near_text": "nearly the same text", "same_group": "the same group"}


@dataclass(frozen=True)
class SplitFound:
    """Where every row of a table went, and what is to be said of it.

    Attributes
    ----------
    code, fold
        Shape (n_rows,), int8: index into `SPLITS`, and the fold; -1: not used.
    unit
        Shape (n_rows,), int64.
    quality
        Of the used rows.
    unmet
        Label id to the guarantee that could not be kept.
    leaks
        Rows whose like is in another split.
    n_duplicates
        Used rows that repeat the text of an earlier one.
    how
        In words, by which rule.
    more
        Further keys of ``quality.json``.
    """

    code: NDArray[np.int8]
    unit: NDArray[np.int64]
    fold: NDArray[np.int8] | None
    quality: SplitQuality
    unmet: dict[int, str]
    leaks: Leaks
    n_duplicates: int
    how: str
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def given(self) -> bool:
        """Whether the table names the splits itself."""
        return self.how.startswith("as given")

    def sizes(self) -> dict[str, int]:
        """Return the rows of each split, and those in none."""
        counts = np.bincount(self.code + 1, minlength=len(SPLITS) + 1).tolist()
        return dict(zip((*SPLITS, "unused"), (*counts[1:], counts[0]), strict=True))


def write_split(out: Path, split: SplitFound, labels: sparse.csr_matrix, names: list[str]) -> None:
    """Write the three files; `labels` are those of the whole table."""
    rows = {
        "row": pa.array(np.arange(len(split.code), dtype=np.int64)),
        "split": pa.array(np.array([*SPLITS, None], object)[split.code], pa.string()),
        "unit": pa.array(split.unit),
    }
    if split.fold is not None:
        rows["fold"] = pa.array(split.fold, mask=split.fold < 0)
    pq.write_table(pa.table(rows), out / "split.parquet", compression="zstd")
    codes = {name: code for code, name in enumerate(SPLITS)} | {"unused": -1}
    per_label = {
        "id": pa.array(np.arange(len(names), dtype=np.int32)),
        "name": pa.array(names, pa.string()),
        "count": pa.array(label_counts(labels)),
        **{name: pa.array(label_counts(labels[split.code == code])) for name, code in codes.items()},
        "guarantee": pa.array([split.unmet.get(label, "") for label in range(len(names))], pa.string()),
    }
    pq.write_table(pa.table(per_label), out / "labels.parquet", compression="zstd")
    write_json(out / "quality.json", _describe(split, names))


def _describe(split: SplitFound, names: list[str]) -> dict[str, Any]:
    quality = asdict(split.quality)
    listed = list(split.unmet.items())[:_MOST_LISTED]
    return {
        **quality,
        "shares": dict(zip(SPLITS, quality["shares"], strict=True)),
        "how": split.how,
        **split.more,
        "n_rows": len(split.code),
        "rows": split.sizes(),
        "n_units": len(np.unique(split.unit[split.code >= 0], return_counts=True)[0]),  # by sorting, not hashing
        "n_duplicate_rows": split.n_duplicates,
        "n_guarantees_unmet": len(split.unmet),
        "guarantees_unmet": [{"label": names[label], "why": why} for label, why in listed],
        "n_leaked_rows": len(split.leaks.rows),
        "leaks": split.leaks.by_relation(),
        "leaked_rows": [
            {"row": row, "split": SPLITS[split.code[row]], "unit": int(split.unit[row])}
            for row in split.leaks.rows[:_MOST_LISTED].tolist()
        ],
    }


def report_split(work: Workspace, split: SplitFound) -> None:
    """Record the facts and note what a person should know."""
    sizes = split.sizes()
    work.record(
        rows=len(split.code),
        how=split.how,
        **{f"n_{name}": count for name, count in sizes.items()},
        n_duplicate_rows=split.n_duplicates,
        n_leaked_rows=len(split.leaks.rows),
        n_guarantees_unmet=len(split.unmet),
    )
    work.note(_sentence(split, sizes))
    if split.more.get("n_older_rows"):
        work.note(
            f"{_count(split.more['n_older_rows'], 'row')} older than the split they are in, with a later row of the "
            f"same text or group: nothing in train is as new as what it is tested on"
        )
    if len(split.leaks.rows):
        work.note(_leak_sentence(split.leaks))
    if split.unmet:
        first = next(iter(split.unmet.values()))
        work.note(f"{_count(len(split.unmet), 'label')} without a row where one is owed, such as: {first}")


def _sentence(split: SplitFound, sizes: dict[str, int]) -> str:
    percent = "/".join(f"{100 * share:.1f}" for share in split.quality.shares)
    rows = "/".join(str(sizes[name]) for name in SPLITS)
    unused = f" and {sizes['unused']} not used" if sizes["unused"] else ""
    kept = split.n_duplicates and not split.given
    together = f"; {_count(split.n_duplicates, 'duplicate text')} kept together" if kept else ""
    return f"{percent} %: {rows} rows{unused}, {split.how}{together}"


def _leak_sentence(leaks: Leaks) -> str:
    kinds = [f"{count} with {_RELATIONS[name]}" for name, count in leaks.by_relation().items() if count]
    return (
        f"Leak: {_count(len(leaks.rows), 'row')} with a text or group in more than one of the given splits "
        f"({', '.join(kinds)}; listed in quality.json, not moved); test figures will be too good"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
