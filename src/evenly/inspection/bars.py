"""Labels and lengths in, bars made of characters out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.markup import escape
from rich.table import Table

from evenly.terminal import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["bar", "in_ascii", "label_bars", "length_bars", "shown_ranks"]

_EIGHTHS = " ▏▎▍▌▋▊▉"
_STEPS = "▁▂▃▄▅▆▇█"
_ASCII = str.maketrans("█▉▊▋▌▍▎▏▁▂▃▄▅▆▇·…", "########.:-=+*#-~")
_HEAD, _MIDDLE, _TAIL = 8, 6, 6
_MOST_NAME = 36
_LEAST_BAR, _MOST_BAR = 8, 60
_GAP = 2


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
    rows = [_cells(rank, labels[rank]) for rank in ranks]
    taken = sum(max(map(cell_len, column)) + _GAP for column in zip(_HEADINGS, *rows, strict=True))
    room = min(max(width - taken, _LEAST_BAR), _MOST_BAR)
    largest = max((label["rows"] for label in labels), default=0)
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in (*_HEADINGS, ""):
        table.add_column(heading, justify="left" if heading in {"label", ""} else "right", no_wrap=True)
    for rank, cells in zip(ranks, rows, strict=True):
        table.add_row(*map(escape, cells), bar(labels[rank]["rows"], largest, room))
    return table


_HEADINGS = ("#", "label", "rows", "share", "IRLbl")


def _cells(rank: int, label: Mapping[str, Any]) -> tuple[str, ...]:
    ratio = "-" if label["irlbl"] is None else f"{label['irlbl']:,.1f}"
    return f"{rank + 1:,}", shown(label["name"], _MOST_NAME), f"{label['rows']:,}", f"{label['share']:.1%}", ratio


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


def in_ascii(line: str) -> str:
    """Return a line with its bars in characters that every terminal has."""
    return line.translate(_ASCII)
