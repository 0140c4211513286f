"""Artifacts in, every figure of the report as one JSON value out: what ``report.json`` holds and the page shows.

========================  ============================================================================
`format_version`          2
`title`, `task`           the name of the report; binary, multiclass or multilabel
`verdict`                 `counts`: what the model finds on the test split; `sentences` of the training stage
`key_figures`             list of `metric`, `value`, `interval`, `baseline`, `baseline_prior` on the test split
`totals`                  label tags of the test rows: `positives`, `predicted`, `tp`; `labels_tested`,
                          `labels_found`, `labels_never_predicted`
`table`                   `text_columns`, `rows_read`, `rows_kept`, `rows_rejected`, `n_labels`
`source`                  list of `file`, `format`, `encoding`, `delimiter`, `quote`, `header`, as they were found
`rejects`                 `count`, `reasons` (list of `reason`, `count`, `examples`), `other`
`findings`                list of what was looked for in the texts: `name`, `title`, `sentence`, `rows`, `cases`,
                          `severity`, `looked` (whether it was looked for), `examples`; see `evenly.inspect`
`lengths`                 `characters`, `words`: quantiles a row; `histogram` of the words
`imbalance`               `before`, `after`: `rows`, `labels_held`, `labels_empty`, `mean_ir`, `max_ir`,
                          `cardinality`, `scumble`; of the train split
`statistics`              ``summary.json`` of the label statistics: measures of `all` rows and of each split
`split`                   `sizes` (a dict a split), `checks` (a dict a proof, with `violations`), `quality`
                          (``quality.json`` of the split), `rows_unused`, `rare_labels` (those of 10 rows or
                          fewer: `name`, `count`, `train`, `validation`, `test`, `unused`, `guarantee`: what it
                          lacks)
`training`                `curves`: metric to `train` and `validation`; `best_epoch` from 1 on, or null
`metrics`                 `test`, `validation`, `baseline`, ...: metric to value
`intervals`               `level`, `unit`, `n_units`, `n_resamples`, `n_area_resamples` (of PR-AUC); `test` and
                          `baseline`: metric to low and high; `difference`: metric to model minus baseline, low, high
`groups`                  list of head, medium, tail: `labels`, `labels_tested`, means
`labels`                  list of every label, most frequent first: `id`, `name`, `before`, `after` (train
                          rows), `irlbl_before`, `irlbl_after`, `not_reached` (why the label is not at the
                          target of the resampling, or null), `class_weight`, `pos_weight`, and on the test split
                          `positives`, `predicted`, `tp`, `fp`, `fn`, `tn`, `precision`, `recall`, `f1`, `f1_low`,
                          `f1_high` (its 95 % interval), `pr_auc`, `roc_auc`; `threshold`, `group`
`thresholds`              ``thresholds.json`` of the model, without its list of labels; `n_own`, `n_global`: labels
                          with a threshold of their own, and with the global one
`pr_curves`               list of `name` (null: all labels pooled), `source` (model, baseline), `points`: recall,
                          precision, threshold
`calibration`             ``calibration.json`` of the model: `bins` of each split, `offer`
`errors`                  `false_alarms`, `misses`: the surest; `by_label`; each with `kind`, `label`, `score`, `row`,
                          `texts`, `held`
`resampling`              `method`, `rows_added`, `rows_removed`, `rows_synthetic`, `examples`
`advice`                  what to do next, the most urgent first
`settings`                the run's config
`stages`                  list in the order of the run: `stage`, `stage_version`, `evenly_version`, `key`,
                          `digest`, `inputs`, `rows`, `versions`, `notes`
========================  ============================================================================

Counts are rows, shares lie in [0, 1], what is not defined is null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from evenly.formats import read_facts, read_label_names, read_labels, read_split
from evenly.imbalance import irlbl
from evenly.report.advice import find_advice
from evenly.report.checks import check_leaks, rare_labels, split_sizes
from evenly.report.examples import synthetic_examples
from evenly.report.findings import read_findings
from evenly.report.imbalance import measure_imbalance, read_train_sets
from evenly.report.lengths import text_lengths
from evenly.report.origin import describe_table, read_dialects
from evenly.report.precision_recall import read_pr_curves
from evenly.report.provenance import portable, read_provenance
from evenly.report.rejects import read_rejects
from evenly.report.results import group_figures, label_scores, read_curves, read_metrics, read_thresholds, totals
from evenly.report.sources import plain, read_columns, read_json
from evenly.report.verdict import count_sentences
from evenly.report.worst_errors import read_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from evenly.report.imbalance import TrainSet
    from evenly.report.sources import Sources

__all__ = ["FORMAT_VERSION", "collect_figures"]

FORMAT_VERSION = 2

_KEY_METRICS = {
    "binary": ("f1_positive", "precision_positive", "recall_positive", "pr_auc_positive"),
    "multiclass": ("f1_macro", "accuracy", "pr_auc_macro"),
    "multilabel": ("f1_macro", "f1_micro", "pr_auc_macro"),
}


def collect_figures(sources: Sources, *, title: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return every figure of the report; see the module for its keys."""
    names, facts = read_label_names(sources.table), read_facts(sources.table)
    learnt = read_facts(sources.model)
    task = facts["task"]
    matrix, split = read_labels(sources.table), read_split(sources.split)
    before, after = read_train_sets(matrix, split, sources.plan)
    labels = _labels(sources, names, before, after)
    metrics, tested = read_metrics(sources.model), totals(labels)
    intervals = read_json(sources.model / "intervals.json")
    figures = {
        "format_version": FORMAT_VERSION,
        "title": title,
        "task": task,
        "verdict": {
            "sentences": read_json(sources.model / "verdict.json"),
            "counts": count_sentences(labels, tested, task, positive=learnt.get("positive")),
        },
        "key_figures": _key_figures(metrics, intervals["test"], task),
        "totals": tested,
        "table": describe_table(sources.table),
        "source": read_dialects(sources.table),
        "rejects": read_rejects(sources.table),
        "findings": read_findings(sources.checks),
        "lengths": text_lengths(sources.checks),
        "imbalance": {"before": measure_imbalance(before), "after": measure_imbalance(after)},
        "statistics": plain(read_json(sources.stats / "summary.json")),
        "split": {
            "sizes": split_sizes(matrix, split),
            "checks": check_leaks(split, sources.plan),
            "quality": plain(read_json(sources.split / "quality.json")),
            "rows_unused": int((split.code < 0).sum()),
            "rare_labels": rare_labels(sources.split),
        },
        "training": {"curves": read_curves(sources.model), "best_epoch": learnt.get("best_epoch")},
        "metrics": metrics,
        "intervals": intervals,
        "groups": group_figures(labels),
        "labels": labels,
        "thresholds": read_thresholds(sources.model),
        "pr_curves": read_pr_curves(sources.model, labels, positive=learnt.get("positive")),
        "calibration": plain(read_json(sources.model / "calibration.json")),
        "errors": read_errors(sources.table, sources.model, labels, task),
        "resampling": _resampling(sources, names, before.counts),
        "advice": [],
        "settings": portable(settings),
        "stages": read_provenance(sources),
    }
    figures["advice"] = find_advice(figures)
    return figures


