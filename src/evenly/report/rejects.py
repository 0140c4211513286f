"""The rejects of a table in; how many rows were refused for which reason, with examples, out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from evenly.report.provenance import portable
from evenly.report.visible import clip

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

__all__ = ["read_rejects"]

_N_REASONS = 12
_N_EXAMPLES = 3
_N_CHARACTERS = 300


def read_rejects(table: Path) -> dict[str, Any]:
    """Return the number of rejected rows and the commonest reasons, each with its first rows.

    One batch of the file is held at a time.
    """
    counts: Counter[str] = Counter()
    examples: dict[str, list[dict[str, Any]]] = {}
    with pq.ParquetFile(table / "rejects.parquet") as stream:
        for batch in stream.iter_batches():
            _add_batch(batch, counts, examples)
    reasons: list[dict[str, Any]] = [
        {"reason": reason, "count": count, "examples": examples[reason]}
        for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_N_REASONS]
    ]
    total = counts.total()
    return {"count": total, "reasons": reasons, "other": total - sum(each["count"] for each in reasons)}


def _add_batch(batch: pa.RecordBatch, counts: Counter[str], examples: dict[str, list[dict[str, Any]]]) -> None:
    reasons = batch.column("reason").to_pylist()
    counts.update(reasons)
    for at, reason in enumerate(reasons):
        kept = examples.setdefault(reason, [])
        if len(kept) < _N_EXAMPLES:
            row = batch.slice(at, 1).to_pylist()[0]
            raw = clip(row["raw"] or "", _N_CHARACTERS)
            kept.append({"file": portable(row["file"]), "line": row["line"], "column": row["column"], "raw": raw})
