"""A real Dask cluster of several processes gives the same bytes as this process."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

from evenly.cluster import describe_other_versions
from evenly.errors import ColumnNotFoundError, ConfigError, WorkerDiedError
from evenly.executor import Executor, in_threads, make_executor
from evenly.store import Store
from executor_functions import die, refuse, square
from store_stages import MANY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def local() -> Iterator[distributed.LocalCluster]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of distributed's own start-up: ports that are taken, and the like
        local = distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            host="127.0.0.1",
            memory_limit="400MB",
        )
    yield local
    local.close()


@pytest.fixture(scope="module")
def cluster(local: distributed.LocalCluster) -> Iterator[Executor]:
    executor = make_executor("dask", address=local.scheduler_address)
    yield executor
    executor.close()


def test_every_item_is_answered_once(cluster: Executor) -> None:
    assert cluster.workers == 2
    assert dict(cluster.map(square, [3, 1, 2, 2])) == {0: 9, 1: 1, 2: 4, 3: 4}


def test_errors_of_a_worker_arrive_as_they_are(cluster: Executor) -> None:
    with pytest.raises(ColumnNotFoundError, match="did you mean 'text'"):
        dict(cluster.map(refuse, [1, 2]))


def test_the_artifact_is_the_one_that_this_process_would_make(cluster: Executor, tmp_path: Path) -> None:
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")

    one = here.build(MANY, params={"n": 5}, inputs={})
    two = there.build(MANY, params={"n": 5}, inputs={}, executor=cluster)

    assert one.digest == two.digest


def test_a_partition_gets_half_of_what_a_worker_has_and_no_more_than_the_config_allows(local, cluster) -> None:
    assert cluster.memory_of_each(1_000) == 200_000_000
    small = make_executor("dask", address=local.scheduler_address, memory_limit=1_000_000)
    assert small.memory_of_each(1_000) == 1_000_000
    small.close()


def test_even_one_light_partition_goes_to_a_worker(cluster: Executor) -> None:
    assert in_threads(cluster, 1) is cluster


def test_a_partition_that_kills_its_workers_is_said(local, cluster: Executor) -> None:
    local.scheduler.allowed_failures = 0
    with pytest.raises(WorkerDiedError, match=r"1 workers .* died.*what is finished is kept"):
        dict(cluster.map(die, [1]))
    local.scheduler.allowed_failures = 3
    assert dict(cluster.map(square, [3])) == {0: 9}


def test_workers_with_other_versions_are_named_the_first_three_of_them() -> None:
    wanted = {"Python": "3.11", "numpy": "2.4.6", "gigatoken": "none"}
    others = {f"tcp://w{number}": wanted | {"numpy": "1.26.4"} for number in range(5)}
    assert describe_other_versions({"tcp://w9": wanted}, wanted) == ""
    said = describe_other_versions(others | {"tcp://w0": {"Python": "3.12", "numpy": "2.4.6"}}, wanted)
    assert "than this process (Python 3.11, numpy 2.4.6, gigatoken none): " in said
    assert "tcp://w0 (Python 3.12, gigatoken none), tcp://w1 (numpy 1.26.4), tcp://w2 (numpy 1.26.4) and 2 more" in said


def test_an_address_where_nobody_answers_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="no Dask scheduler answers"):
        make_executor("dask", address="tcp://127.0.0.1:9")