def _key_figures(metrics: Mapping[str, Mapping[str, Any]], spans: Mapping[str, Any], task: str) -> list[dict[str, Any]]:
    places = {"value": "test", "baseline": "baseline", "baseline_prior": "baseline_prior"}
    return [
        {"metric": metric}
        | {name: metrics.get(place, {}).get(metric) for name, place in places.items()}
        | {"interval": spans.get(metric)}
        for metric in _KEY_METRICS[task]
        if metric in metrics.get("test", {})
    ]


def _labels(sources: Sources, names: Sequence[str], before: TrainSet, after: TrainSet) -> list[dict[str, Any]]:
    scores = label_scores(sources.model)
    weights = {row["id"]: row for row in read_columns(sources.weights / "labels.parquet")}
    planned = {row["id"]: row for row in read_columns(sources.plan / "labels.parquet")}
    counts = (before.counts, after.counts)
    rates = [irlbl(each) for each in counts]
    order = np.argsort(-counts[0], kind="stable")
    return [
        {
            "id": int(at),
            "name": names[at],
            "before": int(counts[0][at]),
            "after": int(counts[1][at]),
            "irlbl_before": plain(float(rates[0][at])),
            "irlbl_after": plain(float(rates[1][at])),
            "not_reached": planned[at]["reason"],
            "class_weight": weights[at]["class_weight"],
            "pos_weight": weights[at]["pos_weight"],
            **scores[at],
        }
        for at in order
    ]


def _resampling(sources: Sources, names: Sequence[str], counts: NDArray[np.int64]) -> dict[str, Any]:
    copies = pq.read_table(sources.plan / "plan.parquet", columns=["copies"])["copies"].to_numpy()
    synthetic = pq.read_metadata(sources.plan / "synthetic.parquet").num_rows
    return {
        "method": read_facts(sources.plan)["method"],
        "rows_added": int(np.maximum(copies - 1, 0).sum()) + synthetic,
        "rows_removed": int((copies == 0).sum()),
        "rows_synthetic": synthetic,
        "examples": synthetic_examples(sources.table, sources.plan, names, counts),
    }
