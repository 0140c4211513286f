"""The deployments: one list for prefect.yaml and for `evenly serve`; which errors are tried again."""

from __future__ import annotations

import errno
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from prefect.states import Failed

from evenly.errors import (
    ConfigError,
    DataError,
    SourceChangedError,
    SourceNotFoundError,
    SourceUnreachableError,
    StoreError,
)
from evenly.flows.deploying import pools_of_file
from evenly.flows.deployments import DEPLOYMENTS, POOLS, choose, file_contents, timed
from evenly.flows.prediction import _predict
from evenly.flows.remote_run import _laid_over
from evenly.flows.retrying import is_transient
from evenly.flows.stage_task import _build

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


def test_one_deployment_takes_another_schedule():
    (weekly,) = timed(choose(["prepare/nightly"]), "0 6 * * 1")
    assert (weekly.full_name, weekly.cron) == ("prepare/nightly", "0 6 * * 1")
    assert file_contents([weekly])["deployments"][0]["schedules"] == [{"cron": "0 6 * * 1", "timezone": "UTC"}]
    with pytest.raises(ConfigError, match="--only prepare/nightly"):
        timed(DEPLOYMENTS, "0 6 * * 1")
    with pytest.raises(ConfigError, match=r"'0 6 \*' is no cron line"):
        timed(choose(["prepare/nightly"]), "0 6 *")


def test_a_file_of_ones_own_says_which_pools_it_needs(tmp_path):
    assert set(pools_of_file(ROOT / "prefect.yaml")) == {"cpu", "gpu"}
    own = tmp_path / "prefect.yaml"
    own.write_text(
        'deployments: [{name: a}, {name: b, work_pool: {name: big}}, {name: c, work_pool: {name: "{{ $P }}"}}]'
    )
    assert pools_of_file(own) == ["big"]
    for bad, why in (("deployments: [", "is not YAML"), ("name: evenly", "no list `deployments`")):
        own.write_text(bad)
        with pytest.raises(ConfigError, match=why):
            pools_of_file(own)


@pytest.mark.parametrize(
    ("own", "given", "expected"),
    [
        ({"overrides": {"handoff.kind": "deployment"}}, {"overrides": {"seed": 1}}, {"handoff.kind", "seed"}),
        ({"overrides": {"handoff.kind": "deployment"}}, {}, {"handoff.kind"}),
        ({"overrides": None}, {"overrides": {"seed": 1}}, {"seed"}),
        ({}, {}, None),
    ],
)
def test_settings_of_one_run_do_not_take_those_of_the_deployment_away(own, given, expected):
    wanted = _laid_over({"config_path": "theirs.yaml", **own}, {"config_path": "mine.yaml", **given})

    assert wanted["config_path"] == "mine.yaml"
    assert wanted.keys() - {"config_path"} == ({"overrides"} if expected else set())
    assert set(wanted.get("overrides", ())) == (expected or set())


def test_a_setting_of_one_run_goes_over_that_of_the_deployment():
    assert _laid_over({"overrides": {"seed": 1}}, {"overrides": {"seed": 2}}) == {"overrides": {"seed": 2}}


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


@pytest.mark.parametrize("task", [_build, _predict])
@pytest.mark.parametrize(("error", "expected"), [(ConnectionResetError(), True), (DataError(), False)])
def test_prefect_waits_longer_each_time_and_asks_whether_a_try_is_worth_it(task, error, expected):
    assert (task.retries, task.retry_delay_seconds) == (3, [2, 10, 60])
    assert task.retry_condition_fn(task, None, Failed(data=error)) is expected
