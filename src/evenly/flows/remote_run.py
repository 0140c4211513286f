"""``evenly run --deployment NAME``: a run on other machines, started and watched from here."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from prefect import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
    LogFilter,
    LogFilterFlowRunId,
    LogFilterTimestamp,
)
from prefect.client.schemas.sorting import LogSort
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from evenly.errors import ConfigError, RunFailedError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from uuid import UUID

    from prefect.client.schemas.objects import FlowRun, Log

__all__ = ["start_run", "watch_run"]

_POLL_S = 1.0
_LATE = timedelta(seconds=30)  # lines of several processes arrive out of order
_LAST_S = 5.0  # Prefect sends lines every two seconds: the last ones come after the state
_LAST_LINE = "Finished in state"
_LOGS_AT_ONCE = 200


def start_run(deployment: str, parameters: dict[str, Any]) -> FlowRun:
    """Start a run of a deployment and return it; it is not waited for.

    Parameters
    ----------
    deployment
        ``FLOW/NAME``.
    parameters
        What goes over those of the deployment; `overrides` are laid over its own one by one, so that
        ``--set train.epochs=3`` does not take its ``handoff.kind`` away.

    Raises
    ------
    ConfigError
        There is no such deployment, or it does not take the parameters.
    """
    try:
        wanted = _laid_over(_parameters_of(deployment), parameters)
        started = run_deployment(deployment, parameters=wanted, timeout=0, as_subflow=False)
        return cast("FlowRun", started)  # awaitable only where there is an event loop
    except ObjectNotFound as error:
        known = _known_deployments()
        holds = f" It has: {', '.join(known)}." if known else " It has none: evenly deploy CONFIG"
        raise ConfigError(
            f"The Prefect server has no deployment {deployment!r}{nearest(deployment, known)}{holds}"
        ) from error
    except PrefectHTTPStatusError as error:
        detail = error.response.json().get("detail", error.response.text)
        raise ConfigError(f"The deployment {deployment} does not take these parameters: {detail}") from error


def _parameters_of(deployment: str) -> dict[str, Any]:
    with get_client(sync_client=True) as client:
        return client.read_deployment_by_name(deployment).parameters


def _laid_over(own: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a run: those given, with the overrides of the deployment that they leave alone."""
    overrides = (own.get("overrides") or {}) | (given.get("overrides") or {})
    return given | ({"overrides": overrides} if overrides else {})


def _known_deployments() -> list[str]:
    with get_client(sync_client=True) as client:
        flows = {flow.id: flow.name for flow in client.read_flows()}
        return sorted(f"{flows[each.flow_id]}/{each.name}" for each in client.read_deployments())


def watch_run(run: FlowRun, tell: Callable[[str], None]) -> None:
    """Tell the states and log lines of a run and of its subflows until it ends.

    Raises
    ------
    RunFailedError
        It ends in another state than Completed.
    """
    lines = _Lines(run.id)
    told_state: str | None = ""
    ended = 0.0
    with get_client(sync_client=True) as client:
        while True:
            now = client.read_flow_run(run.id)
            state = now.state
            if state is not None and state.name != told_state:
                told_state = state.name
                tell(f"{now.name}: {told_state}")
            for line in lines.read_new(client):
                tell(f"  {line}")
            if state is not None and state.is_final():
                ended = ended or time.monotonic()
                if lines.has_last or time.monotonic() - ended > _LAST_S:
                    break
            time.sleep(_POLL_S)
    if not state.is_completed():
        raise RunFailedError(f"The run {now.name!r} ended as {state.name}: {state.message or 'no message'}")


class _Lines:
    """The log of a run and of its subflows, read as it grows."""

    def __init__(self, run: UUID) -> None:
        self.run = run
        self.seen: set[UUID] = set()
        self.latest: datetime | None = None
        self.has_last = False

    def read_new(self, client: Any) -> Iterator[str]:
        while True:
            logs = [log for log in self._read(client) if log.id not in self.seen]
            for log in logs:
                self.seen.add(log.id)
                self.latest = log.timestamp
                of_run = log.flow_run_id == self.run and log.task_run_id is None
                self.has_last = self.has_last or (of_run and log.message.startswith(_LAST_LINE))
                yield log.message
            if len(logs) < _LOGS_AT_ONCE // 2:
                return

    def _read(self, client: Any) -> list[Log]:
        parent = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[self.run]))
        runs = [self.run, *(child.id for child in client.read_flow_runs(flow_run_filter=parent))]
        since = None if self.latest is None else LogFilterTimestamp(after_=self.latest - _LATE)
        of_them = LogFilter(flow_run_id=LogFilterFlowRunId(any_=runs), timestamp=since)
        found: list[Log] = client.read_logs(of_them, limit=_LOGS_AT_ONCE, sort=LogSort.TIMESTAMP_ASC)
        return found
