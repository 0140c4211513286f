"""What was found in the texts in, a table with one example each out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from evenly.report.visible import clip_width
from evenly.terminal import printable, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import RenderableType

__all__ = ["finding_table"]

_MARKS = {"warning": "[bold yellow]![/]", "note": "·", "ok": "·"}
_LEAST_EXAMPLE = 24
_GAP = 2


def finding_table(findings: Sequence[Mapping[str, Any]], width: int) -> RenderableType:
    """Return a row for each finding, and a line that names what was looked for in vain or not at all."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("", *_HEADINGS, "such as"):
        table.add_column(heading, justify="right" if heading in {"rows", "cases"} else "left", no_wrap=True)
    found = [finding for finding in findings if finding["rows"]]
    rows = [(shown(each["title"]), f"{each['rows']:,}", f"{each['cases']:,}") for each in found]
    taken = sum(max(map(cell_len, column)) + _GAP for column in zip(_HEADINGS, *rows, strict=True))
    room = max(width - len("!") - _GAP - taken, _LEAST_EXAMPLE)
    for finding, cells in zip(found, rows, strict=True):
        table.add_row(_MARKS[finding["severity"]], *map(escape, cells), f"[dim]{_example(finding, room)}[/]")
    return Group(*([table] if found else []), *_lines(findings))


def _lines(findings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what was looked for in vain, and what could be looked for if it were asked for."""
    nothing = [finding["title"] for finding in findings if finding["looked"] and not finding["rows"]]
    if nothing:
        yield f"[dim]looked for, not found: {printable('; '.join(nothing))}[/]"
    for finding in findings:
        if finding["name"] == "near_duplicates" and not finding["looked"]:
            yield f"[dim]not looked for: {printable(finding['title'])} (--near-duplicates 0.8)[/]"


_HEADINGS = ("found", "rows", "cases")


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
    return f"{printable(text, max(room - cell_len(after) - _GAP, 8))}  {printable(after)}"


def _after(finding: Mapping[str, Any], example: Mapping[str, Any]) -> str:
    """Return what makes the example one: its labels, splits, words, or how often it is there."""
    if finding["name"] in {"conflicting_labels", "near_conflicts", "text_is_label"}:
        return " / ".join(", ".join(labels) or "none" for labels in example["held"])
    if example["splits"]:
        return " / ".join(dict.fromkeys(filter(None, example["splits"])))
    if example["words"]:
        return f"{example['words'][0]:,} words"
    return f"{example['n_rows']:,} x"
