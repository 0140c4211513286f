"""What was found in the texts in, a table with one example each out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table

from evenly.report.visible import clip_width
from evenly.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

__all__ = ["finding_table"]

_MARKS = {"warning": "[bold yellow]![/]", "note": "·", "ok": "·"}
_LEAST_EXAMPLE = 24
_FIXED = 16
"""Columns that mark, rows, cases and the gaps between them take."""


def finding_table(findings: Sequence[Mapping[str, Any]], width: int) -> RenderableType:
    """Return a row for each finding, and a line that names what was looked for in vain or not at all."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("", "found", "rows", "cases", "such as"):
        table.add_column(heading, justify="right" if heading in {"rows", "cases"} else "left", no_wrap=True)
    found = [finding for finding in findings if finding["rows"]]
    room = width - _FIXED - max((len(finding["title"]) for finding in found), default=0) - 6
    for finding in found:
        table.add_row(
            _MARKS[finding["severity"]],
            printable(finding["title"]),
            f"{finding['rows']:,}",
            f"{finding['cases']:,}",
            f"[dim]{_example(finding, max(room, _LEAST_EXAMPLE))}[/]",
        )
    nothing = [finding["title"] for finding in findings if finding["looked"] and not finding["rows"]]
    skipped = [finding["title"] for finding in findings if not finding["looked"]]
    lines = [f"[dim]{text}: {printable('; '.join(names))}[/]" for text, names in _rest(nothing, skipped) if names]
    return Group(*([table] if found else []), *lines)


def _rest(nothing: list[str], skipped: list[str]) -> tuple[tuple[str, list[str]], ...]:
    return ("looked for, not found", nothing), ("not looked for", skipped)


def _example(finding: Mapping[str, Any], room: int) -> str:
    """Return the first example on one line."""
    if not finding["examples"]:
        return ""
    example = finding["examples"][0]
    if example["spellings"]:
        names = ", ".join(f"{each['label']!r} {each['rows']:,}" for each in example["spellings"])
        return printable(names, room)
    after = clip_width(_after(finding, example), room // 2)
    text = " ".join((example["text"] or "").split())
    return f"{printable(text, max(room - len(after) - 2, 8))}  {printable(after)}"


def _after(finding: Mapping[str, Any], example: Mapping[str, Any]) -> str:
    """Return what makes the example one: its labels, splits, words, or how often it is there."""
    if finding["name"] in {"conflicting_labels", "near_conflicts", "text_is_label"}:
        return " / ".join(", ".join(labels) or "none" for labels in example["held"])
    if example["splits"]:
        return " / ".join(dict.fromkeys(filter(None, example["splits"])))
    if example["words"]:
        return f"{example['words'][0]:,} words"
    return f"{example['n_rows']:,} x"
