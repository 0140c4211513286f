"""Rows that do not get in: where they stand and why.

In: one reject a bad row, from the reader (wrong width, invalid UTF-8, a stray quote, bad JSON) or from the checks
(no text, no label). Out: ``rejects.parquet``: `file` (name), `line` (from 1, as an editor counts; of a parquet
file the row; null where it is not known), `column`, `reason`, `raw` (the first 1,000 characters).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa

__all__ = ["INVALID_UTF8", "REJECTS_SCHEMA", "Reject", "RejectLog"]

INVALID_UTF8 = "invalid UTF-8"
REJECTS_SCHEMA = pa.schema(
    {
        "file": pa.string(),
        "line": pa.int64(),
        "column": pa.string(),
        "reason": pa.string(),
        "raw": pa.string(),
    }
)
_MOST_CHARACTERS = 1_000


class Reject(NamedTuple):
    """One row that was refused."""

    line: int | None
    column: str | None
    reason: str
    raw: str


@dataclass
class RejectLog:
    """The rejects of one file."""

    file: str
    rejects: list[Reject] = field(default_factory=list)

    def add(self, reject: Reject) -> None:
        """Keep a reject, its raw text cut."""
        self.rejects.append(reject._replace(raw=reject.raw[:_MOST_CHARACTERS]))

    def reasons(self) -> dict[str, int]:
        """Return how many there are of each reason, most first."""
        return dict(Counter(reject.reason for reject in self.rejects).most_common())

    def to_table(self) -> pa.Table:
        """Return them in the order of their lines, those without a line last."""
        last = float("inf")
        ordered = sorted(self.rejects, key=lambda reject: last if reject.line is None else reject.line)
        columns = list(zip(*ordered, strict=True)) or [()] * len(Reject._fields)
        files = [self.file] * len(ordered)
        return pa.table([pa.array(column) for column in (files, *columns)], REJECTS_SCHEMA.names).cast(REJECTS_SCHEMA)
