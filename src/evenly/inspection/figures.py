"""Two artifacts in, every figure of an inspection as one JSON value out.

========================  ============================================================================
`format_version`          1
`title`, `task`           the name of the table; binary, multiclass or multilabel
`advice`                  what to do, the most urgent first: list of `name`, `severity` (warning or note),
                          `sentence`
`table`                   `text_columns`, `rows_read`, `rows_kept`, `rows_rejected`, `n_labels`
`source`                  list of `file`, `format`, `encoding`, `delimiter`, `quote`, `header`, as they were found
`rejects`                 `count`, `reasons` (list of `reason`, `count`, `examples`), `other`
`findings`                list of what was looked for in the texts: `name`, `title`, `sentence`, `rows`, `cases`,
                          `severity` (ok, note, warning), `looked` (whether it was looked for), `examples`; see
                          `evenly.inspect`
`lengths`                 `characters`, `words`: `smallest`, `q05`, `q25`, `median`, `q75`, `q95`, `largest`;
                          `histogram` of the words: list of `first`, `last`, `rows`
`statistics`              the measures of `evenly.labels.LabelStatistics` over all rows
`labels`                  list of every label, most frequent first: `id`, `name`, `rows`, `share`, `irlbl`,
                          `scumble_lbl`
`rare_labels`             labels of 5 rows or fewer, by their rows (1, 0, 2, 3, 4, 5): `rows`, `n_labels`, `labels`
`labels_per_row`          list of `labels`, `rows`, `share`
`pairs`                   the 20 commonest pairs: `label`, `other`, `rows`, `lift`
`stages`                  of both artifacts: `stage`, `stage_version`, `evenly_version`, `key`, `digest`, `inputs`,
                          `rows`, `versions`, `notes`
========================  ============================================================================

Counts are rows, shares lie in [0, 1], what is not defined is null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.formats import read_facts, read_label_names, read_labels
from evenly.inspection.advice import find_advice
from evenly.labels import LabelStatistics, label_statistics
from evenly.report import describe_table, read_dialects, read_findings, read_provenance, read_rejects, text_lengths
from evenly.report.sources import plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy import sparse

__all__ = ["FORMAT_VERSION", "collect_figures", "rare_labels"]

FORMAT_VERSION = 1

_RARE_ROWS = (1, 0, 2, 3, 4, 5)
"""Rows of a rare label, the worst first: one row is lost whatever the split does, none may be a mistake."""
_N_PAIRS = 20


def collect_figures(table: Path, checks: Path, *, title: str) -> dict[str, Any]:
    """Return every figure of an inspection; see the module for its keys.

    Parameters
    ----------
    table, checks
        The folders of a table and of what was found out about its texts.
    title
        What the table is called.
    """
    names, labels = read_label_names(table), read_labels(table)
    measured = label_statistics(labels)
    figures = {
        "format_version": FORMAT_VERSION,
        "title": title,
        "task": read_facts(table)["task"],
        "advice": [],
        "table": describe_table(table),
        "source": read_dialects(table),
        "rejects": read_rejects(table),
        "findings": read_findings(checks),
        "lengths": text_lengths(checks),
        "statistics": plain(measured.overall()),
        "labels": _describe_labels(measured, names),
        "rare_labels": rare_labels(measured.counts, names),
        "labels_per_row": _count_held(labels),
        "pairs": _commonest_pairs(labels, measured, names),
        "stages": read_provenance((table, checks)),
    }
    return figures | {"advice": find_advice(figures)}


def _describe_labels(measured: LabelStatistics, names: Sequence[str]) -> list[dict[str, Any]]:
    order = np.argsort(-measured.counts, kind="stable")
    described: list[dict[str, Any]] = plain(
        [
            {
                "id": int(at),
                "name": names[at],
                "rows": int(measured.counts[at]),
                "share": measured.counts[at] / max(measured.n_rows, 1),
                "irlbl": measured.irlbl[at],
                "scumble_lbl": measured.scumble_lbl[at],
            }
            for at in order
        ]
    )
    return described


def rare_labels(counts: NDArray[np.int64], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the labels with 0 to 5 rows by their number of rows, those with one row first."""
    held = {rows: [names[at] for at in np.flatnonzero(counts == rows).tolist()] for rows in _RARE_ROWS}
    return [{"rows": rows, "n_labels": len(found), "labels": found} for rows, found in held.items() if found]


def _count_held(labels: sparse.csr_matrix) -> list[dict[str, Any]]:
    counts = np.bincount(np.diff(labels.indptr))
    present = np.flatnonzero(counts)
    n_rows = max(labels.shape[0], 1)
    held: list[dict[str, Any]] = plain(
        [{"labels": int(n), "rows": int(counts[n]), "share": float(counts[n] / n_rows)} for n in present]
    )
    return held


def _commonest_pairs(
    labels: sparse.csr_matrix, measured: LabelStatistics, names: Sequence[str]
) -> list[dict[str, Any]]:
    from evenly.labels.cooccurrence import label_pairs

    if labels.nnz <= labels.shape[0]:
        return []
    kept = label_pairs(labels).commonest(_N_PAIRS)
    lift = kept.lift(measured.counts, measured.n_rows)
    order = np.argsort(-kept.count, kind="stable")
    pairs: list[dict[str, Any]] = plain(
        [
            {
                "label": names[kept.label[at]],
                "other": names[kept.other[at]],
                "rows": int(kept.count[at]),
                "lift": float(lift[at]),
            }
            for at in order
        ]
    )
    return pairs
