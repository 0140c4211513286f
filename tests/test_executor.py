"""Executors give the same answers; a process that dies is said; no orphan stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evenly.errors import ColumnNotFoundError, ConfigError, WorkerDiedError
from evenly.executor import Executor, InProcess, LocalProcesses, Threads, in_threads, make_executor
from evenly.isolation import run_isolated
from evenly.progress import Advanced, Event, observing
from executor_functions import die, fail, refuse, square, tell

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def processes() -> Iterator[LocalProcesses]:
    executor = LocalProcesses(2)
    yield executor
    executor.close()


def test_every_item_is_answered_once(processes: Executor) -> None:
    for executor in (InProcess(), Threads(2), processes):
        assert dict(executor.map(square, [3, 1, 2])) == {0: 9, 1: 1, 2: 4}
        assert dict(executor.map(square, [])) == {}


def test_a_dead_worker_is_an_error_and_the_next_map_works(processes: Executor) -> None:
    with pytest.raises(WorkerDiedError, match="out of memory"):
        dict(processes.map(die, [1, 2]))
    assert dict(processes.map(square, [2, 3])) == {0: 4, 1: 9}


def test_errors_of_a_worker_arrive_as_they_are(processes: Executor) -> None:
    with pytest.raises(ColumnNotFoundError, match="did you mean 'text'"):
        dict(processes.map(refuse, [1, 2]))


def test_few_items_are_for_threads_and_as_many_of_them_as_fit_into_memory() -> None:
    processes = LocalProcesses(4, memory_limit=600)
    assert in_threads(processes, 65) is processes
    assert [in_threads(processes, 64, size).workers for size in (0, 49, 66, 1_000)] == [4, 4, 3, 1]
    assert isinstance(in_threads(processes, 64), Threads)


def test_dask_without_an_address_or_a_scheduler_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"executor\.address"):
        make_executor("dask")


def test_isolated_functions_answer_and_tell() -> None:
    heard: list[Event] = []
    with observing(heard.append):
        assert run_isolated(tell, 4) == 16
    assert heard == [Advanced("tell", 1, 4, "things")]


def test_isolated_errors_arrive() -> None:
    with pytest.raises(ColumnNotFoundError, match="did you mean 'text'"):
        run_isolated(refuse, 1)
    with pytest.raises(WorkerDiedError, match="ZeroDivisionError"):
        run_isolated(fail, 1)
    with pytest.raises(WorkerDiedError, match="out of memory"):
        run_isolated(die, 1)


def test_an_isolated_process_dies_with_its_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent(f"""
            import sys
            sys.path.insert(0, {str(Path(__file__).parent)!r})
            from executor_functions import pause
            from evenly.isolation import run_isolated
            if __name__ == "__main__":
                run_isolated(pause, {str(tmp_path / "pid")!r})
        """)
    )
    parent = subprocess.Popen([sys.executable, str(script)])
    child = _wait_for(tmp_path / "pid")
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()

    deadline = time.monotonic() + 30
    while _is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_alive(child)


def _wait_for(path: Path) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and path.read_text():
            return int(path.read_text())
        time.sleep(0.05)
    raise TimeoutError(path)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
