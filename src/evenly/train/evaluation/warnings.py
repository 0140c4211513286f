"""What makes a good figure worth less than it seems, each with its reason and what to do.

In: measures, the rule, and what earlier stages found. Out: sentences, the gravest first. Each looks at one thing and
says nothing where that is in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.train.evaluation.decisions import MIN_POSITIVES
from evenly.train.evaluation.verdict import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from evenly.train.evaluation.evaluate import Evaluation

__all__ = ["Circumstances", "find_warnings"]

_FAR = 0.25
_NAMED = 5
_MUCH_CUT = 0.05
_FEW_TEST_ROWS = 20
_WIDE = 0.3
_HIGH_ROC, _GAP_TO_PR = 0.9, 0.3
_MAJORITY, _CLOSE = 0.8, 0.1
_SPARSE = 0.1


@dataclass(frozen=True)
class Circumstances:
    """What earlier stages know.

    Attributes
    ----------
    n_leaked_rows
        Validation and test rows that have the text or group of a train row, in splits given by the user.
    truncated_rows, lost_tokens
        Shares of the rows that were cut, and of all tokens that were lost by it.
    """

    n_leaked_rows: int = 0
    truncated_rows: float = 0.0
    lost_tokens: float = 0.0


def find_warnings(
    metrics: Mapping[str, float],
    evaluation: Evaluation,
    names: Sequence[str],
    *,
    train_counts: NDArray[np.int64],
    circumstances: Circumstances = Circumstances(),
    baseline_f1: NDArray[np.float64] | None = None,
) -> list[str]:
    """Return the sentences.

    Parameters
    ----------
    metrics
        Flat, as in ``metrics.json``.
    evaluation
        Of the network.
    names
        Of the labels.
    train_counts
        Shape (n_labels,): train rows that hold each label.
    circumstances
        From earlier stages.
    baseline_f1
        Shape (n_labels,): F1 of the baseline on the test split, NaN where it is not defined.
    """
    return [
        *_leaks(circumstances),
        *_against_train(metrics),
        *_meaningless_auc(metrics, evaluation),
        *_meaningless_share(metrics, evaluation),
        *_never_predicted(evaluation, names, train_counts),
        *_tiny(evaluation, names, baseline_f1),
        *_few_for_thresholds(evaluation, names, train_counts),
        *_missed_precision(evaluation, names),
        *_empty(names, train_counts),
        *_truncation(circumstances),
    ]


def _leaks(circumstances: Circumstances) -> list[str]:
    n_rows = circumstances.n_leaked_rows
    if not n_rows:
        return []
    rows = f"{n_rows:,} validation and test rows have" if n_rows > 1 else "1 validation or test row has"
    sentence = (
        f"Leak: {rows} the text or the group of a row in another split, so that the figures here are too good. "
        f"Remove them from the given split, or let evenly split."
    )
    return [sentence]


def _against_train(metrics: Mapping[str, float]) -> list[str]:
    train, validation = metrics.get("train/pr_auc_macro"), metrics.get("validation/pr_auc_macro")
    if train is None or validation is None or train - validation <= _FAR:
        return []
    both = f"PR-AUC {shown(validation)} against {shown(train)}"
    advice = "more rows, a smaller model or more dropout may help"
    return [f"Validation is far below training: {both}. The model has learnt its train rows by heart; {advice}."]


def _meaningless_auc(metrics: Mapping[str, float], evaluation: Evaluation) -> list[str]:
    """Return what a high ROC-AUC hides: the few positives drown among the many negatives that it counts."""
    kind = "positive" if "test/roc_auc_positive" in metrics else "macro"
    roc, area = metrics.get(f"test/roc_auc_{kind}"), metrics.get(f"test/pr_auc_{kind}")
    if roc is None or area is None or roc < _HIGH_ROC or roc - area < _GAP_TO_PR:
        return []
    held, looked_for = evaluation.per_label["test"].positives, evaluation.decision.positive
    positives = held[held > 0] if looked_for is None else held[looked_for : looked_for + 1]
    odds = metrics["test/n_rows"] / np.median(positives)
    whose = "with" if kind == "positive" else "for the label in the middle, with"
    sentence = (
        f"ROC-AUC {shown(roc)} with PR-AUC {shown(area)}: {whose} 1 positive in {odds:,.0f} rows, a ROC-AUC counts "
        f"above all how easy the many negatives are. Judge by PR-AUC and F1."
    )
    return [sentence]


def _meaningless_share(metrics: Mapping[str, float], evaluation: Evaluation) -> list[str]:
    """Return what a share of right answers is worth beside that of a constant answer."""
    held = evaluation.per_label["test"].positives
    n_rows = metrics.get("test/n_rows", 0)
    if not n_rows or not held.any():
        return []
    accuracy, majority = metrics.get("test/accuracy"), float(held.max() / n_rows)
    if accuracy is not None and majority >= _MAJORITY and accuracy - majority < _CLOSE:
        sentence = (
            f"Accuracy {shown(accuracy)} says little: {shown(majority)} of the test rows are of one class, and always "
            f"answering that class is right as often. Judge by F1 and PR-AUC."
        )
        return [sentence]
    loss, density = metrics.get("test/hamming_loss"), float(held.sum() / (n_rows * len(held)))
    if accuracy is None and loss is not None and density < _SPARSE and loss > density / 2:
        sentence = (
            f"Hamming loss {shown(loss)} looks small, but predicting nothing at all has {shown(density)}: a row holds "
            f"{held.sum() / n_rows:.1f} of {len(held):,} labels. Judge by F1 and PR-AUC."
        )
        return [sentence]
    return []


def _never_predicted(evaluation: Evaluation, names: Sequence[str], train_counts: NDArray[np.int64]) -> list[str]:
    predicted = np.sum([each.predicted for each in evaluation.per_label.values()], axis=0)
    never = np.flatnonzero((predicted == 0) & (train_counts > 0))
    if not len(never):
        return []
    return [f"{_count(never)} never predicted, on validation or test: {_name(never, names)}."]


def _tiny(evaluation: Evaluation, names: Sequence[str], baseline_f1: NDArray[np.float64] | None) -> list[str]:
    """Return the labels of few test rows whose F1 is known less well than it differs from the baseline's."""
    if evaluation.resamples is None:
        return []
    measured = evaluation.per_label["test"]
    low, high = evaluation.resamples.label_f1
    gap = np.zeros(len(names)) if baseline_f1 is None else np.nan_to_num(np.abs(measured.f1 - baseline_f1))
    few = (measured.positives > 0) & (measured.positives < _FEW_TEST_ROWS)
    with np.errstate(invalid="ignore"):
        tiny = np.flatnonzero(few & (high - low > np.maximum(_WIDE, gap)))
    if not len(tiny):
        return []
    worst = tiny[np.argmax((high - low)[tiny])]
    rows = f"{measured.positives[worst]} test row{'s' * bool(measured.positives[worst] > 1)}"
    held = f"{len(tiny):,} labels have" if len(tiny) > 1 else "1 label has"
    sentence = (
        f"{held} so few test rows that the F1 says little: with {rows}, that of {names[worst]!r} may be anything "
        f"from {shown(low[worst])} to {shown(high[worst])}. Do not compare models on: {_name(tiny, names)}."
    )
    return [sentence]


