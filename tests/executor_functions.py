"""Functions for the tests of executors, importable by spawned processes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from evenly.errors import ColumnNotFoundError
from evenly.progress import Advanced, emit


def square(number: int) -> int:
    """Return its square."""
    return number * number


def nap(seconds: float) -> float:
    """Take the time."""
    time.sleep(seconds)
    return seconds


def tell(number: int) -> int:
    """Emit an event and return the square."""
    emit(Advanced("tell", 1, number, "things"))
    return number * number


def die(_: int) -> None:
    """End as a process does that the kernel kills."""
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(_: int) -> None:
    """Raise an error that has arguments of its own."""
    raise ColumnNotFoundError("txt", ["text", "label"], "t.csv")


def fail(_: int) -> None:
    """Fail as a defect does."""
    raise ZeroDivisionError


def pause(path: str, seconds: float = 600) -> None:
    """Write the process id, then wait."""
    Path(path).write_text(str(os.getpid()))
    time.sleep(seconds)
