"""Counts before and after, the reasons, and the sentence."""

from __future__ import annotations

import numpy as np
import pytest

from evenly.imbalance import label_matrix
from evenly.resample import Limits, Recipes, ml_ros, ml_rus, mlsmote
from evenly.resample.outcome import Outcome, measure

NAMES = [f"label {number}" for number in range(40)]


def _outcome(rows: list[list[int]], n_labels: int, limits: Limits, method: str) -> Outcome:
    dense = np.zeros((len(rows), n_labels), np.int8)
    for row, held in enumerate(rows):
        dense[row, held] = 1
    labels = label_matrix(dense)
    copies, recipes = np.ones(len(rows), np.int32), Recipes.none(n_labels)
    bounds = {"target_ir": limits.target_ir, "max_growth": limits.max_growth, "random_state": 0}
    if method == "ml_ros":
        copies = ml_ros(labels, max_copies=limits.max_copies, **bounds)
    elif method == "ml_rus":
        copies = ml_rus(labels, **bounds)
    else:
        features = label_matrix(np.eye(len(rows))).astype(float)
        recipes = mlsmote(labels, features, max_copies=limits.max_copies, **bounds)
    return measure(labels, copies, recipes, limits, method)


@pytest.mark.parametrize(
    ("rows", "n_labels", "limits", "method", "expected"),
    [
        ([[0]] * 4 + [[1]], 3, Limits(2, 10, 1.0), "ml_ros", (None, None, "no train rows")),
        ([[0]] * 40 + [[1]], 2, Limits(2, 3, 1.0), "ml_ros", (None, "max_copies reached")),
        ([[0]] * 40 + [[1]] * 4, 2, Limits(2, 10, 0.05), "ml_ros", (None, "max_growth reached")),
        (
            [[0, label] for label in range(1, 31)],
            31,
            Limits(5, 10, 10.0),
            "ml_ros",
            (None, *["held only together with majority labels"] * 30),
        ),
        (
            [[0]] * 40 + [[1]] + [[2]] * 2,
            3,
            Limits(2, 10, 1.0),
            "mlsmote",
            (None, "one row, which mlsmote cannot use", None),
        ),
        (
            [[0, label] for label in range(1, 6)],
            6,
            Limits(2, 10, 1.0),
            "ml_rus",
            (None, *["the largest IR no longer falls"] * 5),
        ),
        ([[0]] * 19 + [[1]], 2, Limits(2, 10, 0.25), "ml_rus", (None, "max_growth reached")),
        # As clones for label 1 hold label 0 too, label 2 (10 of 20, at the target) comes above it
        (
            [[0]] * 12 + [[0, 1]] * 8 + [[2]] * 10,
            3,
            Limits(2, 10, 1.0),
            "mlsmote",
            (None, None, "lifted above it by rows added for other labels"),
        ),
    ],
    ids=["empty", "copies", "growth", "majority", "singleton", "under", "under growth", "lifted"],
)
def test_reasons(
    rows: list[list[int]], n_labels: int, limits: Limits, method: str, expected: tuple[str | None, ...]
) -> None:
    assert _outcome(rows, n_labels, limits, method).reasons == expected


def test_clones_are_counted_by_label() -> None:
    outcome = _outcome([[0]] * 8 + [[0, 1]] * 2, 2, Limits(3, 10, 1.0), "ml_ros")
    assert outcome.before.tolist() == [10, 2]
    assert outcome.clones.tolist() == [2, 2]
    assert outcome.after.tolist() == [12, 4]
    assert outcome.facts() == {
        "n_train": 10,
        "n_added": 2,
        "n_removed": 0,
        "n_synthetic": 0,
        "max_ir_before": 5.0,
        "max_ir_after": 3.0,
        "mean_ir_before": 3.0,
        "mean_ir_after": 2.0,
        "n_helped": 1,
        "n_not_reached": 0,
    }
    sentence = outcome.sentence("ml_ros", 3.0, NAMES[:2])
    assert sentence == "ml_ros: 2 rows added (+20%), largest IR 5 -> 3, all labels at 3 or below"


def test_the_table_has_nulls_for_what_an_empty_label_has_not() -> None:
    rows = _outcome([[0]] * 4 + [[1]], 3, Limits(2, 10, 1.0), "ml_ros").table(NAMES[:3]).to_pylist()
    assert rows[1] == {
        "id": 1,
        "name": "label 1",
        "before": 1,
        "after": 2,
        "irlbl_before": 4.0,
        "irlbl_after": 2.0,
        "clones": 1,
        "synthetic": 0,
        "reason": None,
    }
    assert (rows[2]["irlbl_before"], rows[2]["irlbl_after"], rows[2]["reason"]) == (None, None, "no train rows")


def test_the_sentence_lists_some_of_many_labels() -> None:
    outcome = _outcome([[0, label] for label in range(1, 31)], 32, Limits(5, 10, 10.0), "ml_ros")
    assert outcome.sentence("ml_ros", 5.0, NAMES[:32]) == (
        "ml_ros: nothing to change, largest IR 30 -> 30, 31 labels not brought to 5: held only together with majority "
        "labels (label 1, label 2, label 3 and 27 more); no train rows (label 31)"
    )


def test_rows_without_any_label_have_no_ratio() -> None:
    outcome = _outcome([[], []], 1, Limits(), "ml_ros")
    assert outcome.facts()["max_ir_after"] is None
    assert outcome.sentence("ml_ros", 10.0, NAMES[:1]).startswith("ml_ros: nothing to change, 1 label not brought")
