"""The learning rate over the steps: up from nothing, then as it is or down to nothing."""

from __future__ import annotations

import math
from typing import Any, Literal

import keras
from keras import ops

__all__ = ["Decay", "WarmupDecay", "plan_rate"]

Decay = Literal["none", "linear", "cosine"]


@keras.saving.register_keras_serializable(package="evenly")
class WarmupDecay(keras.optimizers.schedules.LearningRateSchedule):
    """``peak (t + 1) / warmup`` in the first `warmup_steps` steps; then `peak`, or down to 0 at `total_steps`.

    With s the share of the steps after the warm-up: ``linear`` is ``peak (1 - s)``, ``cosine``
    ``peak (1 + cos(pi s)) / 2`` (Loshchilov & Hutter 2017, eq. 5, without restarts).
    """

    def __init__(self, peak: float, *, warmup_steps: int, total_steps: int, decay: Decay) -> None:
        """Keep plain values, so that the schedule can be saved."""
        self.peak, self.warmup_steps, self.total_steps, self.decay = peak, warmup_steps, total_steps, decay

    def __call__(self, step: Any) -> Any:
        """Return the rate of a step, counted from 0."""
        now = ops.cast(step, "float32")
        share = ops.clip((now - self.warmup_steps) / max(1, self.total_steps - self.warmup_steps), 0, 1)
        later = {"none": 1.0, "linear": 1 - share, "cosine": (1 + ops.cos(math.pi * share)) / 2}[self.decay]
        return self.peak * ops.where(now < self.warmup_steps, (now + 1) / max(1, self.warmup_steps), later)

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        names = ("peak", "warmup_steps", "total_steps", "decay")
        return {name: getattr(self, name) for name in names}


def plan_rate(peak: float, *, warmup_steps: int, total_steps: int, decay: Decay) -> float | WarmupDecay:
    """Return the rate, or where it changes its plan."""
    if decay == "none" and not warmup_steps:
        return peak
    return WarmupDecay(peak, warmup_steps=warmup_steps, total_steps=total_steps, decay=decay)
