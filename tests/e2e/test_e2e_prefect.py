"""A real server, real workers: what a deployment does from the trigger to the trained model, and again.

And when a run is cancelled, when a script or the server is killed, and when secrets are about.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

from evenly.flows.deployments import DEPLOYMENTS
from evenly.manifest import read_manifest
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


def ask(url, path, body=None, tries=5):
    """Return what the server answers; asked again, as Prefect's clients do, where its database is busy (503)."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{url}/{path}", data, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urlopen(request, timeout=120) as answer:  # noqa: S310 - loopback
            return json.load(answer)
    except HTTPError as error:
        if error.code != 503 or tries == 1:
            raise
    time.sleep(2)
    return ask(url, path, body, tries - 1)


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
        "PLANTED_PASSWORD": "geheim-planted",
    }
    command = ["prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with process(command, env, tmp_path) as server:
        wait_for(lambda: answers(url), 120)
        env["SERVER_PID"] = str(server.pid)
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


def start(place, config, **overrides):
    """Start a run of `prepare/on-demand`; return its id."""
    return start_deployment(place, "prepare/on-demand", config, overrides=overrides)


def start_deployment(place, name, config, **parameters):
    folder, _, url = place
    deployment = ask(url, f"deployments/name/{name}")["id"]
    parameters["config_path"] = str(folder / config)
    return ask(url, f"deployments/{deployment}/create_flow_run", {"parameters": parameters})["id"]


def state_of(url, run):
    return ask(url, f"flow_runs/{run}")["state_name"]


def processes_of(run):
    """Return the processes that know that they belong to a run: the flow's, and all that it started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"PREFECT__FLOW_RUN_ID={run}".encode() in path.read_bytes():
                found.append(path.parent.name)
    return found


def digests(store):
    """Return what the artifacts of a store hold."""
    return {
        f"{path.parent.parent.name}/{path.parent.name}": read_manifest(path.parent).digest
        for stage in PREPARED
        for path in store.glob(f"{stage}/*/manifest.json")
    }


def cancel_when_it_builds(place):
    """Cancel a run, as the button of the pages does, while a stage is at work in a process of its own; run it again."""
    folder, _, url = place
    settings = {"store": str(folder / "cancelled"), "executor.timeout_s": 600, "handoff.kind": "process"}
    run = start(place, "config.yaml", **settings)
    # the flow, multiprocessing's tracker of resources, and a stage
    wait_for(lambda: "Running" in stage_states(url, {"id": run}).values() and len(processes_of(run)) > 2)
    asked = ask(url, f"flow_runs/{run}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})
    assert asked["status"] == "ACCEPT"
    wait_for(lambda: state_of(url, run) == "Cancelled" and not processes_of(run), 60)
    before = digests(folder / "cancelled")
    assert len(before) < len(PREPARED)

    again = start(place, "config.yaml", **settings)
    wait_for(lambda: state_of(url, again) == "Completed")
    assert digests(folder / "cancelled") == digests(folder / "store")


def use_secrets(place):
    """Ask a database with a password in its address and a site that is sent a key; both refuse, which is logged."""
    folder, _, url = place
    source = {"database": "mysql+nodriver://me:$PLANTED_PASSWORD@127.0.0.1/db", "query": "select text, genres from t"}
    site = {"files": [f"{url}/none.csv"], "storage_options": {"headers": {"Authorization": "Bearer $PLANTED_SECRET"}}}
    runs = []
    for name, where in (("database.yaml", source), ("site.yaml", site)):
        settings = {"source": {**where, "text": "text", "labels": {"columns": "genres"}}, "store": "secret"}
        (folder / name).write_text(yaml.safe_dump(settings | {"executor": {"workers": 1}}))
        runs.append(start(place, name))
    ended = {"Completed", "Failed", "Crashed"}
    assert wait_for(lambda: [found for run in runs if (found := state_of(url, run)) in ended][1:] and runs)
    assert [state_of(url, run) for run in runs] == ["Failed", "Failed"]
    said = [ask(url, f"flow_runs/{run}")["state"]["message"] for run in runs]
    assert "no dialect" in said[0]
    assert "there is no such file" in said[1]


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
    forms = [each["parameter_openapi_schema"]["properties"] for each in ask(url, "deployments/filter", {})]
    assert len(forms) == len(DEPLOYMENTS)
    assert all(each.get("description") for form in forms for each in form.values())
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
        assert "stage=table outcome=built" in evenly(place, *command)
        assert "stage=synthetic outcome=reused" in evenly(place, *command)
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
        asked = {"files": ["genres.csv"], "output": "said.jsonl"}
        prediction = start_deployment(place, "predict/on-demand", "config.yaml", **asked)
        cancel_when_it_builds(place)
        use_secrets(place)
        wait_for(lambda: state_of(url, prediction) == "Completed")
        assert {"row", "labels", "probabilities"} == set(
            json.loads((folder / "said.jsonl").read_text().splitlines()[299])
        )

    killed = kill_when_it_builds(place)
    told = json.loads(evenly(place, "doctor", "config.yaml", "--fix", "--json"))
    assert [each["said"] for each in told if each["name"] == "runs"] == ["2 runs of dead processes marked Crashed"]
    states = {run["id"]: run["state_name"] for runs in read_runs(url).values() for run in runs}
    assert [states[run] for run in killed] == ["Crashed", "Crashed"]

    kinds = {(each["key"], each["type"]) for each in ask(url, "artifacts/filter", {"limit": 200})}
    assert kinds >= {("evenly-prepared", "markdown"), ("evenly-labels", "table"), ("evenly-report", "markdown")}
    assert all({"evenly"} <= set(run["tags"]) for runs in read_runs(url).values() for run in runs)
    holding = [
        path
        for path in folder.rglob("*")
        if path.is_file()
        and any(env[name].encode() in path.read_bytes() for name in env if name.startswith("PLANTED_"))
    ]
    assert holding == []
    persisted = [json.loads(path.read_bytes()) for path in (folder / "home").glob("storage/*") if path.is_file()]
    assert {each.get("__exc_type__") for each in persisted} == {  # the sentence of a failed run, and no result
        "evenly.errors.ConfigError",
        "evenly.errors.SourceNotFoundError",
    }
    private = (folder / "secret" / "sources", folder / "home" / "storage")
    assert [stat.S_IMODE(each.stat().st_mode) for each in private] == [0o700, 0o700]


@pytest.mark.slow
def test_a_killed_server_ends_the_run_with_a_sentence(place):
    """Prefect tries for minutes to reach it."""
    folder, env, _ = place
    write_config(folder)
    settings = ["--set", "handoff.kind=process", "--until", "synthetic", "--store", "alone"]
    command = ["evenly", "run", "config.yaml", *settings]
    with process(command, env, folder) as started:
        wait_for(lambda: list((folder / "alone" / "table").glob("*/manifest.json")), 120)
        os.killpg(int(env["SERVER_PID"]), signal.SIGKILL)
        code = started.wait(timeout=200)
    said = (folder / "evenly-alone.log").read_text()
    assert code == 0 or (code == 2 and "does not answer" in said), said
    assert "Traceback" not in said
    evenly(place, "run", "config.yaml", *settings, "--no-prefect")
    evenly(place, "run", "config.yaml", *settings[:-1], "undisturbed", "--no-prefect")
    assert digests(folder / "alone") == digests(folder / "undisturbed")
