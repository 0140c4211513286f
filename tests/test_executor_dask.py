"""A real Dask cluster of several processes gives the same bytes as this process."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

from evenly.errors import ColumnNotFoundError, ConfigError
from evenly.executor import Executor, make_executor
from evenly.store import Store
from executor_functions import refuse, square
from store_stages import MANY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Executor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of distributed's own start-up: ports that are taken, and the like
        local = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        )
    executor = make_executor("dask", address=local.scheduler_address)
    yield executor
    executor.close()
    local.close()


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


def test_an_address_where_nobody_answers_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="no Dask scheduler answers"):
        make_executor("dask", address="tcp://127.0.0.1:9")
