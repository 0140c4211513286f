"""Commands that run the pipeline: ``run`` and ``demo``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from evenly.cli.app import app
from evenly.cli.options import Config, Debug, Quiet, Settings, StorePlace, parse_overrides
from evenly.errors import ConfigError

__all__ = ["demo", "run", "silence_prefect"]


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--folder", "-o", help="Where everything goes.")] = Path("evenly-demo"),
    rows: Annotated[int, typer.Option(min=500, help="At most so many docstrings.")] = 20_000,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Run the whole pipeline on real text: the docstrings of the Python packages installed here."""
    from evenly.demo import prepare_demo
    from evenly.terminal import show_run

    with show_run(quiet=quiet):
        config = prepare_demo(folder, rows)
    _run(config, {}, None, quiet=quiet)


@app.command()
def run(
    config: Config,
    settings: Settings = None,
    until: Annotated[str | None, typer.Option(metavar="STAGE", help="The last stage to build.")] = None,
    store: StorePlace = None,
    no_prefect: Annotated[
        bool, typer.Option("--no-prefect", help="The same stages, without a Prefect run: starts sooner.")
    ] = False,
    deployment: Annotated[
        str | None,
        typer.Option("--deployment", metavar="FLOW/NAME", help="Let a deployment run it: prepare/on-demand"),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="With --deployment: follow it until it ends.")] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Run the pipeline; what is there already and unchanged is reused."""
    if watch and deployment is None:
        raise ConfigError("--watch follows the run of a deployment: add --deployment prepare/on-demand.")
    if deployment is not None:
        if no_prefect:
            raise ConfigError("--deployment asks Prefect, and --no-prefect leaves it out: give one of them.")
        _run_deployment(deployment, config, parse_overrides(settings, store), until, watch=watch, quiet=quiet)
        return
    _run(config, parse_overrides(settings, store), until, quiet=quiet, with_prefect=not no_prefect)


def _run_deployment(
    deployment: str, path: Path, overrides: dict[str, Any], until: str | None, *, watch: bool, quiet: bool
) -> None:
    from evenly.flows.deploying import check_server
    from evenly.flows.remote_run import start_run, watch_run

    url = check_server()
    wanted = {"config_path": str(path.absolute()), "overrides": overrides or None, "until": until}
    started = start_run(deployment, {name: value for name, value in wanted.items() if value is not None})
    if not quiet:
        typer.echo(f"Started {deployment}: {url.removesuffix('/api')}/runs/flow-run/{started.id}")
    if watch:
        watch_run(started, (lambda _: None) if quiet else typer.echo)


def _run(path: Path, overrides: dict[str, Any], until: str | None, *, quiet: bool, with_prefect: bool = True) -> None:
    from evenly.terminal import show_result, show_run

    with show_run(quiet=quiet):
        result = (_run_flow if with_prefect else _run_stages)(path, overrides, until)
    if not quiet:
        show_result(result)


def _run_stages(path: Path, overrides: dict[str, Any], until: str | None) -> dict[str, Any]:
    from evenly.config import load_config
    from evenly.flows.steps import cut_after, prepare_steps, train_steps
    from evenly.flows.walk import summarize, walk_steps

    config = load_config(path, overrides)
    steps = cut_after([*prepare_steps(config), *train_steps(config)], until)
    return summarize(walk_steps(config, steps, {}))


def silence_prefect() -> None:
    """Keep Prefect's log off the terminal, where errors are told in a paragraph; its pages have it."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")


def _run_flow(path: Path, overrides: dict[str, Any], until: str | None) -> dict[str, Any]:
    from evenly.config import load_config
    from evenly.flows.parameters import make_overrides
    from evenly.flows.steps import cut_after, prepare_steps, train_steps
    from evenly.progress import Started, emit

    config = load_config(path, overrides)  # what is wrong is said before Prefect starts, which takes seconds
    given = make_overrides(overrides)
    cut_after([*prepare_steps(config), *train_steps(config)], until)
    emit(Started("prefect"))
    silence_prefect()
    from evenly.flows.server import server_at_hand

    with server_at_hand():
        from evenly.flows.pipeline import pipeline
        from evenly.flows.run_identity import mark_orphans

        mark_orphans()
        return pipeline(str(path), given, cast("Any", until))