def _few_for_thresholds(evaluation: Evaluation, names: Sequence[str], train_counts: NDArray[np.int64]) -> list[str]:
    decision = evaluation.decision
    few = np.flatnonzero((decision.validation_positives < MIN_POSITIVES) & (train_counts > 0))
    if not len(few) or decision.task == "multiclass" or decision.aim.scope == "global":
        return []
    own = "their threshold is the global one" if len(few) > 1 else "its threshold is the global one"
    return [f"{_count(few)} held by fewer than {MIN_POSITIVES} validation rows; {own}: {_name(few, names)}."]


def _missed_precision(evaluation: Evaluation, names: Sequence[str]) -> list[str]:
    decision = evaluation.decision
    target = decision.aim.target_precision
    if target is None or decision.reached is None or not len(decision.thresholds):
        return []
    with np.errstate(invalid="ignore"):
        missed = np.flatnonzero(decision.own & (decision.reached < target))
    if not len(missed):
        return []
    sentence = (
        f"{_count(missed)} below the precision of {shown(target)} at every threshold on validation and "
        f"take{'s' * (len(missed) == 1)} the most precise one: {_name(missed, names)}."
    )
    return [sentence]


def _empty(names: Sequence[str], train_counts: NDArray[np.int64]) -> list[str]:
    where = np.flatnonzero(train_counts == 0)
    if not len(where):
        return []
    return [f"{_count(where)} in no train row, masked in the loss and never learnt: {_name(where, names)}."]


def _truncation(circumstances: Circumstances) -> list[str]:
    if circumstances.truncated_rows <= _MUCH_CUT:
        return []
    sentence = (
        f"{circumstances.truncated_rows:.0%} of the rows were cut, {circumstances.lost_tokens:.0%} of all tokens lost: "
        f"what stands there was never read. Raise tokenize.max_length, or choose another tokenize.truncate."
    )
    return [sentence]


def _count(labels: NDArray[np.int64]) -> str:
    return f"{len(labels):,} labels are" if len(labels) > 1 else "1 label is"


def _name(labels: NDArray[np.int64], names: Sequence[str]) -> str:
    listed = ", ".join(repr(names[label]) for label in labels[:_NAMED])
    return f"{listed} and {len(labels) - _NAMED:,} more" if len(labels) > _NAMED else listed
