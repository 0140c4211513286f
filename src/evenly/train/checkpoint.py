"""Where a training run stands, on disk: what is needed to go on with the very next batch.

One ``.npz`` file: every variable of the model (the states of the random generators of its dropout among them) and of
the optimizer, the best weights so far, and the plain values of `Standing`. It is replaced as a whole, so that a kill
at any moment leaves the old one or the new one.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Saved", "Standing", "checkpoint_path", "find_checkpoint", "load_checkpoint", "save_checkpoint"]


@dataclass
class Standing:
    """How far a run has come.

    Attributes
    ----------
    epoch, step
        Of the next batch, both counted from 0.
    loss_sum, n_rows
        Over the rows of the epoch under way.
    history
        A dict a finished epoch: see `evenly.train.job.TrainResult`.
    best, reached, best_epoch
        The best measure, the epoch that first had it, and the one whose weights are kept, counted from 1.
    finished
        Whether there is no batch to come.
    parts
        In how many parts a batch is worked through.
    """

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    n_rows: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best: float | None = None
    reached: int = 0
    best_epoch: int = 0
    finished: bool = False
    parts: int = 1


@dataclass(frozen=True)
class Saved:
    """What a checkpoint holds: the standing, the values of all variables, and the best weights so far."""

    standing: Standing
    variables: list[NDArray[Any]]
    best: list[NDArray[Any]]


def save_checkpoint(
    path: Path, standing: Standing, variables: Sequence[NDArray[Any]], best: Sequence[NDArray[Any]]
) -> None:
    """Replace the checkpoint at `path`."""
    named: dict[str, Any] = {f"variable-{i}": value for i, value in enumerate(variables)}
    named |= {f"best-{i}": value for i, value in enumerate(best)}
    named["standing"] = np.frombuffer(json.dumps(asdict(standing)).encode(), np.uint8)
    temporary = path.with_name(f"{path.name}.new")
    with temporary.open("wb") as stream:
        np.savez(stream, **named)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def checkpoint_path(scratch: Path) -> Path:
    """Return where the checkpoint of a run with this scratch folder is written."""
    return scratch / "training.npz"


def find_checkpoint(scratch: Path) -> Path | None:
    """Return the checkpoint of a run with this scratch folder, or None before there is one."""
    path = checkpoint_path(scratch)
    return path if path.is_file() else None


def load_checkpoint(path: Path) -> Saved | None:
    """Return the checkpoint at `path`, or None where there is none."""
    if not path.is_file():
        return None
    with np.load(path) as stored:
        standing = Standing(**json.loads(stored["standing"].tobytes()))
        return Saved(standing, _read_all(stored, "variable"), _read_all(stored, "best"))


def _read_all(stored: Any, kind: str) -> list[NDArray[Any]]:
    n_values = sum(name.startswith(f"{kind}-") for name in stored.files)
    return [stored[f"{kind}-{i}"] for i in range(n_values)]
