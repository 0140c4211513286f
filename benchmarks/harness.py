"""Runs the contenders of a benchmark in fresh processes, alternating, and prints medians and ratios.

A contender is a top-level function of the benchmark's module: it takes the folder that `prepare` has filled, times
the part that counts and returns a `Timed`. The first one named is evenly; ratios are against it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ROOT", "Timed", "compare", "family_cpu_s", "family_memory", "machine", "start_clock"]

ROOT = Path(__file__).parents[1]
POLL_S = 0.05


@dataclass(frozen=True)
class Timed:
    """What one run gave: rows worked on, seconds it took, and further figures to print."""

    rows: int
    seconds: float
    figures: dict[str, float] = field(default_factory=dict)


def start_clock() -> float:
    """Return the time, once Python's collector has gone through what imports and warming up have left to it."""
    gc.collect()
    return time.perf_counter()


def compare(
    name: str, contenders: Sequence[str], folder: Path, *, rounds: int, only: Sequence[str] | None = None
) -> None:
    """Run every contender `rounds` times, in turns, and print a table."""
    chosen = [contender for contender in contenders if not only or contender in only]
    runs: dict[str, list[dict]] = {contender: [] for contender in chosen}
    for _ in range(rounds):
        for contender in chosen:
            runs[contender].append(_run(name, contender, folder))
    print(f"{name}: medians of {rounds} runs, {machine()}")
    print(f"{'':24} {'rows/s':>12} {'seconds':>9} {'peak MB':>8} {'ratio':>7}")
    base = statistics.median(run["seconds"] / run["rows"] for run in runs[chosen[0]])
    for contender, found in runs.items():
        seconds = statistics.median(run["seconds"] for run in found)
        per_row = statistics.median(run["seconds"] / run["rows"] for run in found)
        peak = max(run["peak_mb"] for run in found)
        figures = "  ".join(f"{key} {value:.4g}" for key, value in found[-1]["figures"].items())
        print(f"{contender:24} {1 / per_row:12,.0f} {seconds:9.3f} {peak:8,.0f} {per_row / base:7.2f}  {figures}")


def _run(name: str, contender: str, folder: Path) -> dict:
    """Run one contender in a process of its own; its peak counts its children too."""
    command = [sys.executable, "-m", "benchmarks.harness", name, contender, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ourselves
        peak = [0.0]
        watcher = threading.Thread(target=_watch, args=(process, peak))
        watcher.start()
        out, _ = process.communicate()
        watcher.join()
    if process.returncode:
        raise SystemExit(f"{name}: {contender} failed; see above")
    found = json.loads(out.splitlines()[-1])
    return found | {"peak_mb": max(peak[0], found["peak_mb"])}


def _watch(process: subprocess.Popen, peak: list[float]) -> None:
    """Keep the largest sum of resident memory of the process and its children (Linux; private and shared pages)."""
    while process.poll() is None:
        peak[0] = max(peak[0], family_memory(process.pid))
        time.sleep(POLL_S)


def family_memory(pid: int) -> float:
    """Return the megabytes that a process and all below it hold now."""
    return sum(_resident_mb(member) for member in _family(pid))


def family_cpu_s(pid: int) -> float:
    """Return the processor seconds that a process and all below it have used, those that have ended included."""
    ticks = 0
    for member in _family(pid):
        try:
            fields = Path(f"/proc/{member}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))  # its own, in user and system mode, and those of children that are gone
    return ticks / os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> list[int]:
    """Return a process and all below it; each thread has children of its own."""
    try:
        children = [
            int(child)
            for thread in Path(f"/proc/{pid}/task").iterdir()
            for child in (thread / "children").read_text().split()
        ]
    except OSError:
        return []
    return [pid, *(found for child in children for found in _family(child))]


def _resident_mb(pid: int) -> float:
    """Return anonymous and shared memory, without the pages of mapped files, which the system may drop."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    wanted = ("RssAnon:", "RssShmem:")
    return sum(int(line.split()[1]) for line in lines if line.startswith(wanted)) / 1024


def machine() -> str:
    """Return cores, processor and Python."""
    model = next((line.split(":")[1].strip() for line in _cpu_lines() if line.startswith("model name")), "unknown CPU")
    return f"{len(os.sched_getaffinity(0))} cores of {model}, Python {platform.python_version()}"


def _cpu_lines() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []


def _main(name: str, contender: str, folder: str) -> None:
    timed: Timed = getattr(importlib.import_module(f"benchmarks.{name}"), contender)(Path(folder))
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 if sys.platform != "linux" else 0.0
    print(json.dumps(asdict(timed) | {"peak_mb": usage}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
