"""The facts of a table in; how each of its files was read, and what the table is, out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evenly.formats import read_facts, read_label_names
from evenly.report.provenance import portable

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["describe_table", "read_dialects"]

_FACTS = ("text_columns", "rows_read", "rows_kept", "rows_rejected")
_KEYS = ("file", "format", "encoding", "delimiter", "quote", "header")


def describe_table(table: Path) -> dict[str, Any]:
    """Return `text_columns`, `rows_read`, `rows_kept`, `rows_rejected` and `n_labels` of a table."""
    facts = read_facts(table)
    return {name: facts[name] for name in _FACTS} | {"n_labels": len(read_label_names(table))}


def read_dialects(table: Path) -> list[dict[str, Any]]:
    """Return, for each file, `file`, `format`, `encoding`, `delimiter`, `quote` and `header`.

    What means nothing for the format of a file is null.
    """
    dialects = read_facts(table).get("dialects", [])
    return [{key: portable(dialect.get(key)) for key in _KEYS} for dialect in dialects]
