"""The flow ``compare``: `evenly.flows.comparing` with a Prefect task a stage, its recommendation as an artifact."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from pydantic import Field

from evenly.flows.comparing import run_comparison
from evenly.flows.parameters import ConfigPath, Described, Given, plain
from evenly.flows.pipeline import running
from evenly.flows.run_identity import name_run
from evenly.flows.stage_task import build_in_task

if TYPE_CHECKING:
    from evenly.store import Artifact

__all__ = ["compare"]

Budget = Annotated[
    float | None,
    Field(gt=0),
    Described("Minutes for the training of all models: epochs, then rows, are cut. null: nothing is cut."),
]


@flow(name="compare", flow_run_name=name_run, persist_result=False, result_serializer="json")
def compare(config_path: ConfigPath, overrides: Given = None, budget_minutes: Budget = None) -> dict[str, Any]:
    """Train every strategy of `compare` with every seed, where that is not done yet, and say which one helps.

    Parameters
    ----------
    config_path
        The run config, a YAML file.
    overrides
        Dotted names to values that go over those of the config.
    budget_minutes
        As `evenly.flows.comparing.run_comparison` has it.

    Returns
    -------
    dict
        `comparison`, the path of the artifact, and `recommendation`, its sentences.
    """
    with running("compare", config_path, overrides) as run:
        made = run_comparison(config_path, plain(overrides), budget_minutes=budget_minutes, build=build_in_task)
        sentences = _recommendation(made["comparison"])
        create_markdown_artifact("\n\n".join(sentences), key="evenly-comparison", description=run.title)
    return {"comparison": str(made["comparison"].path), "recommendation": sentences}


def _recommendation(comparison: Artifact) -> list[str]:
    found: list[str] = json.loads((comparison.path / "comparison.json").read_text(encoding="utf-8"))["recommendation"]
    return found
