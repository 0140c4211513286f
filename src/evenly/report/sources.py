"""The artifacts that a report is made of, and how single files of them are read."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Sources", "plain", "read_columns", "read_json"]

_DIGITS = 6


@dataclass(frozen=True)
class Sources:
    """The folders of the artifacts, in the order of the run."""

    table: Path
    checks: Path
    split: Path
    stats: Path
    weights: Path
    plan: Path
    shards: Path
    model: Path

    def __iter__(self) -> Iterator[Path]:
        """Yield the folders."""
        return iter((self.table, self.checks, self.split, self.stats, self.weights, self.plan, self.shards, self.model))


def read_json(path: Path) -> Any:
    """Return what a JSON file holds."""
    return json.loads(path.read_text(encoding="utf-8"))


def read_columns(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a small parquet file as plain values."""
    rows: list[dict[str, Any]] = plain(pq.read_table(path).to_pylist())
    return rows


def plain(value: Any) -> Any:
    """Return a JSON value: floats rounded to 6 decimals, None for what is not a number."""
    if isinstance(value, float):
        return round(value, _DIGITS) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value
