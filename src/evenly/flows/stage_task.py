"""The Prefect task around a stage: what it did is its state, its progress an artifact, its figures a log line.

One task a stage. The store decides what is reused, so Prefect's own cache and result storage are off.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from prefect import get_run_logger, task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed

from evenly.flows.retrying import RETRY_DELAYS_S, is_worth_a_retry
from evenly.flows.steps import Step
from evenly.flows.walk import Site, build_step
from evenly.progress import Advanced, Finished, joining
from evenly.store import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from evenly.progress import Event

__all__ = ["build_in_task", "showing"]

_FIRST_AFTER_S, _EVERY_S = 3.0, 2.0


def build_in_task(site: Site, step: Step, made: dict[str, Artifact]) -> Artifact:
    """Build or reuse a step as a Prefect task of its stage's name."""
    named = _build.with_options(name=step.stage.name, task_run_name=_title(step))
    taken = {name: made[name] for name in step.inputs}  # Prefect draws an edge for each
    state: Any = named(site, step, taken)  # the task returns the state that it shall end in
    return cast("Artifact", state.result())


def _title(step: Step) -> str:
    return f"{step.stage.name} {step.of}".rstrip()


@task(
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=len(RETRY_DELAYS_S),
    retry_delay_seconds=list(RETRY_DELAYS_S),
    retry_jitter_factor=0.3,
    retry_condition_fn=is_worth_a_retry,
)
def _build(site: Site, step: Step, made: dict[str, Artifact]) -> Any:
    with showing(step.of) as shown:
        artifact = build_step(site, step, made)
    outcome = _tell(shown, artifact, step.of)
    return Completed(name=outcome, message=_sentence(shown), data=artifact)


@dataclass
class _Shown:
    """What the observer of a task has heard, and the artifact that shows how far it has come."""

    of: str = ""
    began: float = field(default_factory=time.monotonic)
    told: float = 0.0
    progress: UUID | None = None
    finished: Finished | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, Finished):
            self.finished = event
        elif isinstance(event, Advanced) and self._is_time():
            self._tell(event)

    def _is_time(self) -> bool:
        now = time.monotonic()
        return now - self.began > _FIRST_AFTER_S and now - self.told > _EVERY_S

    def _tell(self, event: Advanced) -> None:
        share = 100.0 * event.done / max(event.total, 1)
        what = f"{event.stage} {self.of}".rstrip()
        said = " ".join(filter(None, (f"{what}: {event.done:,} of {event.total:,} {event.unit}", event.detail)))
        if self.progress is None:
            made = create_progress_artifact(share, key=f"evenly-{event.stage}-progress", description=said)
            self.progress = cast("UUID", made)  # awaitable only where there is an event loop
        else:
            update_progress_artifact(self.progress, share, description=said)
        self.told = time.monotonic()

    def close(self) -> None:
        if self.progress is not None:
            update_progress_artifact(self.progress, 100.0)


@contextmanager
def showing(of: str = "") -> Iterator[_Shown]:
    """Show in Prefect how far the body has come, where it takes long; `of` as that of a step."""
    shown = _Shown(of)
    with joining(shown):
        yield shown
    shown.close()


def _sentence(shown: _Shown) -> str:
    event = shown.finished
    if event is None:
        return ""
    rows = "" if event.rows is None else f", {event.rows:,} rows"
    why = f" The old one was damaged: {event.why}" if event.why else ""
    return f"{'Reused' if event.reused else 'Built'} in {event.seconds:.1f} s{rows}.{why}"


def _tell(shown: _Shown, artifact: Artifact, of: str) -> str:
    """Write a log line of `name=value` pairs and the notes of the stage; return Built or Reused."""
    event, manifest = shown.finished, artifact.manifest
    reused = event is not None and event.reused
    logger = get_run_logger()
    logger.info(
        "stage=%s%s outcome=%s key=%s rows=%s seconds=%.1f",
        manifest.stage,
        f" of='{of}'" if of else "",
        "reused" if reused else "built",
        manifest.key,
        manifest.rows,
        0.0 if event is None else event.seconds,
    )
    if event is not None and event.why:
        logger.warning("stage=%s damaged=%s", manifest.stage, event.why)
    for note in manifest.notes:
        logger.info("stage=%s note=%s", manifest.stage, note)
    return "Reused" if reused else "Built"
