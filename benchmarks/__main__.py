"""Measure evenly beside what users would pick instead: ``python -m benchmarks NAME [--rows N] [--rounds N]``.

Every contender of a benchmark runs in a fresh process, they alternate, and medians are printed with the ratio to
evenly, the peak of resident memory and the machine. ``--corpus FILE.csv`` uses a table of your own with the columns
text and labels (joined by |); else one is made (`benchmarks.corpus`). Peers: ``benchmarks/requirements.txt``.
"""

from __future__ import annotations

import argparse
import tempfile
from importlib import import_module
from pathlib import Path

from benchmarks.harness import compare

NAMES = (
    "ingest",
    "split",
    "statistics",
    "duplicates",
    "near_duplicates",
    "random_over",
    "ml_ros",
    "mlsmote",
    "tokenize",
    "dask_overhead",
    "feed",
    "step_rate",
    "end_to_end",
    "stages",
    "start_up",
)


def main() -> None:
    """Read the command line and print the figures of one benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--rows", type=int, nargs="*", help="rows of the table; the benchmark's own where left out")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each contender")
    parser.add_argument("--corpus", type=Path, help="a CSV with the columns text and labels")
    parser.add_argument("--only", nargs="*", help="contenders to run")
    given = parser.parse_args()
    benchmark = import_module(f"benchmarks.{given.name}")
    if hasattr(benchmark, "report"):
        benchmark.report(given.rows or benchmark.ROWS, rounds=given.rounds, corpus=given.corpus)
        return
    rows = given.rows[0] if given.rows else benchmark.ROWS
    with tempfile.TemporaryDirectory(prefix="evenly-bench-") as folder:
        benchmark.prepare(Path(folder), rows, given.corpus)
        compare(given.name, benchmark.CONTENDERS, Path(folder), rounds=given.rounds, only=given.only)


if __name__ == "__main__":
    main()
