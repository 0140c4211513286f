"""Seconds and memory of every stage of a preparation at several sizes, and how they grow with the rows.

``python -m benchmarks stages [--rows 10000 100000 1000000] [--corpus FILE.csv]``: a run a size, each in a fresh
process with an empty store. Exponents are those of time in rows^exponent, from each size to the next; a stage that
takes under a tenth of a second in the smaller run has none. Memory is that of all processes together, ``cpu`` their
processor seconds, which other work on the machine changes less.
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.harness import machine
from benchmarks.whole_run import Measured, measure_run, write_inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ROWS", "report"]

ROWS = (10_000, 100_000, 1_000_000)
SHORTEST_S = 0.1


def report(sizes: Sequence[int], *, rounds: int, corpus: Path | None) -> None:
    """Print the table: the fastest of `rounds` runs of each size."""
    runs = [min((_run(rows, corpus) for _ in range(rounds)), key=_total) for rows in sizes]
    print(f"stages: the fastest of {rounds} run{'s' * (rounds > 1)}, {machine()}")
    print(
        f"{'':12}" + "".join(f"{f'{rows:,} rows':>32}" for rows in sizes) + f"{'exponents':>{2 + 8 * (len(sizes) - 1)}}"
    )
    for stage in runs[0]:
        _print_row(stage, [run[stage] for run in runs], sizes)
    _print_row("total", [_sum(run) for run in runs], sizes)


def _run(rows: int, corpus: Path | None) -> dict[str, Measured]:
    with tempfile.TemporaryDirectory(prefix="evenly-bench-") as folder:
        write_inputs(Path(folder), rows, corpus)
        return measure_run(Path(folder))


def _total(run: dict[str, Measured]) -> float:
    return sum(stage.seconds for stage in run.values())


def _sum(run: dict[str, Measured]) -> Measured:
    cpu_s, memory_mb = sum(stage.cpu_s for stage in run.values()), max(stage.memory_mb for stage in run.values())
    return Measured(_total(run), cpu_s, memory_mb, reused=False)


def _print_row(name: str, found: Sequence[Measured], sizes: Sequence[int]) -> None:
    cells = "".join(f"{one.seconds:10.2f} s {one.cpu_s:7.2f} cpu {one.memory_mb:6,.0f} MB" for one in found)
    seconds = [one.seconds for one in found]
    growth = [
        f"{math.log(later / first) / math.log(rows / fewer):8.2f}" if first >= SHORTEST_S else f"{'-':>8}"
        for first, later, fewer, rows in zip(seconds, seconds[1:], sizes, sizes[1:], strict=False)
    ]
    print(f"{name:12}{cells}  {''.join(growth)}", flush=True)
