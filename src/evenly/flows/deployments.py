"""The deployments: which flow, when, on which machines. One list, for ``prefect.yaml`` and for ``evenly serve``.

A further flow joins by a line in `DEPLOYMENTS`; the file ``prefect.yaml`` at the root of the repository says the same
to `prefect deploy`, and a test holds the two together. Entry points are module paths: a file path would put its
folder before the standard library, where a folder `tokenize` hides the module of that name.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from evenly.errors import ConfigError, nearest
from evenly.flows.handoff import READY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect.deployments.runner import RunnerDeployment

__all__ = ["DEPLOYMENTS", "POOLS", "Deployment", "Pool", "choose", "file_contents", "runner_deployment", "timed"]


@dataclass(frozen=True)
class Pool:
    """A work pool of process workers.

    `concurrency_limit` is how many runs it lets go on at once; None: as many as come.
    """

    name: str
    description: str
    concurrency_limit: int | None = None


POOLS = (
    Pool("cpu", "Preparing: workers on machines with cores and memory."),
    Pool("gpu", "Training: workers on a machine with a GPU, one run at a time.", concurrency_limit=1),
)


@dataclass(frozen=True)
class Deployment:
    """A flow that a server can start.

    Attributes
    ----------
    flow, name
        It is called ``flow/name``.
    entrypoint
        Module path of the flow.
    pool
        Which workers run it.
    description
        For its page in Prefect.
    cron
        When it runs by itself: five fields, UTC; None: when it is asked to.
    overrides
        Settings that go over those of the config.
    environment
        Variables of its process.
    on_ready
        Whether a data set that is ready starts it (`handoff.kind` event).
    concurrency_limit
        Runs of this deployment at once.
    """

    flow: str
    name: str
    entrypoint: str
    pool: str
    description: str
    cron: str | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    on_ready: bool = False
    concurrency_limit: int | None = None

    @property
    def full_name(self) -> str:
        """``flow/name``."""
        return f"{self.flow}/{self.name}"


_ON_GPU = {"CUDA_VISIBLE_DEVICES": "{{ $EVENLY_GPU }}"}
DEPLOYMENTS = (
    Deployment(
        "prepare",
        "nightly",
        "evenly.flows.pipeline.prepare",
        "cpu",
        "Every night: what is new is prepared, what is unchanged is reused.",
        cron="30 2 * * *",
    ),
    Deployment("prepare", "on-demand", "evenly.flows.pipeline.prepare", "cpu", "Prepare now."),
    Deployment(
        "train",
        "gpu",
        "evenly.flows.pipeline.train",
        "gpu",
        "Train on what is prepared: started by hand, by `prepare`, or by the event that a data set is ready.",
        environment=_ON_GPU,
        on_ready=True,
        concurrency_limit=1,
    ),
    Deployment(
        "pipeline",
        "weekly",
        "evenly.flows.pipeline.pipeline",
        "cpu",
        "Every Sunday: prepare here, then train on the pool `gpu`.",
        cron="0 4 * * 0",
        overrides={"handoff.kind": "deployment"},
    ),
    Deployment(
        "compare",
        "on-demand",
        "evenly.flows.comparison.compare",
        "gpu",
        "Train every strategy with every seed, and say which one helps.",
        environment=_ON_GPU,
        concurrency_limit=1,
    ),
    Deployment(
        "predict",
        "on-demand",
        "evenly.flows.prediction.predict",
        "gpu",
        "What the newest model, or one that is named, says about every row of some files.",
        environment=_ON_GPU,
    ),
)


def choose(names: Sequence[str]) -> list[Deployment]:
    """Return the deployments of these names (``flow/name``); all of them where there is no name.

    Raises
    ------
    ConfigError
        There is none of that name.
    """
    known = {deployment.full_name: deployment for deployment in DEPLOYMENTS}
    for name in names:
        if name not in known:
            raise ConfigError(f"There is no deployment {name!r}{nearest(name, known)} Known: {', '.join(known)}.")
    return [known[name] for name in names] or list(DEPLOYMENTS)


def timed(chosen: Sequence[Deployment], cron: str) -> list[Deployment]:
    """Return the one deployment that was chosen, run by itself at the times of a cron line (five fields, UTC).

    Raises
    ------
    ConfigError
        Several were chosen, or it is no cron line.
    """
    from prefect.client.schemas.schedules import CronSchedule

    if len(chosen) != 1:
        raise ConfigError(
            "--cron is the schedule of one deployment: name it with --only, such as --only prepare/nightly. "
            f"There are: {', '.join(each.full_name for each in chosen)}."
        )
    try:
        CronSchedule(cron=cron)
    except ValueError as error:
        raise ConfigError(
            f"{cron!r} is no cron line. It has five fields: minute, hour, day, month, day of the week; "
            "'0 6 * * 1' is every Monday at 6:00 UTC."
        ) from error
    return [replace(chosen[0], cron=cron)]


def file_contents(deployments: Sequence[Deployment] = DEPLOYMENTS) -> dict[str, Any]:
    """Return what ``prefect.yaml`` says; `prefect deploy` takes ``$NAME`` in double braces from its environment."""
    return {"name": "evenly", "pull": [], "deployments": [_entry(deployment) for deployment in deployments]}


def _entry(deployment: Deployment) -> dict[str, Any]:
    overrides = {"overrides": deployment.overrides} if deployment.overrides else {}
    pool: dict[str, Any] = {"name": deployment.pool}
    if deployment.environment:
        pool["job_variables"] = {"env": deployment.environment}
    entry: dict[str, Any] = {
        "name": deployment.name,
        "entrypoint": deployment.entrypoint,
        "description": deployment.description,
        "tags": ["evenly"],
        "parameters": {"config_path": "{{ $EVENLY_CONFIG }}"} | overrides,
        "work_pool": pool,
    }
    if deployment.concurrency_limit is not None:
        entry["concurrency_limit"] = deployment.concurrency_limit
    if deployment.cron is not None:
        entry["schedules"] = [{"cron": deployment.cron, "timezone": "UTC"}]
    if deployment.on_ready:
        entry["triggers"] = [_trigger()]
    return entry


def _trigger() -> dict[str, Any]:
    """Return the trigger from a data set that is ready; its parameters are those of the event."""
    return {
        "type": "event",
        "enabled": True,
        "expect": [READY],
        "match": {"prefect.resource.id": "evenly.dataset.*", "evenly.handoff": "event"},
        "parameters": {
            "config_path": "{{ event.payload.config_path }}",
            "overrides": _json_of("event.payload.overrides"),
            "prepared": _json_of("event.payload.prepared"),
        },
    }


def _json_of(name: str) -> dict[str, Any]:
    template = f"{{{{ {name} | tojson }}}}"
    return {"__prefect_kind": "json", "value": {"__prefect_kind": "jinja", "template": template}}


def runner_deployment(deployment: Deployment, config_path: str) -> RunnerDeployment:
    """Return a deployment as ``evenly serve`` takes it: on this machine, without a pool."""
    from importlib import import_module

    from prefect.events import DeploymentEventTrigger
    from prefect.types.entrypoint import EntrypointType

    module, _, name = deployment.entrypoint.rpartition(".")
    flow = getattr(import_module(module), name)
    served: RunnerDeployment = flow.to_deployment(
        name=deployment.name,
        description=deployment.description,
        tags=["evenly"],
        parameters={"config_path": config_path} | ({"overrides": deployment.overrides} if deployment.overrides else {}),
        cron=deployment.cron,
        triggers=[DeploymentEventTrigger.model_validate(_trigger())] if deployment.on_ready else [],
        concurrency_limit=deployment.concurrency_limit,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return served
