"""What happens when a data set is ready: who trains on it is told, or started.

In: the artifacts of `prepare`. Out: the event ``evenly.dataset.ready``, always; and where the config says so a run of
a deployment. What is handed over is paths and digests, never rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from prefect import get_run_logger
from prefect.deployments import run_deployment
from prefect.events import emit_event
from prefect.exceptions import ObjectNotFound

from evenly.errors import ConfigError, RunFailedError
from evenly.flows.steps import make_source
from evenly.store import Store

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

    from evenly.config import RunConfig
    from evenly.store import Artifact

__all__ = ["READY", "hand_off", "tell_ready"]

READY = "evenly.dataset.ready"
_POLL_S = 2.0


def tell_ready(config: RunConfig, made: dict[str, Artifact], request: dict[str, Any]) -> None:
    """Emit the event that the data set is ready.

    Parameters
    ----------
    config, made
        The run's config, and what it has prepared.
    request
        `config_path` and `overrides`, for whoever trains.
    """
    digest = made["shards"].digest[:16]
    emit_event(
        READY,
        resource={
            "prefect.resource.id": f"evenly.dataset.{digest}",
            "prefect.resource.name": make_source(config.source).title,
            "evenly.handoff": config.handoff.kind,
        },
        payload=request
        | {
            "prepared": {name: str(artifact.path.absolute()) for name, artifact in made.items()},
            "manifest": {
                name: {"digest": artifact.digest, "key": artifact.manifest.key, "rows": artifact.manifest.rows}
                for name, artifact in made.items()
            },
        },
    )


def hand_off(config: RunConfig, made: dict[str, Artifact], request: dict[str, Any]) -> dict[str, Any]:
    """Start the deployment that trains and, where the config says so, wait for it.

    Returns
    -------
    dict
        `handed_to`, the name of its run; where it was waited for, the artifacts that it used and its `metrics`, too.

    Raises
    ------
    ConfigError
        There is no such deployment.
    RunFailedError
        It did not complete, or not in time.
    """
    settings = config.handoff
    parameters = request | {"prepared": {name: str(artifact.path.absolute()) for name, artifact in made.items()}}
    get_run_logger().info("handoff=%s wait=%s", settings.deployment, settings.wait)
    try:
        started = run_deployment(
            settings.deployment,
            parameters=parameters,
            timeout=settings.timeout_s if settings.wait else 0,
            poll_interval=_POLL_S,
        )
        run = cast("FlowRun", started)  # awaitable only where there is an event loop
    except ObjectNotFound as error:
        raise ConfigError(
            f"handoff.deployment is {settings.deployment!r}, and this Prefect server has no such deployment. Make it "
            f"with: evenly deploy CONFIG; or set handoff.kind to process, and `pipeline` trains itself."
        ) from error
    told = {"handed_to": run.name}
    return told | _answer(config, run) if settings.wait else told


def _answer(config: RunConfig, run: FlowRun) -> dict[str, Any]:
    """Return what a run elsewhere has left in the store: its record says."""
    settings, state = config.handoff, run.state
    if state is None or not state.is_completed():
        how = "is not known" if state is None else f"is {state.name}{f': {state.message}' if state.message else ''}"
        late = f" after {settings.timeout_s:g} s" if settings.timeout_s and not (state and state.is_final()) else ""
        raise RunFailedError(
            f"The run {run.name!r} of {settings.deployment} {how}{late}. Its page in Prefect says why."
        )
    store = Store(config.store, config.store_cache)
    record = store.find_record(str(run.id))
    if record is None:
        raise RunFailedError(
            f"The run {run.name!r} of {settings.deployment} completed, but the store {config.store} has no record of "
            f"it: does it run with the same store?"
        )
    paths = [store.root.absolute() / name for name in record.artifacts]
    if store.mirror is not None:  # it ran elsewhere
        paths = [store.open(path).path for path in paths]
    return {path.parent.name: str(path) for path in paths} | record.figures
