"""How long one waits before anything happens: an import, the help, a run in which everything is there already.

Each is timed from outside, from the start of a process to its end; `bare_python` is a process that does nothing.
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from benchmarks.harness import Timed
from benchmarks.whole_run import measure_run, write_inputs

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 2_000
CONTENDERS = ("import_evenly", "evenly_help", "all_reused", "bare_python")
UNTIL = ("--until", "synthetic", "--no-prefect", "--quiet")


def prepare(folder: Path, rows: int, corpus: Path | None) -> None:
    """Prepare a small table, so that a run finds all there."""
    write_inputs(folder, rows, corpus)
    measure_run(folder)


def import_evenly(folder: Path) -> Timed:  # noqa: ARG001 - the signature of all
    """``import evenly``."""
    return _time("-c", "import evenly")


def evenly_help(folder: Path) -> Timed:  # noqa: ARG001 - the signature of all
    """``evenly --help``."""
    return _time("-m", "evenly", "--help")


def all_reused(folder: Path) -> Timed:
    """``evenly run --no-prefect`` with every artifact there: checksums are verified."""
    return _time("-m", "evenly", "run", str(folder / "config.yaml"), *UNTIL)


def bare_python(folder: Path) -> Timed:  # noqa: ARG001 - the signature of all
    """What no program can go below."""
    return _time("-c", "pass")


def _time(*arguments: str) -> Timed:
    command = [sys.executable, *arguments]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - ourselves
    return Timed(1, time.perf_counter() - started)
