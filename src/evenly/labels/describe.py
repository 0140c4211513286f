"""Stage ``stats``: table, checks and split -> what is imbalanced in them, per label and in all.

Comes in: a table, what was found out about its texts, and its split. Goes out: ``labels.parquet`` (a row a label),
``summary.json`` (the measures of all rows and of each split), ``cooccurrence.parquet`` (pairs of labels). Measures of
a label's imbalance are those of the train split, which is what is learned from; counts, lengths and duplicates are
those of all rows in a split. Rows in none, left out by the checks, are counted in `unused` and nowhere else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import sparse

from evenly.formats import (
    SPLITS,
    labels_to_csr,
    list_parts,
    read_checks,
    read_label_names,
    read_labels,
    read_split,
    write_json,
)
from evenly.imbalance import label_counts
from evenly.labels.counts import LabelCounts
from evenly.labels.label_texts import length_quantiles, repetitions
from evenly.labels.statistics import LabelStatistics, label_statistics

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.labels.cooccurrence import LabelPairs
    from evenly.workspace import Workspace

__all__ = ["describe_labels"]

_MOST_PAIRS = 200_000


def describe_labels(work: Workspace, *, table: Path, checks: Path, split: Path) -> None:
    """Describe the labels of a table.

    Parameters
    ----------
    work
        Where to write, and the workers.
    table, checks, split
        The folders of a table, of what was found out about its texts, and of its split.
    """
    names, code = read_label_names(table), read_split(split).code
    counted = _count_parts(work, table, code, len(names))
    used = LabelCounts.total(list(counted.values()))
    measured = {name: label_statistics(found) for name, found in {"all": used, **counted}.items()}
    columns = {
        "id": np.arange(len(names), dtype=np.int32),
        "name": pa.array(names, pa.string()),
        **_count_rows(measured),
        **_imbalance(measured["train"]),
        **_describe_texts(table, checks, code),
    }
    pq.write_table(_table(columns), work.out / "labels.parquet", compression="zstd")
    summary = {name: _plain(found.overall()) for name, found in measured.items()}
    write_json(work.out / "summary.json", summary)
    pairs = used.pairs()
    _write_pairs(work.out / "cooccurrence.parquet", pairs, used, measured["train"].minority)
    work.record(
        rows=len(code),
        n_unused=int((code < 0).sum()),
        n_pairs=len(pairs.count),
        n_pairs_kept=min(len(pairs.count), _MOST_PAIRS),
        **summary["train"],
    )
    work.note(_sentence(measured["train"], names))


@dataclass(frozen=True)
class _Part:
    """A parquet file, and the split of its rows."""

    path: Path
    code: NDArray[np.int8]


def _count_parts(work: Workspace, table: Path, code: NDArray[np.int8], n_labels: int) -> dict[str, LabelCounts]:
    """Count the labelsets of each split, part by part, wherever the workspace has its workers."""
    parts, first = [], 0
    for path in list_parts(table):
        n_rows = pq.read_metadata(path).num_rows
        parts.append(_Part(path, code[first : first + n_rows]))
        first += n_rows
    work.map(partial(_count_part, n_labels), parts, name="counts", keep=False, unit="parts")
    folder = work.scratch / "counts"
    return {
        split: LabelCounts.total([_load(folder / f"{part.path.stem}.{split}.npz") for part in parts])
        for split in SPLITS
    }


def _count_part(n_labels: int, part: _Part, folder: Path) -> None:
    """Write the counts of each split's rows in one part."""
    labels = labels_to_csr(pq.read_table(part.path, columns=["labels"])["labels"], n_labels)
    for number, split in enumerate(SPLITS):
        counts = LabelCounts.of(labels[part.code == number])
        arrays = {"rows": counts.rows, "indptr": counts.labelsets.indptr, "indices": counts.labelsets.indices}
        np.savez(folder / f"{part.path.stem}.{split}.npz", n_labels=n_labels, **arrays)


def _load(path: Path) -> LabelCounts:
    with np.load(path) as arrays:
        rows, indices = arrays["rows"], arrays["indices"]
        shape = (len(rows), int(arrays["n_labels"]))
        ones = np.ones(len(indices), np.int8)
        return LabelCounts(sparse.csr_matrix((ones, indices, arrays["indptr"]), shape=shape), rows)


def _count_rows(measured: dict[str, LabelStatistics]) -> dict[str, NDArray[Any]]:
    overall = measured["all"]
    counts = {name: measured[name].counts for name in SPLITS}
    return {"rows": overall.counts, **counts, "share": overall.counts / max(overall.n_rows, 1)}


def _imbalance(train: LabelStatistics) -> dict[str, NDArray[Any]]:
    return {
        "irlbl": train.irlbl,
        "imr": train.imr,
        "minority": train.minority,
        "scumble_lbl": train.scumble_lbl,
    }


def _describe_texts(table: Path, checks: Path, code: NDArray[np.int8]) -> dict[str, NDArray[Any]]:
    """Return lengths and repetitions of each label's texts, and its rows that are in no split."""
    labels, texts, used = read_labels(table), read_checks(checks), code >= 0
    held = labels[used]
    return {
        "unused": label_counts(labels) - label_counts(held),
        **length_quantiles(held, texts.characters[used], "characters"),
        **length_quantiles(held, texts.words[used], "words"),
        **repetitions(held, texts.same_text[used]),
    }


def _write_pairs(path: Path, found: LabelPairs, used: LabelCounts, minority: NDArray[np.bool_]) -> None:
    """Write the pairs of labels, at most the 200,000 commonest."""
    kept = found.commonest(_MOST_PAIRS) if len(found.count) > _MOST_PAIRS else found
    columns = {
        "label": kept.label,
        "other": kept.other,
        "count": kept.count,
        "lift": kept.lift(used.counts, used.n_rows),
        "n_minority": kept.n_minority(minority),
    }
    pq.write_table(_table(columns), path, compression="zstd")


def _sentence(train: LabelStatistics, names: list[str]) -> str:
    """Return the note: the measures of the train split."""
    if math.isnan(train.mean_ir):
        return "train: no row has a label"
    rarest = names[int(np.nanargmax(train.irlbl))]
    several = f", SCUMBLE {train.scumble:.3f}" if train.cardinality > 1 else ""
    return (
        f"train: {train.n_labels} labels, MeanIR {train.mean_ir:.1f}, MaxIR {train.max_ir:.1f} ({rarest})"
        f"{several}; {int(train.minority.sum())} minority, {train.n_singletons} singleton, "
        f"{train.n_empty} empty"
    )


def _table(columns: dict[str, Any]) -> pa.Table:
    """Return a table in which NaN, what is not defined, is null."""
    return pa.table({name: pa.array(values, from_pandas=True) for name, values in columns.items()})


def _plain(measures: dict[str, int | float]) -> dict[str, int | float | None]:
    return {name: None if math.isnan(value) else value for name, value in measures.items()}
