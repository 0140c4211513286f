"""One model, judged: its rule tuned on validation, its measures on validation and test, with their uncertainty.

The network and both baselines go through here, so that their figures mean the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.train.evaluation.bootstrap import Resamples, interval, resample
from evenly.train.evaluation.calibration import measure_reliability
from evenly.train.evaluation.decisions import DecisionAim, tune_decision
from evenly.train.evaluation.metrics import label_groups, measure_split
from evenly.train.evaluation.row_measures import propensities

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.formats import Task
    from evenly.train.evaluation.calibration import Reliability
    from evenly.train.evaluation.decisions import Decision
    from evenly.train.evaluation.metrics import LabelMeasures, SplitMeasures

__all__ = ["Evaluation", "Scored", "evaluate"]


@dataclass(frozen=True)
class Scored:
    """The rows of a split with their labels and scores.

    Attributes
    ----------
    rows
        Shape (n_rows,), int64, ascending: their numbers in the table.
    labels
        Shape (n_rows, n_labels), int8.
    scores
        Shape (n_rows, n_labels), float32: probabilities; may be a memory map.
    """

    rows: NDArray[np.int64]
    labels: sparse.csr_matrix
    scores: NDArray[np.float32]


@dataclass(frozen=True)
class Evaluation:
    """What is found about a model.

    Attributes
    ----------
    decision
        Its rule.
    measures, predicted, reliability
        By split: `validation` and `test`.
    groups
        Shape (n_labels,), int8: head, medium, tail; -1 for labels without train rows.
    resamples
        Of the test split; None where that cannot be resampled.
    """

    decision: Decision
    measures: dict[str, SplitMeasures]
    predicted: dict[str, sparse.csr_matrix]
    reliability: dict[str, Reliability]
    groups: NDArray[np.int8]
    resamples: Resamples | None

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """Split to the values of its measures, by name."""
        found = {}
        for split, each in self.measures.items():
            ece = self.reliability[split].metrics()
            found[split] = each.metrics | {name: value for name, value in ece.items() if np.isfinite(value)}
        return found

    @property
    def per_label(self) -> dict[str, LabelMeasures]:
        """Split to the measures of every label."""
        return {split: each.per_label for split, each in self.measures.items()}

    def intervals(self) -> dict[str, tuple[float, float]]:
        """Return the 95 % intervals of the test split's measures, by name."""
        if self.resamples is None:
            return {}
        points = self.measures["test"].metrics
        found = {name: interval(values, points[name]) for name, values in self.resamples.values.items()}
        return {name: bounds for name, bounds in found.items() if np.isfinite(bounds).all()}


def evaluate(
    scored: Mapping[str, Scored],
    *,
    task: Task,
    train_counts: NDArray[np.int64],
    n_train: int,
    units: NDArray[np.int64],
    decision: Decision | None = None,
    aim: DecisionAim = DecisionAim(),  # noqa: B008 - frozen
    resampled: bool = True,
) -> Evaluation:
    """Tune the rule on ``scored["validation"]`` and measure every split.

    Parameters
    ----------
    scored
        `validation`, and whatever else is to be measured; `test` is resampled too.
    task
        binary, multiclass or multilabel.
    train_counts
        Shape (n_labels,): train rows that hold each label, of `n_train`.
    n_train
        Train rows.
    units
        Shape (n_rows_of_the_table,), int64: rows of the same number stand and fall together.
    decision
        A rule that is not to be tuned.
    aim
        What to tune it for.
    resampled
        Whether the test split is resampled, for intervals.
    """
    if decision is None:
        tuning = scored["validation"]
        decision = tune_decision(tuning.scores, tuning.labels, task=task, train_counts=train_counts, aim=aim)
    groups, weight_of = label_groups(train_counts), 1 / propensities(train_counts, n_train)
    predicted = {split: decision.predict(part.scores) for split, part in scored.items()}
    measures = {
        split: measure_split(
            part.labels,
            part.scores,
            predicted[split],
            task=task,
            groups=groups,
            weight_of=weight_of,
            positive=decision.positive,
        )
        for split, part in scored.items()
    }
    reliability = {
        split: measure_reliability(part.labels, part.scores, task=task, positive=decision.positive)
        for split, part in scored.items()
    }
    resamples = None
    if resampled and "test" in scored:
        test = scored["test"]
        resamples = resample(
            test.labels,
            test.scores,
            predicted["test"],
            measures["test"],
            unit=units[test.rows],
            groups=groups,
            positive=decision.positive,
        )
    return Evaluation(decision, measures, predicted, reliability, groups, resamples)
