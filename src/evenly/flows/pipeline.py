"""The flows ``prepare``, ``train`` and ``pipeline``: one Prefect task a stage.

A flow takes the path of a config and flat overrides, so that a deployment's parameters stay readable, and returns
paths and figures as JSON. Prefect's own cache and result storage are off: the store decides what is reused.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from prefect import flow

from evenly.config import RunConfig, load_config
from evenly.flows.handoff import hand_off, tell_ready
from evenly.flows.pages import show_prepared, show_trained
from evenly.flows.parameters import ConfigPath, Given, Prepared, Until, UntilPrepared, plain
from evenly.flows.run_identity import introduce_run, name_run
from evenly.flows.server import leaving_without_server
from evenly.flows.stage_task import build_in_task
from evenly.flows.steps import cut_after, make_source, prepare_steps, train_steps
from evenly.flows.walk import summarize, walk_steps
from evenly.store import Artifact, Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evenly.flows.steps import Step
    from evenly.runs import Recording

__all__ = ["FlowRun", "pipeline", "prepare", "running", "train"]


@dataclass(frozen=True)
class FlowRun:
    """A flow run under way.

    Attributes
    ----------
    config, title
        Its config, and the name of the source.
    request
        `config_path` (absolute) and `overrides`: what another flow needs to run on the same.
    record, store
        Which artifacts it uses, and of which store.
    """

    config: RunConfig
    title: str
    request: dict[str, Any]
    record: Recording
    store: Store

    def walk(self, steps: Sequence[Step], made: dict[str, Artifact]) -> dict[str, Artifact]:
        """Build or reuse steps, a task each."""
        return walk_steps(self.config, steps, made, build_in_task)


@contextmanager
def running(flow_name: str, config_path: str, overrides: Given | dict[str, Any]) -> Iterator[FlowRun]:
    """Begin a flow: load its config, give the run tags and a mark of its process, record what it uses.

    Parameters
    ----------
    flow_name
        For the tags and the record.
    config_path, overrides
        As the flow was given them.
    """
    given = plain(overrides)
    run_id = introduce_run(flow_name)
    config = load_config(config_path, given)
    title = make_source(config.source).title
    request = {"config_path": str(Path(config_path).absolute()), "overrides": given}
    store = Store(config.store, config.store_cache)
    with leaving_without_server(), store.recording(flow_name, title, run_id) as record:
        yield FlowRun(config, title, request, record, store)


@flow(name="prepare", flow_run_name=name_run, persist_result=False, result_serializer="json")
def prepare(config_path: ConfigPath, overrides: Given = None, until: UntilPrepared = None) -> dict[str, Any]:
    """Bring raw files to token shards, tell that they are ready and, where `handoff` says so, start the training.

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
        Stage names to the paths of their artifacts; after a hand-off `handed_to`, the run that trains, and where it
        was waited for `metrics`.
    """
    with running("prepare", config_path, overrides) as run:
        made = run.walk(cut_after(prepare_steps(run.config), until), {})
        show_prepared(made, title=run.title)
        if "synthetic" not in made:  # cut short: there is nothing to train on
            return summarize(made)
        tell_ready(run.config, made, run.request)
        handed = hand_off(run.config, made, run.request) if run.config.handoff.kind == "deployment" else {}
        return summarize(made) | handed


@flow(name="train", flow_run_name=name_run, persist_result=False, result_serializer="json")
def train(
    config_path: ConfigPath,
    overrides: Given = None,
    until: Until = None,
    prepared: Prepared = None,
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
    with running("train", config_path, overrides) as run:
        if prepared is None:
            made = run.walk(prepare_steps(run.config), {})
        else:
            made = {name: run.store.open(Path(path)) for name, path in prepared.items()}
            for name, artifact in made.items():
                run.record.add(name, artifact.manifest.key)
        made = run.walk(cut_after(train_steps(run.config), until), made)
        result = summarize(made)
        metrics = result.get("metrics", {})
        run.record.add_figures({"metrics": metrics} if metrics else {})
        show_trained(made, metrics, title=run.title)
        return result


@flow(name="pipeline", flow_run_name=name_run, persist_result=False, result_serializer="json")
def pipeline(config_path: ConfigPath, overrides: Given = None, until: Until = None) -> dict[str, Any]:
    """Run `prepare`, then `train` here, unless `handoff` gives it to others; parameters and return value are theirs."""
    with running("pipeline", config_path, overrides) as run:
        n_prepare = len(prepare_steps(run.config))
        steps = cut_after([*prepare_steps(run.config), *train_steps(run.config)], until)
        if len(steps) <= n_prepare:
            return prepare(config_path, overrides, cast("UntilPrepared", steps[-1].stage.name))
        found = prepare(config_path, overrides)
        if run.config.handoff.kind != "process":
            return found
        return train(config_path, overrides, until, prepared=found)
