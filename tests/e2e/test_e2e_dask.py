"""A scheduler and three workers, each a process: the same bytes as here, and what becomes of a worker that is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from crash_stages import SLOW, attempts, wait_for_attempts
from dask_processes import PYTHON_PATH, Cluster, running_cluster
from evenly.config import load_config
from evenly.errors import ConfigError, WorkerDiedError
from evenly.executor import make_executor
from evenly.progress import Event, Finished, observing
from evenly.store import Store
from executor_functions import nap
from s3_server import S3, running_s3
from small_runs import digests, run_until, write_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evenly.store import Artifact

pytest.importorskip("distributed")
pytest.importorskip("s3fs")
pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    """Return a bucket that this process and the workers know by their environment."""
    with running_s3() as found, pytest.MonkeyPatch.context() as patch:
        for name, value in found.environment.items():
            patch.setenv(name, value)
        yield found


@pytest.fixture(scope="module")
def cluster(s3: S3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("dask") / "cluster", 3) as found:
        yield found


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Artifact]]:
    """Return a config, and the artifacts of its run without a cluster."""
    config = write_run(tmp_path_factory.mktemp("here"), n_files=3, rows_a_file=700)
    return config, run_until(load_config(config, {"store": "here"}), "synthetic")


def test_every_stage_writes_the_bytes_that_it_writes_here(cluster, here, monkeypatch):
    config, here = here
    monkeypatch.chdir(config.parent)  # the store is named relative to a folder in which no worker is
    dask = {"executor": {"kind": "dask", "address": cluster.address}, "store": "there"}
    there = run_until(load_config(config.name, dask), "synthetic")

    assert digests(there) == digests(here)
    assert set(here) == {"table", "checks", "split", "stats", "weights", "plan", "tokenizer", "shards", "synthetic"}
    assert here["plan"].facts["n_synthetic"] > 0
    assert [len(list((made["table"].path).glob("part-*"))) for made in (here, there)] == [3, 3]


def test_workers_that_share_no_folder_write_the_same_bytes_through_a_bucket(cluster, s3, here, tmp_path):
    config, here = here
    store = {"store": "s3://bucket/team", "store_cache": str(tmp_path / "mine")}
    dask = {"executor": {"kind": "dask", "address": cluster.address}}
    there = run_until(load_config(config, store | dask), "synthetic")

    assert digests(there) == digests(here)
    assert not [name for name in s3.objects if "/.work/" in name]
    caches = [list((cluster.folder / f"cache-w{n}").glob("stores/*/far/blobs/*")) for n in range(3)]
    assert all(caches)
    assert not list(cluster.folder.glob("cache-w*/stores/*/far/views/*"))

    heard: list[Event] = []
    with observing(heard.append):
        other = run_until(load_config(config, store | {"store_cache": str(tmp_path / "other")}), "synthetic")
    assert digests(other) == digests(here)
    assert all(event.reused for event in heard if isinstance(event, Finished))


@pytest.mark.parametrize("is_shared", [True, False], ids=["folder", "bucket"])
def test_a_worker_that_is_killed_costs_the_partition_that_it_was_at(cluster, tmp_path, is_shared):
    store = Store(tmp_path / "store") if is_shared else Store("s3://bucket/team", tmp_path / "cache")
    params = {"n": 12, "log": str(tmp_path / "log"), "pause_s": 0.3}
    (tmp_path / "log").mkdir()
    made = []

    def build() -> None:
        executor = make_executor("dask", address=cluster.address)
        made.append(store.build(SLOW, params=params, inputs={}, executor=executor))
        executor.close()

    run = threading.Thread(target=build)
    run.start()
    killed = cluster.workers["w1"].pid
    wait_for_attempts(tmp_path / "log", 2, killed)
    cluster.kill_worker("w1")
    cluster.add_worker("w1")  # for the other tests
    run.join()

    ran = attempts(tmp_path / "log")
    twice = [item for item, _ in ran if sum(item == other for other, _ in ran) > 1]
    # Without a folder for all, nobody knows of a partition that a worker had finished and could not tell of.
    assert len(ran) == 13 if is_shared else 13 <= len(ran) <= 14
    assert (twice[0], killed) in ran
    files = {path.name: path.read_text() for path in made[0].path.glob("*.bin")}
    assert files == {f"{item:05d}.bin": f"first half {item}" for item in range(12)}


BUILD = """
from crash_stages import SLOW
from evenly.executor import make_executor
from evenly.store import Store
Store({store!r}).build(SLOW, params={params!r}, inputs={{}}, executor=make_executor("dask", address={address!r}))
"""


def test_a_flow_that_is_killed_leaves_workers_that_disturb_nobody(cluster, tmp_path):
    """They go on with what they are at, while the same command is already at work again."""
    log = tmp_path / "log"
    log.mkdir()
    params = {"n": 8, "log": str(log), "pause_s": 0.5}
    script = BUILD.format(store=str(tmp_path / "store"), params=params, address=cluster.address)
    flow = subprocess.Popen([sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": PYTHON_PATH})
    wait_for_attempts(log, 3)
    flow.kill()
    flow.wait()
    executor = make_executor("dask", address=cluster.address)
    made = Store(tmp_path / "store").build(SLOW, params=params, inputs={}, executor=executor)
    executor.close()

    assert len(attempts(log)) <= 8 + 3
    assert [path.read_text() for path in sorted(made.path.glob("*.bin"))] == [f"first half {item}" for item in range(8)]
    assert [path.name for path in made.path.parent.iterdir()] == [made.path.name]


def test_a_worker_with_other_versions_gets_no_work(cluster, tmp_path):
    other = tmp_path / "evenly-9.9.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: evenly\nVersion: 9.9\n")
    executor = make_executor("dask", address=cluster.address)
    cluster.add_worker("other", PYTHONPATH=f"{tmp_path}:{PYTHON_PATH}")
    cluster.wait_for("other")

    with pytest.raises(ConfigError, match=r"\(evenly 0\.1\.0\): tcp://127\.0\.0\.1:\d+ \(evenly 9\.9\)\."):
        make_executor("dask", address=cluster.address)
    with pytest.raises(WorkerDiedError, match=r"\(evenly 9\.9\).* What is finished is kept"):
        dict(executor.map(nap, [0.05] * 40))
    executor.close()
    cluster.kill_worker("other")


def test_a_scheduler_that_is_gone_is_said(cluster, tmp_path):
    (tmp_path / "log").mkdir()
    executor = make_executor("dask", address=cluster.address)
    threading.Thread(target=lambda: (wait_for_attempts(tmp_path / "log", 1), cluster.scheduler.kill())).start()
    params = {"n": 4, "log": str(tmp_path / "log"), "pause_s": 1.0}
    with pytest.raises(WorkerDiedError, match=r"scheduler at tcp://\S+ went away"):
        Store(tmp_path / "store").build(SLOW, params=params, inputs={}, executor=executor)
    executor.close()
