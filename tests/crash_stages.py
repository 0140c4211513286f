"""Stages that tell when they are at work, so that a test can strike in the middle of a partition."""

from __future__ import annotations

import os
import time
import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from evenly.errors import WorkerDiedError
from evenly.store import Stage

if TYPE_CHECKING:
    from evenly.workspace import Workspace


def write_slowly(item: int, folder: Path, *, log: str, pause_s: float) -> int:
    """Write half of a file, tell of it and wait, then write the other half."""
    path = folder / f"{item:05d}.bin"
    path.write_bytes(b"first half ")
    (Path(log) / f"{item}.{os.getpid()}.{uuid.uuid4().hex[:8]}").touch()
    time.sleep(pause_s)
    with path.open("ab") as stream:
        stream.write(str(item).encode())
    return item


def write_all(work: Workspace, *, n: int, log: str, pause_s: float) -> None:
    """Write n files."""
    work.map(partial(write_slowly, log=log, pause_s=pause_s), range(n), name="parts")


SLOW = Stage("slow", 1, write_all)


def attempts(log: Path) -> list[tuple[int, int]]:
    """Return the partition and the process of every attempt so far."""
    parts = [path.name.split(".") for path in log.iterdir()]
    return [(int(item), int(process)) for item, process, _ in parts]


def wait_for_attempts(log: Path, n: int, process: int | None = None) -> None:
    """Return once there are n attempts, of one process where it is given."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if sum(process in {None, found} for _, found in attempts(log)) >= n:
            return
        time.sleep(0.005)
    raise TimeoutError(f"{log}: {attempts(log)}")


def read_logged(item: int, folder: Path, *, source: Path, log: str) -> None:
    """Copy the source, and tell of it; the first attempt at the second item dies."""
    n_before = len(list(Path(log).iterdir()))
    (Path(log) / f"{item}.{uuid.uuid4().hex[:8]}").touch()
    if n_before == 1:
        raise WorkerDiedError("as if the process had been killed")
    (folder / f"{item}.txt").write_text(source.read_text())


def read_all(work: Workspace, *, files: tuple[Path, ...], log: str) -> None:
    """Copy the source twice."""
    work.map(partial(read_logged, source=files[0], log=log), range(2), name="parts")


LOGGED_READ = Stage("logged", 1, read_all)
