"""What a split promises every label, whatever the shares: to be learned from, and to be tested.

Comes in: units and their splits. Goes out: splits in which as few units as possible have moved so that

- a label with one row has it in train (the first split),
- a label with two rows or more has at least one in train,
- a label with three rows or more has at least one in test (the last split) too.

Train comes first: a move into train takes no label out of train, so that part is always kept. A label whose
rows are all one unit (one text, one group) cannot be in two splits; `unmet_guarantees` says so. Last, sizes that
are off are evened out with units that no guarantee needs where they are (`evenly.labels.sizes`).

Folds are all alike, each is test once: a label is owed a row in every fold as soon as it has a unit for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.imbalance import label_counts
from evenly.labels.placement import (
    ROWS_FOR_TEST,
    TRAIN,
    Placement,
    owed_to_folds,
    owed_to_splits,
    rows_held,
    units_held,
)
from evenly.labels.sizes import even_out_sizes

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

__all__ = ["fill_folds", "keep_guarantees", "unmet_guarantees"]


def keep_guarantees(
    labels: sparse.csr_matrix, sizes: NDArray[np.int64], code: NDArray[np.int8], shares: NDArray[np.float64]
) -> NDArray[np.int8]:
    """Return the splits with the guarantees kept where they can be.

    Parameters
    ----------
    labels
        CSR, shape (n_units, n_labels): how many rows of the unit hold the label.
    sizes
        Shape (n_units,), int64: rows of every unit.
    code
        Shape (n_units,), int8: the split of every unit.
    shares
        Shape (n_splits,), float64: the splits' shares of the rows.
    """
    test = len(shares) - 1
    placement = Placement(labels, sizes, code, shares=shares, owed=owed_to_splits(labels, len(shares)))
    for label in placement.lacking(TRAIN):
        _bring_to_train(placement, int(label))
    for label in placement.lacking(test):
        _bring_to_test(placement, int(label), test)
    even_out_sizes(placement)
    return placement.code


def fill_folds(
    labels: sparse.csr_matrix, sizes: NDArray[np.int64], fold: NDArray[np.int8], shares: NDArray[np.float64]
) -> NDArray[np.int8]:
    """Return the folds with a row of each label in all of them where it has the units, and no other label is hurt.

    Parameters
    ----------
    labels, sizes, shares
        As in `keep_guarantees`.
    fold
        Shape (n_units,), int8: the fold of every unit.
    """
    placement = Placement(labels, sizes, fold, shares=shares, owed=owed_to_folds(labels, len(shares)))
    for target in range(len(shares)):
        for label in placement.lacking(target).tolist():
            _bring_to_fold(placement, label, target)
    even_out_sizes(placement)
    return placement.code


def unmet_guarantees(
    labels: sparse.csr_matrix, code: NDArray[np.int8], n_splits: int, *, fixed: str = ""
) -> dict[int, str]:
    """Return, for every label that lacks what it is owed, what it lacks and why.

    Parameters
    ----------
    labels
        CSR, shape (n_units, n_labels): how many rows of the unit hold the label.
    code
        Shape (n_units,), int8: the split of every unit.
    n_splits
        Number of splits; the first is train, the last test.
    fixed
        Why no unit was moved for the guarantees, where none was.
    """
    counts, n_units = rows_held(labels), label_counts(labels)
    held = units_held(labels, code, n_splits)
    unmet: dict[int, list[str]] = {}
    for label in np.flatnonzero((counts > 0) & (held[TRAIN] == 0)).tolist():
        unmet.setdefault(label, []).append(f"no row in train: {fixed}")
    for label in np.flatnonzero((counts >= ROWS_FOR_TEST) & (held[-1] == 0)).tolist():
        if fixed:
            reason = fixed
        elif n_units[label] == 1:
            reason = f"its {counts[label]} rows have one text or group and stay together"
        else:
            reason = "each of its rows is the only one in train of another label"
        unmet.setdefault(label, []).append(f"no row in test: {reason}")
    return {label: "; ".join(reasons) for label, reasons in sorted(unmet.items())}


def _bring_to_train(placement: Placement, label: int) -> None:
    """Move the unit that helps most labels, then breaks least in test (mended later), then the smallest."""
    if placement.held[TRAIN, label]:
        return  # an earlier move has helped it
    units = [unit for split in range(1, len(placement.held)) for unit in placement.units_of(label, split)]
    best = min(units, key=lambda u: (-placement.helps(u, TRAIN), len(placement.ties(u)), placement.sizes[u], u))
    placement.move(best, TRAIN)


def _bring_to_fold(placement: Placement, label: int, fold: int) -> None:
    """Move the unit that helps most labels and ties nothing, from the fold with most rows; none where all are tied."""
    if placement.held[fold, label]:
        return
    units = [unit for source in range(len(placement.held)) for unit in placement.units_of(label, source)]
    free = [unit for unit in units if not len(placement.ties(unit))]
    if free:
        placement.move(
            min(free, key=lambda u: (-placement.helps(u, fold), -placement.rows[placement.code[u]], u)), fold
        )


def _bring_to_test(placement: Placement, label: int, test: int) -> None:
    """Move the unit that helps most labels and nothing ties; else one that others can replace in train."""

    def preference(unit: int) -> tuple[int, bool, int, int, int]:
        strays = not placement.stays_within_a_row(unit, test)
        return -placement.helps(unit, test), strays, int(placement.sizes[unit]), -int(placement.code[unit]), unit

    if placement.held[test, label]:
        return
    units = [unit for split in range(test) for unit in placement.units_of(label, split)]
    free = [unit for unit in units if not len(placement.ties(unit))]
    if free:
        placement.move(min(free, key=preference), test)
        return
    for unit in sorted(units, key=lambda u: (len(placement.ties(u)), placement.sizes[u], u)):
        substitutes = _substitutes(placement, unit, test)
        if substitutes is not None:
            for substitute in substitutes:
                placement.move(substitute, TRAIN)
            placement.move(unit, test)
            return


def _substitutes(placement: Placement, unit: int, test: int) -> list[int] | None:
    """Return units outside train and test that hold the labels that tie `unit` to train, or None."""
    chosen: list[int] = []
    for label in placement.ties(unit):
        if any(label in placement.labels_of(other) for other in chosen):
            continue
        others = [other for split in range(1, test) for other in placement.units_of(int(label), split)]
        if not others:
            return None
        chosen.append(min(others, key=lambda u: (placement.sizes[u], u)))
    return chosen
