"""The command that sets remedies side by side: ``compare``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from evenly.cli.app import app
from evenly.cli.options import Config, Debug, Quiet, Settings, StorePlace, parse_overrides

__all__ = ["compare"]


@app.command()
def compare(
    config: Config,
    strategy: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="One of the strategies, again for another; else compare.strategies, or all."),
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, max=100, help="Models a strategy; else compare.seeds.")] = None,
    budget: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="MINUTES", help="For training: cuts epochs, then rows, and says so."),
    ] = None,
    settings: Settings = None,
    store: StorePlace = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Find out which remedy helps on this table: weights, losses, over-sampling, MLSMOTE, with intervals."""
    from evenly.comparison.summary import print_comparison
    from evenly.flows.comparing import run_comparison
    from evenly.terminal import open_console, show_run

    overrides = parse_overrides(settings, store) | ({} if seeds is None else {"compare.seeds": seeds})
    with show_run(quiet=quiet):
        made = run_comparison(config, overrides, budget_minutes=budget, only=tuple(strategy or ()))
    folder = made["comparison"].path
    if not quiet:
        print_comparison(open_console(), _read(folder))
        typer.echo(f"page  {folder / 'report.html'}")


def _read(folder: Path) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
    return figures
