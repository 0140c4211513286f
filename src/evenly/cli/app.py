"""The command itself: what every subcommand shares, how errors are told, how Ctrl-C ends it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from evenly import __version__
from evenly.errors import EvenlyError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["app", "main"]

app = typer.Typer(
    name="evenly",
    help="Make imbalanced text tables ready for training, and train on them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
INTERRUPT_GRACE_S = 3.0


def main() -> None:
    """Run the command line."""
    with _leaving_soon_when_interrupted() as interrupted:
        try:
            app()
        except EvenlyError as error:
            if "--debug" in sys.argv:
                raise
            typer.secho(f"evenly: {_printable(str(error))}", err=True, fg="red")
            sys.exit(EXIT_BAD_INPUT)
        except (KeyboardInterrupt, SystemExit):
            if interrupted.is_set():
                sys.exit(EXIT_INTERRUPTED)
            raise


def _printable(message: str) -> str:
    """Return a message whose names of files and labels cannot steer the terminal; line ends stay."""
    from evenly.terminal import shown

    return "\n".join(shown(line) for line in message.splitlines())


@contextmanager
def _leaving_soon_when_interrupted() -> Iterator[threading.Event]:
    """Let Ctrl-C end the body within seconds; the event tells whether it came.

    Ctrl-C reaches Prefect's own server too, and Prefect then tries for a minute to tell it what happened. Nothing
    is lost by not waiting: a build may be killed at any moment.
    """
    interrupted = threading.Event()

    def leave(_number: int, _frame: object) -> None:
        interrupted.set()
        typer.echo("evenly: interrupted; what is finished is kept, the same command goes on from there.", err=True)
        timer = threading.Timer(INTERRUPT_GRACE_S, os._exit, [EXIT_INTERRUPTED])
        timer.daemon = True
        timer.start()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, leave)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"evenly {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
