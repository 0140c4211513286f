"""The figures of an inspection in, what a person sees in a terminal out: one screen, colour only where it warns.

The same lines go into a pipe, without colour; they depend on the figures and the width alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from evenly.inspection.bars import in_ascii, label_bars, length_bars
from evenly.inspection.findings import finding_table
from evenly.report.wording import TASKS, character_name
from evenly.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console, RenderableType

__all__ = ["print_glance", "print_warnings"]

_MOST_COLUMNS = 140
_SHOWN_ADVICE = 3
_SHOWN_FILES = 3
_SHOWN_REASONS = 5
_SHOWN_PAIRS = 5
_MOST_HELD = 5
_MOST_NAME = 32
_NAMES = 11
"""Columns of the names on the left, and below what a pair's rows and lift take."""
_NUMBERS = 28


def print_glance(console: Console, figures: Mapping[str, Any]) -> None:
    """Print an inspection; in a pipe without the spaces with which a terminal fills its lines."""
    console.width = min(console.width, _MOST_COLUMNS)
    with console.capture() as caught:
        console.print(Group(*_parts(figures, console.width)))
    lines = caught.get().splitlines()
    if not console.is_terminal:
        lines = [line.rstrip() for line in lines]
    if not console.encoding.startswith("utf"):
        lines = [in_ascii(line) for line in lines]
    print(*lines, sep="\n", file=console.file)


def print_warnings(console: Console, figures: Mapping[str, Any]) -> None:
    """Print a line for each warning, nothing else."""
    for each in figures["advice"]:
        if each["severity"] == "warning":
            console.print(f"[yellow]warning[/] {printable(each['sentence'])}", soft_wrap=True)


def _parts(figures: Mapping[str, Any], width: int) -> Iterator[RenderableType]:
    """Yield what stands one below the other, with an empty line between."""
    title = Text.from_markup(f"[bold]{printable(figures['title'])}[/]  ")
    yield title.append(f"{figures['task']}, {TASKS[figures['task']]}", style="dim")
    yield _grid(_facts(figures, width))
    yield from ("", "[bold]Texts[/]", finding_table(figures["findings"], width))
    yield from ("", "[bold]Labels[/]", label_bars(figures["labels"], width))
    yield from ("", _grid(_label_facts(figures, width)))
    yield from ("", _advice(figures))


