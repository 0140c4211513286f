"""Runs over small tables, of everything but the model: many partitions, all kinds of artifacts, no TensorFlow.

As a program, for tests that kill it: ``python small_runs.py CONFIG STAGE``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import yaml

from evenly.config import RunConfig, load_config
from evenly.flows.steps import cut_after, prepare_steps, train_steps
from evenly.flows.walk import walk_steps
from small_tables import multilabel_rows, write_csv

if TYPE_CHECKING:
    from pathlib import Path

    from evenly.store import Artifact

SETTINGS = {
    "resample": {"method": "mlsmote", "target_ir": 3},
    "checks": {"near_duplicates": 0.8},
    "executor": {"workers": 1},
}


def write_run(folder: Path, *, n_files: int = 1, rows_a_file: int = 300, **settings: Any) -> Path:
    """Write tables and a config whose store is `folder / "store"`; return the path of the config."""
    for number in range(n_files):
        rows = [[text, "|".join(held)] for text, held in multilabel_rows(rows_a_file, seed=number)]
        write_csv(folder / f"genres-{number}.csv", ["text", "genres"], rows)
    source = {"files": "genres-*.csv", "text": "text", "labels": {"columns": "genres"}, "partition_rows": 1_000}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({"source": source, "store": "store", **SETTINGS, **settings}))
    return path


def run_until(config: RunConfig, last: str = "baseline") -> dict[str, Artifact]:
    """Build or reuse the artifacts up to a stage."""
    steps = cut_after([*prepare_steps(config), *train_steps(config)], last)
    return walk_steps(config, steps, {})


def digests(made: dict[str, Artifact]) -> dict[str, str]:
    """Return what the artifacts hold, by stage."""
    return {stage: artifact.digest for stage, artifact in made.items()}


if __name__ == "__main__":
    run_until(load_config(sys.argv[1]), sys.argv[2])
