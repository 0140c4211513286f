"""An evaluation in; its files out.

``metrics.json`` has flat keys, ``<where>/<name>``. ``intervals.json``: `level`, `unit`, `n_units`, `n_resamples`,
`n_area_resamples` (of PR-AUC), `test` (measure to low and high) and, beside a baseline on the same rows, `baseline` and
`difference` (measure to the difference, low and high). ``resamples.parquet``: a column a measure, a row a resample of
the test split, null where fewer were drawn; the n-th row of any model on the same rows stands for the same resample.
``per_label.parquet``: a row a label and split. ``pr_curves.parquet`` of the test split: `source` (model or baseline),
`id` (null: all labels pooled), `threshold`, `precision`, `recall`. ``calibration.json``: `bins` of validation and test,
and `offer`, the temperature that validation asks for, with what it would change; it is not applied.
``errors.parquet``: see `worst_errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.formats import LABELS_TYPE, label_lists, write_json
from evenly.train.evaluation.bootstrap import LEVEL, interval
from evenly.train.evaluation.calibration import fit_temperature, measure_reliability
from evenly.train.evaluation.metrics import GROUPS
from evenly.train.evaluation.pr_curves import LABEL_POINTS, POOLED_POINTS, pr_points
from evenly.train.evaluation.ranking import iter_blocks
from evenly.train.evaluation.worst_errors import worst_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.formats import Task
    from evenly.train.evaluation.bootstrap import Resamples
    from evenly.train.evaluation.evaluate import Evaluation, Scored
    from evenly.train.evaluation.metrics import LabelMeasures

__all__ = [
    "compare_resamples",
    "read_resamples",
    "write_calibration",
    "write_curves",
    "write_errors",
    "write_intervals",
    "write_per_label",
    "write_predictions",
    "write_resamples",
]

_PREDICTIONS = pa.schema(
    {
        "row": pa.int64(),
        "split": pa.string(),
        "labels": LABELS_TYPE,
        "scores": pa.list_(pa.float32()),
        "predicted": LABELS_TYPE,
    }
)
_DIGITS = 6


def write_predictions(path: Path, scored: Mapping[str, Scored], predicted: Mapping[str, sparse.csr_matrix]) -> None:
    """Write `row`, `split`, `labels`, `scores` and `predicted` of every row, a row group at a time."""
    with pq.ParquetWriter(path, _PREDICTIONS, compression="zstd") as writer:
        for split, part in scored.items():
            for block in iter_blocks(len(part.rows), part.scores.shape[1]):
                writer.write_table(_as_table(split, part, predicted[split], block))


def _as_table(split: str, part: Scored, predicted: sparse.csr_matrix, block: slice) -> pa.Table:
    scores = part.scores[block]
    n_rows, n_labels = scores.shape
    offsets = np.arange(n_rows + 1, dtype=np.int32) * n_labels
    columns = [
        pa.array(part.rows[block]),
        pa.array([split] * n_rows, pa.string()),
        label_lists(part.labels[block]),
        pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.ascontiguousarray(scores).ravel())),
        label_lists(predicted[block]),
    ]
    return pa.Table.from_arrays(columns, schema=_PREDICTIONS)


def write_per_label(path: Path, evaluation: Evaluation, names: Sequence[str]) -> None:
    """Write the measures of every label and split: null where one is not defined there."""
    pieces = [_per_label(split, each, evaluation, names) for split, each in evaluation.per_label.items()]
    pq.write_table(pa.concat_tables(pieces), path, compression="zstd")


def _per_label(split: str, each: LabelMeasures, evaluation: Evaluation, names: Sequence[str]) -> pa.Table:
    n_labels = len(names)
    thresholds = evaluation.decision.thresholds
    shown = thresholds if len(thresholds) else np.full(n_labels, np.nan)
    if evaluation.decision.positive is not None:  # the other class is what is left
        shown = np.where(np.arange(n_labels) == evaluation.decision.positive, shown, np.nan)
    groups = [GROUPS[group] if group >= 0 else None for group in evaluation.groups]
    measures = {name: _nullable(getattr(each, name)) for name in ("precision", "recall", "f1", "pr_auc", "roc_auc")}
    low, high = _f1_bounds(split, evaluation, n_labels)
    fp, fn = each.predicted - each.true_positives, each.positives - each.true_positives
    n_rows = evaluation.predicted[split].shape[0]
    return pa.table(
        {
            "id": pa.array(np.arange(n_labels, dtype=np.int32)),
            "name": pa.array(list(names), pa.string()),
            "split": pa.array([split] * n_labels, pa.string()),
            "positives": pa.array(each.positives),
            "predicted": pa.array(each.predicted),
            "tp": pa.array(each.true_positives),
            "fp": pa.array(fp),
            "fn": pa.array(fn),
            "tn": pa.array(n_rows - each.true_positives - fp - fn),
            **measures,
            "f1_low": _nullable(low),
            "f1_high": _nullable(high),
            "threshold": _nullable(shown),
            "group": pa.array(groups, pa.string()),
        }
    )


def _f1_bounds(split: str, evaluation: Evaluation, n_labels: int) -> NDArray[np.float64]:
    if split != "test" or evaluation.resamples is None:
        return np.full((2, n_labels), np.nan)
    return evaluation.resamples.label_f1


def _nullable(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~np.isfinite(values))


def write_resamples(path: Path, resamples: Resamples | None) -> None:
    """Write the measures in every resample of the test split; a table without columns where there are none."""
    values = {} if resamples is None else resamples.values
    n_rows = max((len(each) for each in values.values()), default=0)
    padded = {name: np.append(each, np.full(n_rows - len(each), np.nan)) for name, each in sorted(values.items())}
    pq.write_table(pa.table({name: _nullable(each) for name, each in padded.items()}), path, compression="zstd")


def read_resamples(path: Path) -> dict[str, NDArray[np.float64]]:
    """Return measure to its value in every resample, NaN where it was not drawn."""
    table = pq.read_table(path)
    return {name: table[name].to_numpy() for name in table.column_names}


def compare_resamples(
    ours: Mapping[str, NDArray[np.float64]],
    theirs: Mapping[str, NDArray[np.float64]],
    points: Mapping[str, float],
    other_points: Mapping[str, float],
) -> dict[str, tuple[float, float, float]]:
    """Return the difference of every measure that both have, and its 95 % interval, resample by resample.

    Parameters
    ----------
    ours, theirs
        From `read_resamples`, of the same rows.
    points, other_points
        The measures themselves.
    """
    found = {}
    for name in sorted(ours.keys() & theirs.keys() & points.keys() & other_points.keys()):
        n_both = min(len(ours[name]), len(theirs[name]))
        gap = points[name] - other_points[name]
        low, high = interval(ours[name][:n_both] - theirs[name][:n_both], gap)
        if np.isfinite([low, high]).all():
            found[name] = gap, low, high
    return found


def write_intervals(path: Path, evaluation: Evaluation, beside: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Write and return the intervals of the test split; `beside` adds those of a baseline and the difference."""
    resamples = evaluation.resamples
    found: dict[str, Any] = {
        "level": LEVEL,
        "unit": "rows with the same text or group are drawn together",
        "n_units": 0 if resamples is None else resamples.n_units,
        "n_resamples": 0 if resamples is None else resamples.n_resamples,
        "n_area_resamples": 0 if resamples is None else resamples.n_area_resamples,
        "test": _rounded(evaluation.intervals()),
        **{name: _rounded(value) for name, value in (beside or {}).items()},
    }
    write_json(path, found)
    return found


