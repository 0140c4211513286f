"""The flow in a process of its own, with the server that Prefect starts for it: one task a stage, then all reused."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import yaml

from small_tables import write_genres

SCRIPT = """
import asyncio, json, sys
from evenly.errors import EvenlyError
from evenly.flows.pipeline import pipeline
from evenly.progress import Finished, observing
from prefect import get_client


async def read_runs():
    async with get_client() as client:
        flows = await client.read_flow_runs()
        tasks = [run for run in await client.read_task_runs() if run.state.state_details.child_flow_run_id is None]
        flow_states = {(await client.read_flow(run.flow_id)).name: run.state.name for run in flows}
        return flow_states, sorted((run.name.rsplit("-", 1)[0], run.state.name) for run in tasks)


if __name__ == "__main__":
    config, until = sys.argv[1], sys.argv[2] or None
    heard, error = [], ""
    with observing(lambda event: heard.append((event.stage, event.reused)) if isinstance(event, Finished) else None):
        try:
            result = pipeline(config, {"train.epochs": 1}, until)
        except EvenlyError as raised:
            result, error = {}, str(raised)
    flows, tasks = asyncio.run(read_runs())
    print(json.dumps({"result": result, "heard": heard, "flows": flows, "tasks": tasks, "error": error}))
"""

STAGES = [
    *("table", "checks", "split", "stats", "weights", "plan", "tokenizer", "shards", "synthetic"),
    *("baseline", "model", "report"),
]


def run_pipeline(folder, config, name, until=""):
    """Run the flow with an empty Prefect home and return what the script prints."""
    script = folder / "run_pipeline.py"
    script.write_text(SCRIPT)
    unset = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    answer = subprocess.run(
        [sys.executable, str(script), str(config), until],
        env=unset | {"PREFECT_HOME": str(folder / name), "PREFECT_LOGGING_LEVEL": "CRITICAL"},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(answer.stdout.splitlines()[-1])


@pytest.fixture
def config(tmp_path):
    source = {"files": write_genres(tmp_path, 300).name, "text": "text", "labels": {"columns": "genres"}}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"source": source, "resample": {"method": "ml_ros"}}))
    return path


@pytest.mark.slow
def test_a_run_is_a_task_a_stage_and_the_next_one_reuses_them_all(config, tmp_path):
    first = run_pipeline(tmp_path, config, "first")
    again = run_pipeline(tmp_path, config, "again")

    assert first["heard"] == [[stage, False] for stage in STAGES]
    assert again["heard"] == [[stage, True] for stage in STAGES]
    assert first["flows"] == dict.fromkeys(("pipeline", "prepare", "train"), "Completed")
    assert sorted(stage for stage, _ in first["tasks"]) == sorted(STAGES)
    assert {state for _, state in first["tasks"]} == {"Built"}
    assert {state for _, state in again["tasks"]} == {"Reused"}
    assert first["result"] == again["result"]
    assert 0 <= first["result"]["metrics"]["test/f1_macro"] <= 1


@pytest.mark.slow
def test_bad_data_fails_the_run_at_once_and_without_a_retry(config, tmp_path):
    config.write_text(config.read_text().replace("columns: genres", "columns: genre"))
    told = run_pipeline(tmp_path, config, "bad", "table")

    assert "did you mean 'genres'" in told["error"]
    assert told["flows"] == dict.fromkeys(("pipeline", "prepare"), "Failed")
    assert told["tasks"] == [["table", "Failed"]]
