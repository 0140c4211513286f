"""``evenly deploy`` and ``evenly serve``: deployments made known to a Prefect server, after looking whether it can be.

`deploy` runs `prefect deploy` on a ``prefect.yaml`` and leaves the runs to workers; `serve` runs everything from one
process on this machine, for as long as that process lives.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from prefect import __version__, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings import get_current_settings
from prefect.workers.process import ProcessWorker

from evenly.errors import ConfigError, RunFailedError
from evenly.flows.deployments import POOLS, Deployment, Pool, file_contents, runner_deployment
from evenly.flows.server import api_answers, is_configured, telling_of_server

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["check_server", "deploy", "missing_pools", "pools_of_file", "serve"]


def check_server() -> str:
    """Return the address of the configured server, which answers and whose version fits.

    Raises
    ------
    ConfigError
        None is configured, or its version is another major one.
    RunFailedError
        It does not answer, or not without the right password.
    """
    url = get_current_settings().api.url
    if not is_configured() or url is None:
        raise ConfigError(
            "No Prefect server is configured. Start one (prefect server start), then name it: "
            "export PREFECT_API_URL=http://127.0.0.1:4200/api"
        )
    if not api_answers(url):
        raise RunFailedError(
            f"The Prefect server {url} does not answer. Start it (prefect server start), or look at PREFECT_API_URL."
        )
    with telling_of_server(url), get_client(sync_client=True) as client:
        theirs = client.api_version()
    if theirs.split(".")[0] != __version__.split(".")[0]:
        raise ConfigError(f"The Prefect server {url} is version {theirs}, and here is {__version__}: use one of both.")
    return url


def missing_pools(names: Iterable[str]) -> list[str]:
    """Return which of some work pools the server does not have."""
    with get_client(sync_client=True) as client:
        there = {pool.name for pool in client.read_work_pools()}
    return sorted(set(names) - there)


def pools_of_file(file: Path) -> list[str]:
    """Return the work pools that a ``prefect.yaml`` names; one that it takes from a variable is left to Prefect.

    Raises
    ------
    ConfigError
        It is no YAML, or has no deployments.
    """
    try:
        contents = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not YAML: {error}") from error
    listed = contents.get("deployments") if isinstance(contents, dict) else None
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed) or not listed:
        raise ConfigError(f"{file} has no list `deployments`. Leave --file out, and evenly's own are used.")
    pools = [each.get("work_pool") for each in listed]
    names = [pool.get("name") for pool in pools if isinstance(pool, dict)]
    return [name for name in names if isinstance(name, str) and "{{" not in name]


def deploy(
    deployments: Sequence[Deployment], config: Path, *, gpu: str, create_pools: bool, file: Path | None = None
) -> str:
    """Make deployments known to the server, for a config; return the server's address.

    Parameters
    ----------
    deployments
        Which ones.
    config
        The config that they run unless a run names another.
    gpu
        CUDA_VISIBLE_DEVICES of what trains.
    create_pools
        Whether evenly's own work pools (`POOLS`) are made where they are not there.
    file
        A ``prefect.yaml``, all of which is deployed in place of `deployments`; None: the one that evenly brings along.

    Raises
    ------
    ConfigError, RunFailedError
        As `check_server`; or a pool is missing, or `prefect deploy` fails.
    """
    wanted = [deployment.pool for deployment in deployments] if file is None else pools_of_file(file)
    url = check_server()
    _provide_pools(missing_pools(wanted), url, create=create_pools)
    with tempfile.TemporaryDirectory(prefix="evenly-") as folder:
        if file is None:
            file = Path(folder) / "prefect.yaml"
            file.write_text(yaml.safe_dump(file_contents(deployments), sort_keys=False), encoding="utf-8")
        _prefect_deploy(file, {"EVENLY_CONFIG": str(config.absolute()), "EVENLY_GPU": gpu})
    return url


def _provide_pools(missing: Sequence[str], url: str, *, create: bool) -> None:
    """Make work pools that are evenly's own, or say how all are made."""
    own = {pool.name: pool for pool in POOLS}
    if not missing or (create and set(missing) <= set(own)):
        for name in missing:
            _create(own[name])
        return
    lines = "; ".join(_create_line(own.get(name, Pool(name, ""))) for name in missing)
    how = "Make them with --create-pools, or" if set(missing) <= set(own) else "Make what is missing"
    raise ConfigError(f"The server {url} has no work pool {', '.join(missing)}. {how}: {lines}")


def _create_line(pool: Pool) -> str:
    limit = "" if pool.concurrency_limit is None else f" --concurrency-limit {pool.concurrency_limit}"
    return f"prefect work-pool create {pool.name} --type process{limit}"


def _create(pool: Pool) -> None:
    wanted = WorkPoolCreate(
        name=pool.name,
        description=pool.description,
        type="process",
        base_job_template=ProcessWorker.get_default_base_job_template(),
        concurrency_limit=pool.concurrency_limit,
    )
    with get_client(sync_client=True) as client:
        client.create_work_pool(wanted)


def _prefect_deploy(file: Path, variables: dict[str, str]) -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--prefect-file", str(file), "--all"]
    answer = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)  # noqa: S603
    if answer.returncode != 0:
        told = (answer.stdout + answer.stderr).strip()
        raise RunFailedError(f"`prefect deploy` ended with exit code {answer.returncode}:\n{told}")


def serve(deployments: Sequence[Deployment], config: Path) -> None:
    """Serve deployments from this process until it is interrupted."""
    from prefect import serve as prefect_serve

    prefect_serve(*(runner_deployment(deployment, str(config.absolute())) for deployment in deployments))