def _rounded(intervals: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    return {name: [round(float(value), _DIGITS) for value in bounds] for name, bounds in sorted(intervals.items())}


def write_curves(path: Path, evaluation: Evaluation, *, source: str, beside: Path | None = None) -> None:
    """Write precision over recall on the test split, thinned: of all labels pooled, then of each.

    Parameters
    ----------
    path
        Where to write.
    evaluation
        Of the model.
    source
        Whose curves they are: model or baseline.
    beside
        A file like this one, whose curves are added.
    """
    test = evaluation.measures["test"]
    points = pa.concat_tables(
        [pr_points(test.pooled, POOLED_POINTS, pooled=True), pr_points(test.ranked, LABEL_POINTS)]
    )
    named = points.add_column(0, "source", pa.array([source] * points.num_rows, pa.string()))
    curves = [named] if beside is None else [named, pq.read_table(beside)]
    pq.write_table(pa.concat_tables(curves), path, compression="zstd")


def write_calibration(path: Path, scored: Mapping[str, Scored], evaluation: Evaluation, task: Task) -> dict[str, Any]:
    """Write and return the reliability bins of each split, and the temperature that validation asks for."""
    positive, tuning = evaluation.decision.positive, scored["validation"]
    temperature = fit_temperature(tuning.labels, tuning.scores, task=task)
    before = {split: each.metrics() for split, each in evaluation.reliability.items()}
    offer = None
    if temperature is not None:
        after = {
            split: measure_reliability(
                part.labels, part.scores, task=task, positive=positive, temperature=temperature
            ).metrics()
            for split, part in scored.items()
        }
        offer = {"temperature": temperature, "applied": False} | {
            split: {"before": _known(before[split]), "after": _known(after[split])} for split in scored
        }
    found = {"bins": {split: each.to_json() for split, each in evaluation.reliability.items()}, "offer": offer}
    write_json(path, found)
    return found


def _known(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, _DIGITS) for name, value in values.items() if np.isfinite(value)}


def write_errors(path: Path, scored: Mapping[str, Scored], evaluation: Evaluation) -> None:
    """Write the surest errors of every label on the test split."""
    test = scored["test"]
    pq.write_table(
        worst_errors(test.rows, test.labels, test.scores, evaluation.predicted["test"]), path, compression="zstd"
    )
