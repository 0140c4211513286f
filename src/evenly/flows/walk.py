"""Walk the steps of a run: build or reuse one artifact after the other, and sum up what there is.

Nothing of Prefect here: the flows pass a task as `build`, ``evenly run --no-prefect`` passes `build_step` itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evenly.executor import make_executor
from evenly.flows.steps import make_source
from evenly.progress import Started, emit
from evenly.store import Artifact, Files, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evenly.config import RunConfig
    from evenly.executor import Executor
    from evenly.flows.steps import Step
    from evenly.store import Input

__all__ = ["Site", "build_step", "summarize", "walk_steps"]


@dataclass(frozen=True)
class Site:
    """Where steps are built.

    Attributes
    ----------
    store, executor
        Where artifacts lie, and what maps partitions.
    timeout_s
        Seconds that a build may take; None: as many as it needs.
    """

    store: Store
    executor: Executor
    timeout_s: float | None = None


def build_step(site: Site, step: Step, made: dict[str, Artifact]) -> Artifact:
    """Build or reuse the artifact of one step; what it takes from elsewhere is fetched first."""
    inputs: dict[str, Input] = {name: made[name] for name in step.inputs} | step.files
    if step.source is not None:
        emit(Started(step.stage.name))
        inputs["files"] = Files(step.source.fetch(site.store.root / "sources"))
    return site.store.build(
        step.stage,
        params=step.params,
        inputs=inputs,
        executor=site.executor,
        timeout_s=site.timeout_s,
    )


def walk_steps(
    config: RunConfig,
    steps: Sequence[Step],
    made: dict[str, Artifact],
    build: Callable[[Site, Step, dict[str, Artifact]], Artifact] = build_step,
) -> dict[str, Artifact]:
    """Return `made` and the artifacts of the steps, by the names of their stages; the store keeps a record of it.

    Parameters
    ----------
    config
        Names the store and the executor.
    steps
        What to build, in order.
    made
        What is there already.
    build
        Builds or reuses one step.
    """
    executor = make_executor(**config.executor.model_dump(exclude={"timeout_s"}))
    site = Site(Store(config.store, config.store_cache), executor, config.executor.timeout_s)
    made = dict(made)
    try:
        with site.store.recording("run", make_source(config.source).title):
            for step in steps:
                made[step.stage.name] = build(site, step, made)
    finally:
        executor.close()
    return made


def summarize(made: dict[str, Artifact]) -> dict[str, Any]:
    """Return the paths of the artifacts and, where a model is among them, its `metrics`: plain JSON."""
    paths: dict[str, Any] = {name: str(artifact.path) for name, artifact in made.items()}
    if "model" not in made:
        return paths
    return paths | {"metrics": json.loads((made["model"].path / "metrics.json").read_text(encoding="utf-8"))}
