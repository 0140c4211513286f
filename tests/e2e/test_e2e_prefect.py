"""A real server, real workers: what a deployment does from the trigger to the trained model, and again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from urllib.request import urlopen

import pytest
import yaml

from small_tables import write_genres

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
LIMIT_S = 400
PREPARED = ["table", "checks", "split", "stats", "weights", "plan", "tokenizer", "shards", "synthetic"]
STAGES = [*PREPARED, "model", "report"]


@contextmanager
def process(command, env, folder):
    """Run a command in a session of its own, all of which is ended afterwards."""
    log = (folder / f"{command[0]}-{command[-1]}.log".replace("/", "-")).open("w")
    started = subprocess.Popen(
        [sys.executable, "-m", *command], env=env, cwd=folder, stdout=log, stderr=log, start_new_session=True
    )
    try:
        yield started
    finally:
        end(started)
        log.close()


def end(started):
    """End a process and what it started; one that is gone already, too."""
    with suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGTERM)
        try:
            started.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()


def ask(url, path, body):
    from urllib.request import Request

    request = Request(f"{url}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
    with urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def wait_for(wanted, limit_s=LIMIT_S):
    """Return the first true answer."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        found = wanted()
        if found:
            return found
        time.sleep(0.5)
    pytest.fail(f"nothing came of it within {limit_s} s")


def answers(url):
    try:
        with urlopen(f"{url}/health", timeout=5) as answer:  # noqa: S310 - loopback
            return answer.status == 200
    except OSError:
        return False


def read_runs(url):
    """Return the runs by flow, the oldest first."""
    flows = {flow["id"]: flow["name"] for flow in ask(url, "flows/filter", {})}
    found = {}
    for run in ask(url, "flow_runs/filter", {"sort": "START_TIME_ASC"}):
        if run["state_type"] != "SCHEDULED":
            found.setdefault(flows[run["flow_id"]], []).append(run)
    return found


def stage_states(url, run):
    tasks = ask(
        url, "task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}
    )
    return {task["name"]: task["state_name"] for task in tasks if task["name"] in STAGES}


@pytest.fixture
def place(tmp_path):
    """Yield folder, environment and address of a server that runs, with nothing of this machine's Prefect."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    url = f"http://127.0.0.1:{port}/api"
    env = clean | {
        "PREFECT_HOME": str(tmp_path / "home"),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PLANTED_SECRET": "hunter2-planted",
    }
    with process(["prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)], env, tmp_path):
        wait_for(lambda: answers(url), 120)
        yield tmp_path, env, url


def evenly(place, *arguments, code=0):
    folder, env, _ = place
    answer = subprocess.run(
        [sys.executable, "-m", "evenly", *arguments], env=env, cwd=folder, capture_output=True, text=True, check=False
    )
    assert answer.returncode == code, answer.stdout + answer.stderr
    return answer.stdout if code == 0 else answer.stderr


def kill_when_it_builds(place):
    """Kill a run of `pipeline` at work; return the ids of the runs that it leaves Running."""
    folder, env, url = place
    command = ["evenly", "run", "config.yaml", "--set", "handoff.kind=process", "--store", "other"]

    def at_work():
        runs = read_runs(url)
        tasks = ask(url, "task_runs/filter", {"task_runs": {"state": {"type": {"any_": ["RUNNING"]}}}})
        here = [run for run in runs.get("pipeline", []) + runs["prepare"] if run["state_type"] == "RUNNING"]
        return [run["id"] for run in here] if len(here) == 2 and len(tasks) > 1 else []

    with process(command, env, folder) as started:
        found = wait_for(at_work, 120)
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()
    return found


def write_config(folder):
    settings = {
        "source": {
            "files": write_genres(folder, 300).name,
            "text": "text",
            "labels": {"columns": "genres"},
            "storage_options": {"secret": "$PLANTED_SECRET"},
        },
        "train": {"epochs": 1, "baseline": False},
        "executor": {"workers": 1},
        "handoff": {"kind": "deployment"},
        "store": "store",
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))


def test_a_deployment_prepares_hands_over_reuses_and_is_started_by_an_event(place):
    folder, env, url = place
    write_config(folder)
    assert "--create-pools" in evenly(place, "deploy", "config.yaml", code=2)
    evenly(place, "deploy", "config.yaml", "--create-pools")
    refused = evenly(
        place, "run", "config.yaml", "--deployment", "prepare/on-demand", "--set", "train.epochs=0", code=2
    )
    assert "train.epochs" in refused
    assert read_runs(url) == {}
    assert wait_for(lambda: ask(url, "flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}))

    with ExitStack() as workers:
        for pool in ("cpu", "gpu"):
            workers.enter_context(
                process(["prefect", "worker", "start", "--type", "process", "--pool", pool], env, folder)
            )
        command = ("run", "config.yaml", "--deployment", "prepare/on-demand", "--watch")
        evenly(place, *command)
        evenly(place, *command)
        runs = read_runs(url)
        assert [stage_states(url, run) for run in runs["prepare"]] == [
            dict.fromkeys(PREPARED, "Built"),
            dict.fromkeys(PREPARED, "Reused"),
        ]
        assert [stage_states(url, run) for run in runs["train"]] == [
            {"model": "Built", "report": "Built"},
            {"model": "Reused", "report": "Reused"},
        ]
        assert {run["work_pool_name"] for run in runs["train"]} == {"gpu"}

        evenly(place, *command, "--set", "handoff.kind=event")
        third = wait_for(lambda: [run for run in read_runs(url)["train"][2:] if run["state_type"] == "COMPLETED"])
        assert third[0]["parameters"]["overrides"] == {"handoff.kind": "event"}

    killed = kill_when_it_builds(place)
    told = json.loads(evenly(place, "doctor", "config.yaml", "--fix", "--json"))
    assert [each["said"] for each in told if each["name"] == "runs"] == ["2 runs of dead processes marked Crashed"]
    states = {run["id"]: run["state_name"] for runs in read_runs(url).values() for run in runs}
    assert [states[run] for run in killed] == ["Crashed", "Crashed"]

    kinds = {(each["key"], each["type"]) for each in ask(url, "artifacts/filter", {"limit": 200})}
    assert kinds >= {("evenly-prepared", "markdown"), ("evenly-labels", "table"), ("evenly-report", "markdown")}
    assert all({"evenly"} <= set(run["tags"]) for runs in read_runs(url).values() for run in runs)
    holding = [path for path in folder.rglob("*") if path.is_file() and b"hunter2-planted" in path.read_bytes()]
    assert holding == []
