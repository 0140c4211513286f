"""What a run looks like: a line a stage, a bar while it works; plain lines in a pipe, nothing with ``--quiet``.

In a pipe a stage that takes long says every half minute how far it has come, on the standard error output.
"""

from __future__ import annotations

import io
import shlex
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from evenly.progress import Advanced, Event, Finished, Started, Waiting, observing
from evenly.report.visible import clip_width
from evenly.store import logs_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import TaskID

__all__ = ["open_console", "printable", "show_progress", "show_result", "show_run", "shown"]

_EVERY_S = 30.0
_KEY_FIGURES = {
    "f1_macro": "macro-F1",
    "f1_micro": "micro-F1",
    "f1_positive": "F1 of the rare class",
    "pr_auc_macro": "macro PR-AUC",
    "pr_auc_positive": "PR-AUC of the rare class",
}
_MEASURED = {
    "test": "test",
    "validation": "validation",
    "TF-IDF + lr (test)": "baseline",
    "prior (test)": "baseline_prior",
}


def shown(text: str, n_columns: int | None = None) -> str:
    """Return text from outside with its control characters made visible.

    Parameters
    ----------
    text
        Whatever a file holds.
    n_columns
        What does not fit is cut, with an ellipsis; None: all of it.
    """
    visible = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return visible if n_columns is None else clip_width(visible, n_columns)


def printable(text: str, n_columns: int | None = None) -> str:
    """Return text as `shown` does, with rich's markup made harmless, too."""
    return escape(shown(text, n_columns))


def open_console(*, stderr: bool = False) -> Console:
    """Return a console that colours nothing of its own accord and can write any character to any terminal."""
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return Console(highlight=False, stderr=stderr)


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[None]:
    """Show a bar for the stage under way on the standard error output, if that is a terminal; nothing stays."""
    console = open_console(stderr=True)
    if quiet or not console.is_terminal:
        yield
        return
    with _Bars(console, lines=False) as bars, observing(bars):
        yield


@contextmanager
def show_run(*, quiet: bool) -> Iterator[None]:
    """Show the events of the body."""
    if quiet:
        yield
        return
    console = Console(highlight=False, soft_wrap=True)
    if console.is_terminal:
        with _Bars(console) as bars, observing(bars):
            yield
    else:
        with observing(_Lines(console, _Pace(open_console(stderr=True)))):
            yield


class _Pace:
    """How far the stage under way has come: a line at most every `_EVERY_S` seconds."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.started = self.told = time.monotonic()

    def __call__(self, event: Event) -> None:
        now = time.monotonic()
        if isinstance(event, Started):
            self.started = self.told = now
        elif isinstance(event, Advanced) and now - self.told >= _EVERY_S:
            self.told = now
            detail = f", {printable(event.detail)}" if event.detail else ""
            left = _describe_left(now - self.started, event.done, event.total)
            line = f"{event.stage:<10} {event.done:,} of {event.total:,} {event.unit}{detail}{left}"
            self.console.print(line, soft_wrap=True)


def _describe_left(passed_s: float, done: int, total: int) -> str:
    """Return how long the rest takes at the pace so far, which early stopping may cut short."""
    return f", at most {passed_s * (total - done) / done:,.0f} s left" if done else ""


class _Lines:
    """One plain line for each finished stage; those of `pace` in between."""

    def __init__(self, console: Console, pace: _Pace | None = None) -> None:
        self.console = console
        self.pace = pace

    def __call__(self, event: Event) -> None:
        if self.pace is not None:
            self.pace(event)
        if isinstance(event, Finished):
            self._print_finished(event)
        elif isinstance(event, Waiting):
            self.console.print(f"{event.stage:<10} waiting for another process that builds it")

    def _print_finished(self, event: Finished) -> None:
        what = "reused" if event.reused else "built"
        rows = "" if event.rows is None else f"{event.rows:,} rows"
        style = "dim" if event.reused else "bold green"
        self.console.print(f"[bold]{event.stage:<10}[/] [{style}]{what:<7}[/] {rows:>14} {event.seconds:8.1f} s")
        if event.why:
            self.console.print(f"{'':<10} [yellow]the old one was damaged: {printable(event.why)}[/]")
        for note in event.notes:
            self.console.print(f"{'':<10} [dim]{printable(note)}[/]")


class _Bars(_Lines):
    """The same lines (where `lines`), and a bar below them for the stage under way."""

    def __init__(self, console: Console, *, lines: bool = True) -> None:
        super().__init__(console)
        self.lines = lines
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("[bold]{task.description:<10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[detail]}"),
            console=console,
            transient=True,
        )
        self.bar: TaskID | None = None

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            self._drop_bar()
            self.bar = self.progress.add_task(event.stage, total=None, unit="", detail="")
        elif isinstance(event, Advanced) and self.bar is not None:
            self.progress.update(
                self.bar,
                completed=event.done,
                total=event.total,
                unit=event.unit,
                detail=printable(event.detail),
            )
        elif isinstance(event, Finished):
            self._drop_bar()
        if self.lines:
            super().__call__(event)

    def _drop_bar(self) -> None:
        if self.bar is not None:
            self.progress.remove_task(self.bar)
            self.bar = None


def show_result(result: dict[str, Any]) -> None:
    """Print the key figures beside the baseline, and where the curves of the training and the report are."""
    console = Console(highlight=False, soft_wrap=True)
    metrics = result.get("metrics", {})
    names = [name for name in _KEY_FIGURES if f"test/{name}" in metrics]
    if names:
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("")
        for column in _MEASURED:
            table.add_column(column, justify="right")
        for name in names:
            cells = [metrics.get(f"{prefix}/{name}") for prefix in _MEASURED.values()]
            table.add_row(_KEY_FIGURES[name], *("" if cell is None else f"{cell:.3f}" for cell in cells))
        console.print(table)
    if "model" in result and logs_of(Path(result["model"])).is_dir():
        curves = printable(shlex.quote(str(logs_of(Path(result["model"])))))
        console.print(f"[bold]curves[/]  tensorboard --logdir {curves}")
    last = "report" if "report" in result else "model" if metrics else list(result)[-1]
    shown = Path(result["report"]) / "report.html" if "report" in result else Path(result[last])
    console.print(f"[bold]{last}[/]  {printable(str(shown))}")
