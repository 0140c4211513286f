"""The command ``doctor``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from evenly.cli.app import app
from evenly.cli.options import EXIT_WARNED, Debug

__all__ = ["doctor"]

_MARKS = {"ok": "ok     ", "note": "note   ", "trouble": "TROUBLE"}


@app.command()
def doctor(
    config: Annotated[Path | None, typer.Argument(help="Look at its store, tokenizer and cluster, too.")] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mark runs whose process is dead as Crashed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")] = False,
    debug: Debug = False,
) -> None:
    """Look at everything that a run needs, and say what to do; exit code 3 where there is trouble."""
    from dataclasses import asdict

    from evenly.cli.runs import silence_prefect
    from evenly.config import load_config
    from evenly.upkeep.doctor import examine

    silence_prefect()
    found = []
    for finding in examine(None if config is None else load_config(config), fix=fix):
        found.append(finding)
        if not as_json:
            typer.echo(f"{_MARKS[finding.verdict]}  {finding.name:<10}  {finding.said}")
            if finding.todo:
                typer.echo(f"{'':<21}-> {finding.todo}")
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in found], indent=1))
    if any(finding.verdict == "trouble" for finding in found):
        raise typer.Exit(EXIT_WARNED)
