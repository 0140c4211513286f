"""The figures of a comparison in, a table in the terminal out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from evenly.comparison.recommendation import LEVEL, metric_title, shown_points
from evenly.report.visible import clip_width, visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

__all__ = ["print_comparison"]

_MOST_NAME = 20
_DIFFERENCE = "points (95 %)"
_BESIDE: dict[str | None, tuple[str, ...]] = {
    "binary": ("f1_micro", "pr_auc_positive"),
    None: ("f1_micro", "f1_macro_tail", "pr_auc_macro"),
}


def print_comparison(console: Console, figures: Mapping[str, Any]) -> None:
    """Print what each strategy changed (p: Holm's), then the recommendation."""
    primary = figures["metric"]
    beside = _BESIDE.get(figures["task"], _BESIDE[None])
    others = [name for name in beside if name in figures["metrics"] and name != primary]
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    columns = (
        metric_title(primary),
        _DIFFERENCE,
        "p",
        *map(metric_title, others),
        "s",
    )
    for title in columns:
        longest = max(map(len, title.split()))  # no word of a title is cut
        table.add_column(Text(title), justify="right", no_wrap=title == _DIFFERENCE, min_width=longest)
    rows = [*figures["strategies"], *([figures["baseline"]] if figures["baseline"] else [])]
    for row in rows:
        table.add_row(*_cells(row, primary, others))
    console.print(table)
    for number, sentence in enumerate([*figures["recommendation"], *figures["cuts"]]):
        console.print(Text(visible(sentence), style="bold" if number == 0 else ""), soft_wrap=True)


def _cells(row: Mapping[str, Any], primary: str, others: list[str]) -> list[Text]:
    metrics, found = row["metrics"], row["differences"].get(primary)
    p = None if found is None else found.get("p_holm")
    established = p is not None and p < LEVEL
    cells = [
        _name(row["name"]),
        f"{metrics[primary]['value']:.3f}" if primary in metrics else "",
        _difference(found) if found is not None else "the same" if row.get("same_as") else "",
        "" if p is None else f"{p:.3f}",
        *(f"{metrics[name]['value']:.3f}" if name in metrics else "" for name in others),
        f"{row['seconds']:.1f}" if "seconds" in row else "",
    ]
    return [Text(cell, style="bold" if established else "") for cell in cells]


def _difference(found: Mapping[str, Any]) -> str:
    if found["low"] is None:
        return shown_points(found["value"])
    return f"{shown_points(found['value'])} ({shown_points(found['low'])} to {shown_points(found['high'])})"


def _name(name: str) -> str:
    return clip_width(visible(name), _MOST_NAME)
