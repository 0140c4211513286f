"""Walk the steps of a run: build or reuse one artifact after the other, and sum up what there is.

Nothing of Prefect here: the flows pass a task as `build`, ``evenly run --no-prefect`` passes `build_step` itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from evenly.executor import make_executor
from evenly.progress import Started, emit
from evenly.store import Artifact, Files, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evenly.config import RunConfig
    from evenly.executor import Executor
    from evenly.flows.steps import Step
    from evenly.store import Input

__all__ = ["build_step", "summarize", "walk_steps"]


def build_step(store: Store, step: Step, made: dict[str, Artifact], executor: Executor) -> Artifact:
    """Build or reuse the artifact of one step; what it takes from elsewhere is fetched first."""
    inputs: dict[str, Input] = {name: made[name] for name in step.inputs} | step.files
    if step.source is not None:
        emit(Started(step.stage.name))
        inputs["files"] = Files(step.source.fetch(store.root / "sources"))
    return store.build(step.stage, params=step.params, inputs=inputs, executor=executor)


def walk_steps(
    config: RunConfig,
    steps: Sequence[Step],
    made: dict[str, Artifact],
    build: Callable[[Store, Step, dict[str, Artifact], Executor], Artifact] = build_step,
) -> dict[str, Artifact]:
    """Return `made` and the artifacts of the steps, by the names of their stages."""
    store = Store(config.store)
    executor = make_executor(**config.executor.model_dump())
    made = dict(made)
    try:
        for step in steps:
            made[step.stage.name] = build(store, step, made, executor)
    finally:
        executor.close()
    return made


def summarize(made: dict[str, Artifact]) -> dict[str, Any]:
    """Return the paths of the artifacts and, where a model is among them, its `metrics`: plain JSON."""
    paths: dict[str, Any] = {name: str(artifact.path) for name, artifact in made.items()}
    if "model" not in made:
        return paths
    return paths | {"metrics": json.loads((made["model"].path / "metrics.json").read_text(encoding="utf-8"))}
