"""Of what a model was made: the artifacts behind it, by digest and in counts, kept in its own folder.

Comes in: the artifacts that the stage ``model`` takes. Goes out: ``lineage.json``: for each its `digest` (as its
manifest has it), `stage_version`, `rows`, `params` and the facts that are short; and `train_rows`, how many train rows
hold each label, by id. No path and no time is in it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from evenly.formats import write_json
from evenly.manifest import canonical_json, read_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["LINEAGE_FILE", "collect_lineage", "read_lineage", "write_lineage"]

LINEAGE_FILE = "lineage.json"
_MOST_CHARACTERS = 2_000


def write_lineage(folder: Path, artifacts: Mapping[str, Path]) -> None:
    """Write ``lineage.json`` into the folder of a model."""
    write_json(folder / LINEAGE_FILE, collect_lineage(artifacts))


def collect_lineage(artifacts: Mapping[str, Path]) -> dict[str, Any]:
    """Return what `write_lineage` writes.

    Parameters
    ----------
    artifacts
        Names of stages to folders; ``split`` must be among them.
    """
    labels = pq.read_table(artifacts["split"] / "labels.parquet", columns=["id", "train"]).sort_by("id")
    return {
        "artifacts": {name: _describe(path) for name, path in artifacts.items()},
        "train_rows": labels["train"].to_pylist(),
    }


def _describe(path: Path) -> dict[str, Any]:
    manifest = read_manifest(path)
    return {
        "digest": manifest.digest,
        "stage_version": manifest.stage_version,
        "inputs": manifest.inputs,
        "rows": manifest.rows,
        "params": manifest.params,
        "facts": {name: fact for name, fact in manifest.facts.items() if len(canonical_json(fact)) < _MOST_CHARACTERS},
    }


def read_lineage(folder: Path) -> dict[str, Any]:
    """Read ``lineage.json``."""
    found: dict[str, Any] = json.loads((folder / LINEAGE_FILE).read_text(encoding="utf-8"))
    return found
