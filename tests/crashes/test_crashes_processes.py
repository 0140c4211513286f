"""Processes that are killed with signal 9 in the middle of a partition, and two runs of one config at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import small_runs
from crash_stages import SLOW, attempts, wait_for_attempts
from evenly.errors import WorkerDiedError
from evenly.executor import LocalProcesses
from evenly.store import Store


def test_a_local_worker_that_is_killed_costs_what_was_under_way(tmp_path):
    log, store = tmp_path / "log", Store(tmp_path / "store")
    log.mkdir()
    params = {"n": 6, "log": str(log), "pause_s": 0.2}
    killer = threading.Thread(target=lambda: (wait_for_attempts(log, 3), os.kill(attempts(log)[-1][1], signal.SIGKILL)))
    killer.start()
    executor = LocalProcesses(2)
    with pytest.raises(WorkerDiedError, match="what is finished is kept"):
        store.build(SLOW, params=params, inputs={}, executor=executor)
    killer.join()
    marks = len(list((tmp_path / "store").glob("slow/.partial-*/.work/parts.done/*.json")))
    n_before = len(attempts(log))
    artifact = store.build(SLOW, params=params | {}, inputs={}, executor=executor)
    executor.close()

    assert marks >= 1
    assert len(attempts(log)) - n_before == 6 - marks
    assert [path.read_text() for path in sorted(artifact.path.glob("*.bin"))] == [f"first half {n}" for n in range(6)]
    assert [path.name for path in artifact.path.parent.iterdir()] == [artifact.path.name]


def start(run) -> subprocess.Popen[bytes]:
    program = Path(small_runs.__file__)
    return subprocess.Popen([sys.executable, str(program), str(run.folder / "config.yaml"), "synthetic"])


@pytest.mark.slow
def test_two_runs_of_one_config_at_once_build_everything_once(fresh):
    first, second = start(fresh), start(fresh)

    assert [first.wait(timeout=120), second.wait(timeout=120)] == [0, 0]
    assert all(len(list((fresh.store / stage).iterdir())) == 1 for stage in ("table", "plan", "synthetic"))
    assert fresh.again("synthetic") == []
