"""Stages for the tests of the store, in a module of their own so that spawned processes can import them."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from evenly.errors import DataError
from evenly.store import Stage

if TYPE_CHECKING:
    from pathlib import Path

    from evenly.workspace import Workspace


def write_one(item: int, folder: Path, *, pause_s: float = 0.0) -> int:
    """Write a file of `item` bytes."""
    time.sleep(pause_s)
    (folder / f"part-{item:05d}.bin").write_bytes(bytes([item % 256]) * (item + 1))
    return item + 1


def write_many(work: Workspace, *, n: int, pause_s: float = 0.0, upstream: Path | None = None) -> None:
    """Write n partitions, an intermediate step that is not kept, and a sum."""
    work.map(partial(write_one, pause_s=pause_s), range(n), name="draft", keep=False)
    sizes = work.map(partial(write_one, pause_s=pause_s), range(n), name="parts")
    (work.out / "sum.txt").write_text(f"{sum(sizes)} {upstream.name if upstream else ''}")
    work.record(rows=n, sizes=sizes)
    work.note(f"{n} parts")


def write_then_refuse(work: Workspace) -> None:
    """Leave something behind, then find the data bad."""
    (work.out / "half.txt").write_text("half")
    raise DataError("The data is bad.")


MANY = Stage("many", 1, write_many)
REFUSING = Stage("refusing", 1, write_then_refuse)
