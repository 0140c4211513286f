"""Commands that make the flows known to a Prefect server: ``serve`` and ``deploy``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evenly.cli.app import app
from evenly.cli.options import Config, Debug
from evenly.errors import ConfigError

__all__ = ["deploy", "serve"]

Only = Annotated[
    list[str] | None, typer.Option("--only", metavar="FLOW/NAME", help="One deployment; may be given again.")
]

Cron = Annotated[
    str | None, typer.Option("--cron", metavar="CRON", help="When the one of --only runs, UTC: '0 6 * * 1'")
]


@app.command()
def serve(config: Config, only: Only = None, cron: Cron = None, debug: Debug = False) -> None:
    """Run the deployments on this machine, on their schedules and on demand, until Ctrl-C."""
    from evenly.config import load_config
    from evenly.flows.server import server_with_pages

    load_config(config)
    with server_with_pages() as url:
        from evenly.flows.deploying import check_server
        from evenly.flows.deploying import serve as serve_all
        from evenly.flows.deployments import choose, timed

        chosen = choose(only or [])
        chosen = chosen if cron is None else timed(chosen, cron)
        check_server()
        typer.echo(f"Serving {', '.join(each.full_name for each in chosen)} for {config}.")
        typer.echo(f"Pages: {url.removesuffix('/api')}   End with Ctrl-C.")
        serve_all(chosen, config)


@app.command()
def deploy(
    config: Config,
    only: Only = None,
    cron: Cron = None,
    create_pools: Annotated[bool, typer.Option("--create-pools", help="Make the work pools cpu and gpu.")] = False,
    gpu: Annotated[str, typer.Option("--gpu", help="CUDA_VISIBLE_DEVICES of what trains.")] = "0",
    file: Annotated[
        Path | None, typer.Option("--file", metavar="YAML", help="A prefect.yaml of your own; else evenly's.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Make the deployments known to the Prefect server, for workers to run; checks what they need first."""
    from evenly.config import load_config
    from evenly.flows.deploying import deploy as deploy_all
    from evenly.flows.deployments import choose, timed

    load_config(config)
    if file is not None and not file.is_file():
        raise ConfigError(f"There is no file {file}. Leave --file out, and evenly's own deployments are used.")
    if file is not None and cron is not None:
        raise ConfigError(f"Give --cron or --file, not both: the schedules of {file} stand in it.")
    chosen = choose(only or [])
    chosen = chosen if cron is None else timed(chosen, cron)
    url = deploy_all(chosen, config, gpu=gpu, create_pools=create_pools, file=file)
    if file is not None:
        typer.echo(f"Deployed all of {file} to {url}.")
        return
    typer.echo(f"Deployed to {url}: {', '.join(each.full_name for each in chosen)}")
    for each in chosen:
        if each.cron is not None:
            typer.echo(f"  {each.full_name} runs by itself at cron {each.cron!r}, UTC")
    typer.echo(f"Where the work shall be done, start workers (after: export PREFECT_API_URL={url}):")
    handing = [each.full_name for each in chosen if each.overrides.get("handoff.kind") == "deployment"]
    for pool in sorted({each.pool for each in chosen} | {"gpu" for _ in handing}):
        typer.echo(f"  prefect worker start --pool {pool} --type process")
    if handing and "train/gpu" not in {each.full_name for each in chosen}:
        typer.echo(f"{', '.join(handing)} starts train/gpu: deploy that, too, unless it is there.")
    typer.echo(f"Then: evenly run {config} --deployment {chosen[0].full_name} --watch")
