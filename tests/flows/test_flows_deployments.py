"""The deployments: one list for prefect.yaml and for `evenly serve`; which errors are tried again."""

from __future__ import annotations

import errno
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from evenly.errors import (
    ConfigError,
    DataError,
    SourceChangedError,
    SourceNotFoundError,
    SourceUnreachableError,
    StoreError,
)
from evenly.flows.deployments import DEPLOYMENTS, POOLS, choose, file_contents
from evenly.flows.retrying import is_transient

ROOT = Path(__file__).parents[2]


def test_prefect_yaml_says_what_the_list_says():
    assert yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8")) == file_contents()


def test_every_deployment_has_a_flow_of_its_name_and_a_pool():
    for deployment in DEPLOYMENTS:
        module, _, name = deployment.entrypoint.rpartition(".")
        assert getattr(import_module(module), name).name == deployment.flow
        assert deployment.pool in {pool.name for pool in POOLS}


def test_what_waits_for_the_gpu_does_not_stand_in_its_pool():
    assert {each.flow for each in DEPLOYMENTS if each.pool == "gpu"} == {"train", "compare", "predict"}
    assert next(pool for pool in POOLS if pool.name == "gpu").concurrency_limit == 1


def test_deployments_are_chosen_by_name():
    assert [each.full_name for each in choose(["train/gpu"])] == ["train/gpu"]
    assert len(choose([])) == len(DEPLOYMENTS)
    with pytest.raises(ConfigError, match=r"did you mean 'prepare/nightly'"):
        choose(["prepare/nightl"])


def caused(error: StoreError, cause: OSError) -> StoreError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SourceUnreachableError(), True),
        (SourceChangedError(), True),  # whoever writes it will have done so by then
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (OSError(errno.EIO, "I/O error"), True),
        (caused(StoreError(), OSError(errno.ESTALE, "stale")), True),
        (caused(StoreError(), OSError(errno.ENOSPC, "full")), False),
        (StoreError(), False),
        (SourceNotFoundError(), False),
        (FileNotFoundError(errno.ENOENT, "none"), False),
        (PermissionError(errno.EACCES, "no"), False),
        (DataError(), False),
        (ValueError(), False),
    ],
    ids=lambda each: f"{each!r} {each.__cause__!r}" if isinstance(each, Exception) else None,
)
def test_only_what_a_second_try_may_mend_is_tried_again(error, expected):
    assert is_transient(error) is expected
