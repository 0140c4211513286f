"""Early stopping on an exact measure of the whole validation split.

Keras' own AUC is an approximation by 200 thresholds, and counts labels without positives as 0 in its mean, so the
measure is a function that scores every validation row.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evenly.train.checkpoint import Standing

__all__ = ["close_epoch", "describe"]


def close_epoch(standing: Standing, measured: Mapping[str, float], *, patience: int, epochs: int) -> bool:
    """Write an epoch into the history and go on to the next one; return whether its weights are the best so far.

    Of equals the later one counts, for its scores are surer. Where the first measure is not defined (no validation
    row holds a label) the training loss takes its place.

    Parameters
    ----------
    standing
        At the end of an epoch; changed.
    measured
        The measures of validation; the first one decides.
    patience
        Epochs without a better measure before it stops.
    epochs
        The most there can be.
    """
    loss = standing.loss_sum / max(1, standing.n_rows)
    epoch = standing.epoch + 1
    defined = {name: value for name, value in measured.items() if math.isfinite(value)}
    standing.history.append({"epoch": epoch, "loss": loss, **defined})
    value = defined.get(next(iter(measured)), -loss)
    better = standing.best is None or value > standing.best
    if better:
        standing.best, standing.reached = value, epoch
    kept = value == standing.best
    if kept:
        standing.best_epoch = epoch
    standing.epoch, standing.step, standing.loss_sum, standing.n_rows = epoch, 0, 0.0, 0
    standing.finished = epoch >= epochs or epoch - standing.reached >= patience
    return kept


def describe(entry: Mapping[str, float]) -> str:
    """Return an epoch of the history in a few words: its PR-AUC on validation, or its loss."""
    name = next((name for name in entry if name.startswith("val_pr_auc")), None)
    found = f"loss {entry['loss']:.3f}" if name is None else f"val PR-AUC {entry[name]:.3f}"
    return found.replace(" 0.", " .")
