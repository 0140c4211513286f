"""The small files of a model's folder, checked: the folder may be of a stranger, cut short, or put together of two.

Comes in: ``labels.json`` and ``thresholds.json``. Goes out: names and rule that fit each other; the reading of texts is
checked by `evenly.train.reading`, the network by `evenly.train.saved_network`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from evenly.errors import DataError
from evenly.formats import Task
from evenly.train.evaluation.decisions import Decision

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_decision", "read_names"]

_OF_BINARY = 2


def read_names(path: Path) -> tuple[str, ...]:
    """Return the names of the labels of ``labels.json``, by id.

    Raises
    ------
    DataError
        It is no list of names.
    """
    names = _read_json(path)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise _damaged(path, "it is not a list of names")
    try:
        "".join(names).encode()
    except UnicodeEncodeError as error:  # JSON can spell half a character
        raise _damaged(path, "a name is not Unicode") from error
    return tuple(names)


def read_decision(path: Path, n_labels: int) -> Decision:
    """Return the rule of ``thresholds.json`` for `n_labels` labels.

    Raises
    ------
    DataError
        It is no rule, or one for other labels.
    """
    value = _read_json(path)
    try:
        _check_rule(value, n_labels)
        return Decision.from_json(value, n_labels)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, AttributeError) as error:
        raise _damaged(path, f"it is no rule for {n_labels} labels: {error!r}") from error


def _check_rule(value: Any, n_labels: int) -> None:
    """Raise one of the errors that `read_decision` tells."""
    if value["task"] not in get_args(Task):
        raise ValueError("no such task")
    if value["task"] == "multiclass":
        counts = value.get("train_counts", [1] * n_labels)
        if np.shape(counts) != (n_labels,) or not all(type(count) is int and 0 <= count < 2**63 for count in counts):
            raise ValueError("train_counts are not a count a label")
        _check_number(value.get("tau", 0.0))
        return
    ids = [label["id"] for label in value["labels"]]
    if not all(type(label) is int and 0 <= label < n_labels for label in ids) or len(set(ids)) != len(ids):
        raise ValueError("ids are not those of labels, each once")
    if (len(ids), n_labels) != ((1, _OF_BINARY) if value["task"] == "binary" else (n_labels, n_labels)):
        raise ValueError("thresholds are of other labels")
    for number in (*(label["threshold"] for label in value["labels"]), value["global"]):
        _check_number(number)


def _check_number(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(float(value)):
        raise ValueError("not a number where one should be")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"it is not JSON: {error}") from error


def _damaged(path: Path, why: str) -> DataError:
    return DataError(f"{path} is damaged ({why[:200]}). Copy the model's folder anew, or train again.")
