"""What a resampling did to every label, why some could not be brought to the target, and that in a sentence."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from evenly.imbalance import irlbl, label_counts
from evenly.resample.limits import OWN_RATIO
from evenly.resample.targets import above_target, aim_of, max_ir, mean_ir

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.resample.changes import Recipes
    from evenly.resample.limits import Limits

__all__ = ["Outcome", "explain", "has_no_aim", "measure"]

NAMES_SHOWN = 3
NEED_PAIRS = frozenset({"mlsmote", "smote", "borderline_smote", "adasyn"})  # serve a label with two of its rows
# The methods that look at how many rows a label or a labelset has, whatever amount is stated
WITH_AIM = frozenset(
    {"lp_ros", "lp_rus", "ml_ros", "ml_rus", "mlsmote", "mlsol", "random_over", "random_under", "none"}
)
CHAINS = frozenset({"chain", "remedial_hwr"})


@dataclass(frozen=True, eq=False)
class Outcome:
    """The labels of the train rows before and after; arrays of shape (n_labels,), int64.

    Attributes
    ----------
    before, after
        Rows that hold each label.
    clones, synthetic
        Rows added that hold each label, as copies and as synthetic rows.
    n_rows, n_cloned, n_synthetic, n_removed
        Train rows before, and what was done to them.
    reasons
        For every label why it is not at the target, or None where it is.
    """

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    clones: NDArray[np.int64]
    synthetic: NDArray[np.int64]
    n_rows: int
    n_cloned: int
    n_synthetic: int
    n_removed: int
    reasons: tuple[str | None, ...]

    def facts(self) -> dict[str, Any]:
        """Return the JSON facts of the manifest; `n_added` counts clones and synthetic rows."""
        lower = irlbl(self.after)[self.before > 0] < irlbl(self.before)[self.before > 0]
        added = (self.clones + self.synthetic > 0)[self.before > 0]
        return {
            "n_train": self.n_rows,
            "n_added": self.n_cloned + self.n_synthetic,
            "n_removed": self.n_removed,
            "n_synthetic": self.n_synthetic,
            "max_ir_before": max_ir(self.before),
            "max_ir_after": max_ir(self.after),
            "mean_ir_before": mean_ir(self.before),
            "mean_ir_after": mean_ir(self.after),
            "n_helped": int((lower & (added | (self.n_removed > 0))).sum()),
            "n_not_reached": sum(reason is not None for reason in self.reasons),
        }

    def table(self, names: Sequence[str]) -> pa.Table:
        """Return ``labels.parquet``: a row a label."""
        return pa.table(
            {
                "id": pa.array(np.arange(len(names)), pa.int32()),
                "name": pa.array(names, pa.string()),
                "before": self.before,
                "after": self.after,
                "irlbl_before": pa.array(irlbl(self.before), from_pandas=True),
                "irlbl_after": pa.array(irlbl(self.after), from_pandas=True),
                "clones": self.clones,
                "synthetic": self.synthetic,
                "reason": pa.array(self.reasons, pa.string()),
            }
        )

    def sentence(self, method: str, target_ir: float, names: Sequence[str], *, has_aim: bool = True) -> str:
        """Return the outcome in plain words; `target_ir` is the aim, the MeanIR where the method has none."""
        split = method == "remedial"  # each row removed comes back as two
        changes = [
            f"{count:,} {what.format('s' * (count > 1))} ({sign}{count / max(1, self.n_rows):.0%})"
            for count, what, sign in (
                (self.n_cloned, "row{} added", "+"),
                (0 if split else self.n_synthetic, "synthetic row{} added", "+"),
                (self.n_removed, "row{} split in two" if split else "row{} removed", "+" if split else "-"),
            )
            if count
        ]
        before, after = max_ir(self.before), max_ir(self.after)
        ratio = "" if before is None or after is None else f", largest IR {before:.4g} -> {after:.4g}"
        missed = self._list_reasons(target_ir, names, has_aim)
        return f"{method}: {', '.join(changes) or 'nothing to change'}{ratio}{missed}"

    def _list_reasons(self, target_ir: float, names: Sequence[str], has_aim: bool) -> str:  # noqa: FBT001 - private
        by_reason: defaultdict[str, list[str]] = defaultdict(list)
        for name, reason in zip(names, self.reasons, strict=True):
            if reason is not None:
                by_reason[reason].append(name)
        n_labels = sum(map(len, by_reason.values()))
        if not has_aim:
            above = [name for held in by_reason.values() for name in held]
            left = f"; {n_labels} above the MeanIR of {target_ir:.4g}: {_list_some(above)}" if above else ""
            return f", which it does not steer by{left}"
        if not by_reason:
            return f", all labels at {target_ir:.4g} or below"
        parts = [f"{reason} ({_list_some(held)})" for reason, held in by_reason.items()]
        return f", {n_labels} label{'s' * (n_labels > 1)} not brought to {target_ir:.4g}: {'; '.join(parts)}"


def _list_some(names: list[str]) -> str:
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def measure(
    labels: sparse.csr_matrix,
    copies: NDArray[np.int32],
    recipes: Recipes,
    limits: Limits,
    method: str,
    *,
    k_neighbors: int | None = None,
) -> Outcome:
    """Count every label of the train rows before and after a plan.

    Parameters
    ----------
    labels
        Of the train rows, shape (n_train, n_labels).
    copies
        Shape (n_train,): 0 removes a row, 1 keeps it, more clone it.
    recipes
        Synthetic rows; their parents are numbered within `labels`.
    limits
        The aim and the bounds that were given.
    method
        The method used; with ``none`` there is no aim, hence no label misses it.
    k_neighbors
        From how many neighbours references were drawn.
    """
    before = label_counts(labels)
    holds = labels.T.astype(np.int64)
    clones = np.asarray(holds @ (copies - 1).clip(0).astype(np.int64))
    removed = np.asarray(holds @ (copies == 0).astype(np.int64))
    synthetic = label_counts(recipes.labels)
    after = before + clones + synthetic - removed
    uses = copies + np.bincount(recipes.seed, minlength=len(copies))
    return Outcome(
        before=before,
        after=after,
        clones=clones,
        synthetic=synthetic,
        n_rows=len(copies),
        n_cloned=int((copies - 1).clip(0).sum()),
        n_synthetic=len(recipes),
        n_removed=int((copies == 0).sum()),
        reasons=(None,) * len(before)
        if method == "none"
        else explain(labels, after, uses, limits, method, k_neighbors=k_neighbors),
    )


def explain(
    labels: sparse.csr_matrix,
    after: NDArray[np.int64],
    uses: NDArray[np.int64],
    limits: Limits,
    method: str,
    *,
    k_neighbors: int | None = None,
) -> tuple[str | None, ...]:
    """Return for every label why it is not at the target, or None where it is.

    Parameters
    ----------
    labels
        Of the train rows, shape (n_train, n_labels).
    after
        Rows that hold each label after the resampling, shape (n_labels,).
    uses
        Shape (n_train,): the copies of a row, and how often it is a seed besides; 0 for a removed row.
    limits, method, k_neighbors
        As in `measure`. Where no target is stated, the aim is the MeanIR before.
    """
    before = label_counts(labels)
    holds = labels.T.astype(np.int64)
    usable = np.asarray(holds @ (uses < limits.max_copies).astype(np.int64))
    at_top = np.asarray(labels.astype(np.int64) @ (after == after.max(initial=0)).astype(np.int64)) > 0
    with_top = np.asarray(holds @ at_top.astype(np.int64))
    under = method.endswith(("under", "rus"))
    aim = aim_of(limits, before)
    every = np.ones(len(before), np.bool_)
    pairs = every & (method in NEED_PAIRS)
    used_up = (usable == 0) & (not under)
    last = "the largest IR no longer falls" if limits.target_ir is not None else "the method's own rule goes no further"
    spent = "max_growth reached" if limits.target_ir is not None else "the amount is used up"
    cases: list[tuple[NDArray[np.bool_], str | None]] = [  # the first that holds
        (before == 0, "no train rows"),
        (~above_target(after, aim), None),
        (pairs & ~above_target(before, aim), "lifted above it by rows added for other labels"),
        (pairs & (before == 1), f"one row, which {method} cannot use"),
        (
            (after <= before) & (after > before).any() & (method == "mlsol"),
            "none of its rows has a neighbour that holds it",
        ),
        (every & (method in CHAINS), "left there by the steps of the chain"),
        (every & has_no_aim(method, limits), f"{method} decides by itself which rows it takes"),
        (used_up & (before <= (k_neighbors or 0)), "max_copies reached, with fewer than k neighbours"),
        (used_up, "max_copies reached"),
        (every & _is_spent(after, uses, limits, under=under), spent),
        ((with_top == before) & (not under), "held only together with majority labels"),
        (every, last),
    ]
    return tuple(next(reason for mask, reason in cases if mask[label]) for label in range(len(before)))


def has_no_aim(method: str, limits: Limits) -> bool:
    """Tell whether a method does not steer by the rows of a label: it cleans, divides rows, or has its own strategy."""
    return limits.own_rule and method not in WITH_AIM


def _is_spent(after: NDArray[np.int64], uses: NDArray[np.int64], limits: Limits, *, under: bool) -> bool:
    """Tell whether another step would go beyond the amount."""
    changed = int((uses - 1).clip(0).sum() + (uses == 0).sum())
    # Removing lowers the largest count only when a row goes for every label that stands at it.
    next_step = int((after == after.max(initial=0)).sum()) if under else 1
    return changed + next_step > limits.budget(len(uses), np.inf if limits.target_ir else OWN_RATIO)
