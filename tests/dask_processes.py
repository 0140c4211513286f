"""A Dask cluster as a person has one: a scheduler and workers, each a process of its own, on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parent
PYTHON_PATH = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
LIMIT_S = 60


@dataclass
class Cluster:
    """The processes, and where the scheduler listens."""

    folder: Path
    scheduler: subprocess.Popen[bytes]
    workers: dict[str, subprocess.Popen[bytes]]

    @property
    def address(self) -> str:
        """The scheduler's."""
        return json.loads((self.folder / "scheduler.json").read_text())["address"]

    def kill_worker(self, name: str) -> None:
        """End a worker as the kernel does when memory is short."""
        process = self.workers.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def add_worker(self, name: str, n_threads: int = 1, **environment: str) -> None:
        """Start a worker; it joins by itself."""
        self.workers[name] = _start(
            "dask_worker",
            *("--scheduler-file", str(self.folder / "scheduler.json"), "--name", name, "--no-nanny"),
            *("--nthreads", str(n_threads), "--memory-limit", "1GiB", "--host", "127.0.0.1", "--no-dashboard"),
            *("--local-directory", str(self.folder)),
            folder=self.folder,
            **{"EVENLY_CACHE": str(self.folder / f"cache-{name}")} | environment,
        )

    def wait_for(self, *names: str) -> None:
        """Return once these workers have joined."""
        from distributed import Client

        wanted = {self.workers[name].pid for name in names}
        deadline = time.monotonic() + LIMIT_S
        with Client(self.address, set_as_default=False) as client:
            while not wanted.issubset(client.run(os.getpid, on_error="ignore").values()):
                if time.monotonic() > deadline:
                    raise TimeoutError((self.folder / "log.txt").read_text())
                time.sleep(0.05)

    def close(self) -> None:
        """End everything."""
        for process in (*self.workers.values(), self.scheduler):
            process.kill()
            process.wait()


@contextmanager
def running_cluster(folder: Path, n_workers: int) -> Iterator[Cluster]:
    """Run a scheduler and workers named w0, w1, ..."""
    folder.mkdir()
    arguments = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show")
    scheduler = _start("dask_scheduler", *arguments, "--scheduler-file", str(folder / "scheduler.json"), folder=folder)
    cluster = Cluster(folder, scheduler, {})
    try:
        for number in range(n_workers):  # they wait for the scheduler's file
            cluster.add_worker(f"w{number}")
        deadline = time.monotonic() + LIMIT_S
        while not (cluster.folder / "scheduler.json").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        cluster.wait_for(*cluster.workers)
        yield cluster
    finally:
        cluster.close()


def _start(program: str, *arguments: str, folder: Path, **environment: str) -> subprocess.Popen[bytes]:
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{program}", *arguments],
            cwd=folder,  # not where the tests run: paths must arrive in full
            env=os.environ
            | {"PYTHONPATH": PYTHON_PATH, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "60s"}
            | environment,
            stdout=log,
            stderr=log,
        )