def _grid(rows: Iterator[tuple[str, RenderableType]]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", width=_NAMES, no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, value)
    return grid


def _facts(figures: Mapping[str, Any], width: int) -> Iterator[tuple[str, RenderableType]]:
    table = figures["table"]
    yield (
        "rows",
        f"{table['rows_read']:,} read = {table['rows_kept']:,} kept + {table['rows_rejected']:,} rejected",
    )
    for reason in figures["rejects"]["reasons"][:_SHOWN_REASONS]:
        yield "", f"[yellow]{reason['count']:,}[/] {printable(reason['reason'])}{_first_place(reason)}"
    for name, each in zip(["source"] + [""] * _SHOWN_FILES, figures["source"][:_SHOWN_FILES], strict=False):
        yield name, printable(_describe_file(each))
    more = len(figures["source"]) - _SHOWN_FILES
    if more > 0:
        yield "", f"[dim]and {more:,} more files[/]"
    yield "text", printable(", ".join(table["text_columns"]))
    if figures["lengths"]["histogram"]:
        words, characters = figures["lengths"]["words"], figures["lengths"]["characters"]
        yield "words", f"{_range(words)}  {length_bars(figures['lengths']['histogram'], width)}"
        yield "characters", _range(characters)


def _first_place(reason: Mapping[str, Any]) -> str:
    first = reason["examples"][0]
    line = f" line {first['line']:,}" if first["line"] is not None else ""
    column = f" column {first['column']}" if first["column"] else ""
    return f"[dim], first {printable(first['file'] + line + column)}[/]"


def _describe_file(each: Mapping[str, Any]) -> str:
    parts = [each["format"], each["encoding"]]
    parts += [f"delimiter {character_name(each['delimiter'])}"] if each["delimiter"] is not None else []
    parts += [f"quote {character_name(each['quote'])}"] if each["quote"] is not None else []
    parts += ["no line of names"] if each["header"] is False else []
    return f"{each['file']}: {', '.join(part for part in parts if part)}"


def _range(lengths: Mapping[str, float]) -> str:
    median, low, high, longest = (f"{lengths[name]:,.0f}" for name in ("median", "q05", "q95", "largest"))
    return f"median {median}, 90 % from {low} to {high}, longest {longest}"


def _label_facts(figures: Mapping[str, Any], width: int) -> Iterator[tuple[str, RenderableType]]:
    measures, several = figures["statistics"], figures["task"] == "multilabel"
    names = ["mean_ir", "max_ir", "cvir", *(["scumble"] if several else [])]
    shown = (f"{_MEASURES[name]} {_figure(measures[name], name)}" for name in names)
    yield "imbalance", ", ".join(shown)
    if several:
        yield "a row", _held(figures)
    room = width - _NAMES - 2
    for each in figures["rare_labels"]:
        rows = f"{each['rows']} row" if each["rows"] == 1 else f"{each['rows']} rows"
        yield rows, _names(each, room)
    for name, pair in zip(["together"] + [""] * _SHOWN_PAIRS, figures["pairs"][:_SHOWN_PAIRS], strict=False):
        both = printable(f"{pair['label']} + {pair['other']}", room - _NUMBERS)
        yield name, f"{both}  {pair['rows']:,} rows, lift {pair['lift']:,.1f}"


_MEASURES = {"mean_ir": "MeanIR", "max_ir": "MaxIR", "cvir": "CVIR", "scumble": "SCUMBLE"}


def _figure(value: float | None, name: str) -> str:
    if value is None:
        return "-"
    return f"{value:,.1f}" if name in {"mean_ir", "max_ir"} else f"{value:.3f}"


def _held(figures: Mapping[str, Any]) -> str:
    """Return how many rows have how many labels; the long tail is one number."""
    held = figures["labels_per_row"]
    shown, rest = held[:_MOST_HELD], held[_MOST_HELD:]
    parts = [f"{each['labels']}: {each['rows']:,}" for each in shown]
    parts += [f"{rest[0]['labels']} or more: {sum(each['rows'] for each in rest):,}"] if rest else []
    measures = figures["statistics"]
    return (
        f"{measures['cardinality']:.2f} labels ({', '.join(parts)}), {measures['n_labelsets']:,} combinations, "
        f"{measures['n_labelsets_once']:,} of them once"
    )


def _names(rare: Mapping[str, Any], room: int) -> str:
    """Return how many labels there are, and as many of their names as fit on one line."""
    n_labels = rare["n_labels"]
    start = "1 label: " if n_labels == 1 else f"{n_labels:,} labels: "
    left = room - len(start) - len(f" and {n_labels:,} more")
    shown: list[str] = []
    for name in rare["labels"]:
        shown.append(printable(name, _MOST_NAME))
        left -= cell_len(shown[-1]) + len(", ")
        if left < 0 and len(shown) > 1:
            shown.pop()
            break
    more = n_labels - len(shown)
    return f"{start}{', '.join(shown)}" + (f" [dim]and {more:,} more[/]" if more else "")


def _advice(figures: Mapping[str, Any]) -> RenderableType:
    advice = figures["advice"]
    if not advice:
        return Text("Nothing was found that has to be mended before you train.", style="green")
    grid = Table.grid(padding=(0, 1))
    for number, each in enumerate(advice[:_SHOWN_ADVICE], start=1):
        grid.add_row(f"[bold]{number}[/]", printable(each["sentence"]))
    more = len(advice) - _SHOWN_ADVICE
    if more > 0:
        grid.add_row("", f"[dim]and {more:,} more: --html FILE shows all[/]")
    urgent = any(each["severity"] == "warning" for each in advice)
    return Panel(grid, title="[bold]What to do[/]", title_align="left", border_style="yellow" if urgent else "dim")
