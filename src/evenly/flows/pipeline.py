"""The flows ``prepare``, ``train`` and ``pipeline``: one Prefect task a stage.

A flow takes the path of a config and flat overrides, so that a deployment's parameters stay readable, and returns
paths and figures as JSON. Prefect's own cache and result storage are off: the store decides what is reused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from evenly.config import RunConfig, load_config
from evenly.errors import EvenlyError
from evenly.executor import Executor, make_executor
from evenly.flows.steps import Step, cut_after, prepare_steps, train_steps
from evenly.store import Artifact, Store, open_artifact

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["pipeline", "prepare", "train"]

Overrides = dict[str, Any]


def _is_transient(_task: Any, _run: Any, state: Any) -> bool:
    """Retry what a second try may mend: errors of disk or network, never bad data or a bad config."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, OSError) and not isinstance(error, EvenlyError)


@task(
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=2,
    retry_delay_seconds=[2, 10],
    retry_condition_fn=_is_transient,
)
def build_stage(store: Store, step: Step, made: dict[str, Artifact], executor: Executor) -> Artifact:
    """Build or reuse the artifact of one step."""
    inputs = {name: made[name] for name in step.inputs} | step.files
    return store.build(step.stage, params=step.params, inputs=inputs, executor=executor)


def _build_all(config: RunConfig, steps: Sequence[Step], made: dict[str, Artifact]) -> dict[str, Artifact]:
    """Build the steps in order on top of what is made already."""
    store = Store(config.store)
    executor = make_executor(**config.executor.model_dump())
    try:
        for step in steps:
            made[step.stage.name] = build_stage.with_options(name=step.stage.name)(store, step, made, executor)
    finally:
        executor.close()
    return made


@flow(name="prepare", persist_result=False, validate_parameters=True)
def prepare(config_path: str, overrides: Overrides | None = None, until: str | None = None) -> dict[str, Any]:
    """Bring raw files to token shards.

    Parameters
    ----------
    config_path
        The run config, a YAML file.
    overrides
        Dotted names to values that go over those of the config, such as ``{"split.test": 0.2}``.
    until
        The last stage to build; None: all of them.

    Returns
    -------
    dict
        Stage names to the paths of their artifacts.
    """
    config = load_config(config_path, overrides)
    return _paths(_build_all(config, cut_after(prepare_steps(config), until), {}))


@flow(name="train", persist_result=False, validate_parameters=True)
def train(
    config_path: str,
    overrides: Overrides | None = None,
    until: str | None = None,
    prepared: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Train, measure and report.

    Parameters
    ----------
    config_path, overrides, until
        As those of `prepare`.
    prepared
        What `prepare` returned: stage names to paths; None: found in the store, or built.

    Returns
    -------
    dict
        Stage names to the paths of their artifacts; `metrics` has the figures of the model.
    """
    config = load_config(config_path, overrides)
    if prepared is None:
        made = _build_all(config, prepare_steps(config), {})
    else:
        made = {name: open_artifact(Path(path)) for name, path in prepared.items()}
    made = _build_all(config, cut_after(train_steps(config), until), made)
    return _paths(made) | _figures(made)


@flow(name="pipeline", persist_result=False, validate_parameters=True)
def pipeline(config_path: str, overrides: Overrides | None = None, until: str | None = None) -> dict[str, Any]:
    """Run `prepare`, then `train`; parameters and the return value are theirs."""
    config = load_config(config_path, overrides)
    first = prepare_steps(config)
    wanted = cut_after([*first, *train_steps(config)], until)
    if len(wanted) <= len(first):
        return prepare(config_path, overrides, until)
    return train(config_path, overrides, until, prepared=prepare(config_path, overrides))


def _paths(made: dict[str, Artifact]) -> dict[str, Any]:
    return {name: str(artifact.path) for name, artifact in made.items()}


def _figures(made: dict[str, Artifact]) -> dict[str, Any]:
    if "model" not in made:
        return {}
    metrics = json.loads((made["model"].path / "metrics.json").read_text(encoding="utf-8"))
    rows = "\n".join(f"| {name} | {value:.4g} |" for name, value in metrics.items() if name.startswith("test/"))
    create_markdown_artifact(f"| metric | value |\n|---|---|\n{rows}", key="evenly-metrics")
    return {"metrics": metrics}
