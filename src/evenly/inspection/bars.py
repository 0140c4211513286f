"""Labels and lengths in, bars made of characters out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.table import Table

from evenly.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["bar", "label_bars", "length_bars", "shown_ranks"]

_EIGHTHS = " ▏▎▍▌▋▊▉"
_STEPS = "▁▂▃▄▅▆▇█"
_HEAD, _MIDDLE, _TAIL = 8, 6, 6
_MOST_NAME = 36
_MOST_BAR = 60
_NUMBERS = 34
"""Columns that rank, rows, share and IRLbl take."""


def label_bars(labels: Sequence[Mapping[str, Any]], width: int) -> Table:
    """Return a bar chart of the labels, most frequent first; of many the head, the tail and a few between.

    Parameters
    ----------
    labels
        With `name`, `rows`, `share` and `irlbl`, most frequent first.
    width
        Columns of the terminal.
    """
    ranks = shown_ranks(len(labels))
    names = {rank: printable(labels[rank]["name"], _MOST_NAME) for rank in ranks}
    room = width - _NUMBERS - max((cell_len(name) for name in names.values()), default=0)
    largest = max((label["rows"] for label in labels), default=0)
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("#", "label", "rows", "share", "IRLbl", ""):
        table.add_column(heading, justify="left" if heading in {"label", ""} else "right", no_wrap=True)
    for rank in ranks:
        label = labels[rank]
        table.add_row(
            f"[dim]{rank + 1:,}[/]",
            names[rank],
            f"{label['rows']:,}",
            f"{label['share']:.1%}",
            "-" if label["irlbl"] is None else f"{label['irlbl']:,.1f}",
            bar(label["rows"], largest, min(max(room, 8), _MOST_BAR)),
        )
    return table


def shown_ranks(n_labels: int) -> list[int]:
    """Return which of the labels, most frequent first, are shown: all of 20, else head, tail and some between."""
    if n_labels <= _HEAD + _MIDDLE + _TAIL:
        return list(range(n_labels))
    between = n_labels - _HEAD - _TAIL
    middle = [_HEAD + between * (2 * at + 1) // (2 * _MIDDLE) for at in range(_MIDDLE)]
    return [*range(_HEAD), *middle, *range(n_labels - _TAIL, n_labels)]


def bar(value: int, largest: int, width: int) -> str:
    """Return a bar of `value` / `largest` of the width, to an eighth of a character; what is not 0 can be seen."""
    eighths = round(8 * width * value / max(largest, 1))
    full, rest = divmod(max(eighths, 1 if value else 0), 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def length_bars(histogram: Sequence[Mapping[str, int]], width: int) -> str:
    """Return a histogram of one line with the lengths at its ends, or nothing where the terminal is narrow."""
    if len(histogram) + _ROOM_OF_LENGTHS > width:
        return ""
    largest = max(each["rows"] for each in histogram)
    steps = "".join(_STEPS[_level(each["rows"], largest)] if each["rows"] else " " for each in histogram)
    return f"[dim]{histogram[0]['first']:,}[/] {steps} [dim]{histogram[-1]['last']:,}[/]"


_ROOM_OF_LENGTHS = 70


def _level(rows: int, largest: int) -> int:
    return min(len(_STEPS) - 1, len(_STEPS) * rows // largest)
