"""The flows ``prepare``, ``train`` and ``pipeline``: one Prefect task a stage.

A flow takes the path of a config and flat overrides, so that a deployment's parameters stay readable, and returns
paths and figures as JSON. Prefect's own cache and result storage are off: the store decides what is reused.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from evenly.config import load_config
from evenly.errors import EvenlyError, SourceUnreachableError
from evenly.flows.steps import Step, cut_after, prepare_steps, train_steps
from evenly.flows.walk import build_step, summarize, walk_steps
from evenly.store import Artifact, Store, open_artifact

if TYPE_CHECKING:
    from evenly.executor import Executor

__all__ = ["pipeline", "prepare", "train"]

Overrides = dict[str, Any]


def _is_transient(_task: Any, _run: Any, state: Any) -> bool:
    """Retry what a second try may mend: errors of disk or network, never bad data or a bad config."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, OSError) and (
        not isinstance(error, EvenlyError) or isinstance(error, SourceUnreachableError)
    )


_build_task = task(
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=2,
    retry_delay_seconds=[2, 10],
    retry_condition_fn=_is_transient,
)(build_step)


def _build(store: Store, step: Step, made: dict[str, Artifact], executor: Executor) -> Artifact:
    return _build_task.with_options(name=step.stage.name)(store, step, made, executor)


@flow(name="prepare", persist_result=False)
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
    return summarize(walk_steps(config, cut_after(prepare_steps(config), until), {}, _build))


@flow(name="train", persist_result=False)
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
        made = walk_steps(config, prepare_steps(config), {}, _build)
    else:
        made = {name: open_artifact(Path(path)) for name, path in prepared.items()}
    result = summarize(walk_steps(config, cut_after(train_steps(config), until), made, _build))
    figures = [{"metric": name, "value": value} for name, value in result.get("metrics", {}).items()]
    create_table_artifact(figures, key="evenly-metrics", description=f"Report: {result.get('report', 'not built')}")
    return result


@flow(name="pipeline", persist_result=False)
def pipeline(config_path: str, overrides: Overrides | None = None, until: str | None = None) -> dict[str, Any]:
    """Run `prepare`, then `train`; parameters and the return value are theirs."""
    config = load_config(config_path, overrides)
    n_prepare = len(prepare_steps(config))
    if len(cut_after([*prepare_steps(config), *train_steps(config)], until)) <= n_prepare:
        return prepare(config_path, overrides, until)
    return train(config_path, overrides, until, prepared=prepare(config_path, overrides))
