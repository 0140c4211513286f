"""Stage ``stats``: table and split -> what is imbalanced in them, per label and in all.

Comes in: a table and its split. Goes out: ``labels.parquet`` (a row a label), ``summary.json`` (the measures
of the whole table and of each split), ``cooccurrence.parquet`` (pairs of labels). Measures of a label's
imbalance are those of the train split, which is what is learned from; counts, lengths and duplicates are
those of the whole table.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.formats import SPLITS, RowChecks, read_checks, read_label_names, read_labels, read_split, write_json
from evenly.imbalance import label_counts, row_numbers
from evenly.labels.cooccurrence import label_pairs
from evenly.labelsets import labelset_keys
from evenly.labels.statistics import LabelStatistics, label_statistics

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.workspace import Workspace

__all__ = ["describe_labels"]

_QUANTILES = {"length_q05": 0.05, "length_q50": 0.5, "length_q95": 0.95}
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
    labels, names = read_labels(table), read_label_names(table)
    code = read_split(split).code
    texts = read_checks(checks)
    parts = {name: labels[code == index] for index, name in enumerate(SPLITS)}
    measured = {name: label_statistics(part) for name, part in {"all": labels, **parts}.items()}
    columns = {
        "id": np.arange(len(names), dtype=np.int32),
        "name": pa.array(names, pa.string()),
        **_count_rows(measured),
        **_imbalance(measured["train"]),
        **_lengths(labels, texts.characters),
        **_repetitions(labels, texts),
    }
    pq.write_table(_table(columns), work.out / "labels.parquet", compression="zstd")
    summary = {name: _plain(found.overall()) for name, found in measured.items()}
    write_json(work.out / "summary.json", summary)
    n_pairs = _write_pairs(work, labels)
    work.record(rows=labels.shape[0], n_pairs=n_pairs, n_pairs_kept=min(n_pairs, _MOST_PAIRS), **summary["train"])
    work.note(_sentence(measured["train"], names))


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


def _lengths(labels: sparse.csr_matrix, length: NDArray[np.int32]) -> dict[str, NDArray[np.float64]]:
    """Return quantiles of the text length (characters) of each label's rows, as numpy interpolates them."""
    columns = labels.tocsc()
    counts = np.diff(columns.indptr)
    values = length[columns.indices]
    values = values[np.lexsort((values, np.repeat(np.arange(len(counts)), counts)))]
    found = {}
    for name, share in _QUANTILES.items():
        within = share * np.maximum(counts - 1, 0)
        below = np.floor(within).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(counts - 1, 0))
        held = np.full(len(counts), np.nan)
        some = counts > 0
        low, high = (values[(columns.indptr[:-1] + offset)[some]] for offset in (below, above))
        held[some] = low + (within - below)[some] * (high - low)
        found[name] = held
    return found


def _repetitions(labels: sparse.csr_matrix, texts: RowChecks) -> dict[str, NDArray[np.int64]]:
    """Return, for each label: distinct texts, further rows of them, rows whose text has other labels too."""
    n_rows, n_labels = labels.shape
    held = np.unique(labels.indices.astype(np.int64) * max(n_rows, 1) + texts.same_text[row_numbers(labels)])
    distinct = np.bincount(held // max(n_rows, 1), minlength=n_labels).astype(np.int64)
    keys = labelset_keys(labels)
    differs = np.zeros(n_rows, np.bool_)
    np.logical_or.at(differs, texts.same_text, keys != keys[texts.same_text])
    conflicting = np.bincount(labels.indices, differs[texts.same_text][row_numbers(labels)], n_labels).astype(np.int64)
    return {
        "distinct_texts": distinct,
        "duplicate_rows": label_counts(labels) - distinct,
        "conflicting_rows": conflicting,
    }


def _write_pairs(work: Workspace, labels: sparse.csr_matrix) -> int:
    """Write the pairs of labels, at most the 200,000 commonest, and return how many there are."""
    found = label_pairs(labels)
    n_pairs = len(found.count)
    kept = found.commonest(_MOST_PAIRS) if n_pairs > _MOST_PAIRS else found
    columns = {
        "label": kept.label,
        "other": kept.other,
        "count": kept.count,
        "lift": kept.lift(label_counts(labels), labels.shape[0]),
    }
    pq.write_table(_table(columns), work.out / "cooccurrence.parquet", compression="zstd")
    return n_pairs


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
