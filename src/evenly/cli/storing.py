"""Commands that look after a store: ``store ls``, ``show``, ``verify``, ``gc``."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evenly.cli.app import app
from evenly.cli.options import EXIT_WARNED, Debug
from evenly.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["store"]

store = typer.Typer(help="What is in a store: list it, look at it, verify it, clear it.", no_args_is_help=True)
app.add_typer(store, name="store")

Place = Annotated[
    str, typer.Option("--store", metavar="PLACE", help="The store, a folder or URL: the config's `store`.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")]
_HERE = "evenly-store"
_AGE = re.compile(r"(\d+)([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@store.command("ls")
def list_store(place: Place = _HERE, as_json: Json = False, debug: Debug = False) -> None:
    """List the artifacts and the runs."""
    from dataclasses import asdict

    from evenly.upkeep.artifacts import list_artifacts, list_runs
    from evenly.upkeep.url_store import looking_at

    with looking_at(place) as root:
        artifacts, runs = [asdict(each) for each in list_artifacts(root)], list_runs(root)
    if as_json:
        _print_json({"artifacts": artifacts, "runs": runs})
        return
    cells = [
        [row["name"], _count(row["rows"]), _size(row["n_bytes"]), row["built"], row["n_runs"]] for row in artifacts
    ]
    _print_table(["artifact", "rows", "size", "built", "runs"], cells)
    typer.echo()
    rows = [
        [run["run"], run["flow"], run["title"], run["state"], run["started"], len(run["artifacts"])] for run in runs
    ]
    _print_table(["run", "flow", "of", "state", "started", "artifacts"], rows)


@store.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A key, <stage>/<key> or a run; its beginning is enough.")],
    place: Place = _HERE,
    debug: Debug = False,
) -> None:
    """Print what is known of an artifact or a run, as JSON."""
    from evenly.upkeep.artifacts import describe
    from evenly.upkeep.url_store import looking_at

    with looking_at(place) as root:
        _print_json(describe(root, name))


@store.command("verify")
def verify(place: Place = _HERE, as_json: Json = False, debug: Debug = False) -> None:
    """Read every file and compare it with its manifest; exit code 3 where one is damaged."""
    from dataclasses import asdict

    from evenly.upkeep.url_store import verify_store

    found = list(verify_store(place))
    damaged = [each for each in found if each.damage]
    if as_json:
        _print_json([asdict(each) for each in found])
    else:
        for each in damaged:
            typer.echo(f"{each.name}: {each.damage}")
        typer.echo(f"{len(found) - len(damaged)} of {len(found)} artifacts are whole.")
        if damaged:
            typer.echo("The next run builds the others again.")
    if damaged:
        raise typer.Exit(EXIT_WARNED)


@store.command("gc")
def clear(
    place: Place = _HERE,
    keep: Annotated[int | None, typer.Option("--keep", min=0, help="Runs that stay listed, the newest.")] = None,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="AGE", help="Forget runs older than that: 30d, 12h, 2w.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    cache: Annotated[
        Path | None,
        typer.Option("--cache", metavar="DIR", help="Of a URL: where its copies here are, the config's `store_cache`."),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Forget old runs, and remove the artifacts that no listed run needs."""
    from dataclasses import asdict

    from evenly.upkeep.collect_url import collect_store

    age = None if older_than is None else _parse_age(older_than)
    found = collect_store(place, keep=keep, older_than=age, dry_run=dry_run, cache=cache)
    if as_json:
        _print_json(asdict(found))
        return
    for name in found.artifacts:
        typer.echo(name)
    said = "Would remove" if dry_run else "Removed"
    typer.echo(
        f"{said} {len(found.artifacts)} artifacts ({_size(found.n_bytes)}) and {len(found.runs)} records of runs; "
        f"{found.n_kept} artifacts stay."
        + (f" {said} {found.n_partitions} partitions kept for later builds." if found.n_partitions else "")
    )


def _parse_age(text: str) -> timedelta:
    match = _AGE.fullmatch(text)
    if match is None:
        raise ConfigError(f"--older-than takes a number and m, h, d or w, such as 30d, and got {text!r}.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _count(rows: int | None) -> str:
    return "" if rows is None else f"{rows:,}"


def _size(n_bytes: float) -> str:
    for unit in ("B", "kB", "MB"):
        if n_bytes < 1000:  # noqa: PLR2004 - a thousand of each makes one of the next
            return f"{n_bytes:.0f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:,.1f} GB"


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))


def _print_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from rich.table import Table

    from evenly.terminal import open_console, printable

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in header:
        table.add_column(name, justify="right" if name in {"rows", "size", "runs", "artifacts"} else "left")
    for row in rows:
        table.add_row(*(printable(str(cell)) for cell in row))
    open_console().print(table)
