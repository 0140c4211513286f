"""What a sampler says afterwards about every label: before, after, who rode along, who was not helped and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.resample.outcome import Outcome, has_no_aim, measure
from evenly.resample.targets import above_target, aim_of, mean_ir

if TYPE_CHECKING:
    import pyarrow as pa
    from scipy import sparse

    from evenly.resample.changes import Changes
    from evenly.resample.limits import Limits

__all__ = ["SamplingReport", "report"]

ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class SamplingReport:
    """The outcome of a resampling; its text is a sentence.

    Attributes
    ----------
    outcome
        Counts before and after.
    names
        The labels, in the order of the columns of Y.
    method
        The sampler.
    aim
        The IRLbl above which a label is in the minority: `target_ir`, or the MeanIR before.
    has_aim
        Whether the method steers by the rows of a label.
    """

    outcome: Outcome
    names: tuple[Any, ...]
    method: str
    aim: float
    has_aim: bool = True

    @property
    def not_helped(self) -> dict[Any, str]:
        """The labels that are still above the aim, or empty, and why."""
        reasons = zip(self.names, self.outcome.reasons, strict=True)
        return {name: reason for name, reason in reasons if reason is not None}

    @property
    def rode_along(self) -> dict[Any, int]:
        """The labels that were not in the minority, and how many of the rows added hold them; most first."""
        outcome = self.outcome
        added = np.where(above_target(outcome.before, self.aim), 0, outcome.clones + outcome.synthetic)
        order = [at for at in np.argsort(-added, kind="stable") if added[at]]
        return {self.names[at]: int(added[at]) for at in order}

    def table(self) -> pa.Table:
        """Return a row a label: its name, counts and IRLbl before and after, rows added, and the reason."""
        return self.outcome.table([str(name) for name in self.names])

    @property
    def doubt(self) -> str | None:
        """What speaks against the outcome, in a sentence: the MeanIR has risen, which is not what the method is for."""
        before, after = mean_ir(self.outcome.before), mean_ir(self.outcome.after)
        if not self.has_aim or before is None or after is None or after <= before * (1 + ROUNDING):
            return None
        return (
            f"{self.method} made the labels less even: MeanIR {before:.4g} -> {after:.4g}. A target_ir stops a method "
            f"where the ratios no longer fall."
        )

    def __str__(self) -> str:
        """Return the outcome in plain words."""
        names = [str(name) for name in self.names]
        return self.outcome.sentence(self.method, self.aim, names, has_aim=self.has_aim)


def report(
    labels: sparse.csr_matrix,
    changes: Changes,
    limits: Limits,
    method: str,
    names: list[Any],
    *,
    k_neighbors: int | None = None,
) -> SamplingReport:
    """Measure what changes do to the labels of the rows that they are for."""
    outcome = measure(labels, changes.copies, changes.recipes, limits, method, k_neighbors=k_neighbors)
    has_aim = not has_no_aim(method, limits)
    return SamplingReport(outcome, tuple(names), method, aim_of(limits, outcome.before), has_aim)
