"""What tells one Prefect run from another: its name, its tags, and the process that runs it.

A script that is killed leaves its run in the state Running for ever. So each run carries the mark of its process as
labels, and `mark_orphans` sets those whose process is known to be dead to Crashed.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.context import FlowRunContext
from prefect.runtime import flow_run as runtime
from prefect.settings import get_current_settings
from prefect.states import Crashed

from evenly.flows.parameters import plain
from evenly.liveness import ProcessMark, is_known_dead, mark_process

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, State

__all__ = ["TAG", "find_orphans", "introduce_run", "mark_orphans", "name_run"]

TAG = "evenly"
_NAME_CHARACTERS = 100
_LABEL = "evenly.process."


def name_run() -> str:
    """Return a name for the run that starts: its config, what goes over it, and the file that it writes."""
    given = runtime.parameters
    config = Path(str(given.get("config_path", ""))).stem or "no config"
    changes = [f"{name}={value}" for name, value in plain(given.get("overrides")).items() if name != "store"]
    public = [change for change in changes if not change.startswith(("source.database", "source.storage_options"))]
    until = [f"until {given['until']}"] if given.get("until") else []
    written = [Path(given["output"]).name] if given.get("output") else []
    name = ", ".join([config, *public, *until, *written])
    return name if len(name) <= _NAME_CHARACTERS else f"{name[: _NAME_CHARACTERS - 3]}..."


def introduce_run(*tags: str) -> str:
    """Give the run under way its tags and the mark of this process, keep its results private; return its id.

    Parameters
    ----------
    tags
        Besides `TAG`.
    """
    run = _current_run()
    _keep_results_private()
    mark = mark_process()
    labels: dict[str, bool | int | float | str] = {f"{_LABEL}host": mark.host, f"{_LABEL}boot": mark.boot}
    labels |= {f"{_LABEL}pid": str(mark.pid), f"{_LABEL}started": str(mark.started)}
    with get_client(sync_client=True) as client:
        client.update_flow_run(run.id, tags=sorted({TAG, *tags, *run.tags}))
        client.update_flow_run_labels(run.id, labels)
    return str(run.id)


def _keep_results_private() -> None:
    """Let nobody else of this machine read what Prefect writes of results: why a run failed."""
    folder = get_current_settings().results.local_storage_path
    with suppress(OSError):  # another user's, or a disk that may only be read
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)


def _current_run() -> FlowRun:
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("There is no flow run here: call the flow, not its function.")
    return context.flow_run


def find_orphans() -> list[FlowRun]:
    """Return the runs of evenly that are Running in Prefect's database and whose process is known to be dead."""
    running = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.CANCELLING])),
        tags=FlowRunFilterTags(all_=[TAG]),
    )
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(flow_run_filter=running)
    return [run for run in found if _is_orphan(run.labels)]


def _is_orphan(labels: dict[str, Any]) -> bool:
    values = {name.removeprefix(_LABEL): str(value) for name, value in labels.items() if name.startswith(_LABEL)}
    try:
        mark = ProcessMark(values["host"], values["boot"], int(values["pid"]), int(values["started"]))
    except (KeyError, ValueError):
        return False
    return is_known_dead(mark)


def mark_orphans() -> list[str]:
    """Set the runs of `find_orphans`, and their tasks under way, to Crashed; return their names."""
    orphans = find_orphans()
    if not orphans:
        return []
    state: State[None] = Crashed(message="Its process ended without a word: it was killed, or the machine went down.")
    under_way = TaskRunFilter(state=TaskRunFilterState(type=TaskRunFilterStateType(any_=[StateType.RUNNING])))
    with get_client(sync_client=True) as client:
        for run in orphans:
            these = FlowRunFilter.model_validate({"id": {"any_": [run.id]}})
            for task in client.read_task_runs(flow_run_filter=these, task_run_filter=under_way):
                client.set_task_run_state(task.id, state, force=True)
            client.set_flow_run_state(run.id, state, force=True)
    return [run.name for run in orphans]
