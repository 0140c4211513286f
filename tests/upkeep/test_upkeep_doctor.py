"""The doctor: each check says what is and what to do, and none of them raises."""

from __future__ import annotations

import socket
from types import SimpleNamespace

import pytest

from evenly.config import RunConfig
from evenly.upkeep import doctor


def configured(tmp_path, **sections) -> RunConfig:
    source = {"files": ["t.csv"], "text": "text", "labels": {"columns": "label"}}
    return RunConfig.model_validate({"source": source, "store": str(tmp_path / "store"), **sections})


def test_the_installed_packages_fit():
    assert {finding.name: finding.verdict for finding in doctor._versions()} == {"evenly": "ok", "packages": "ok"}


def test_a_package_of_another_version_is_trouble(monkeypatch):
    monkeypatch.setattr(doctor, "requires", lambda _: ["prefect<3", "pyarrow>=1", "nowhere>=1", "x; extra == 'gpu'"])
    found = list(doctor._versions())[-1]

    assert found.verdict == "trouble"
    assert "wanted<3" in found.said
    assert "nowhere is not installed" in found.said
    assert "pip install" in found.todo


def test_little_room_says_how_to_make_some(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=2**20))
    monkeypatch.setattr(doctor, "_free_memory", lambda: 2**20)

    assert "store gc" in next(doctor._disk(tmp_path / "store")).todo
    assert "executor.workers" in next(doctor._memory()).todo


def test_a_cluster_that_does_not_answer_is_trouble_and_one_that_does_is_not(tmp_path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        config = configured(tmp_path, executor={"kind": "dask", "address": address})
        assert next(doctor._cluster(config)).verdict == "trouble"
        listener.listen()
        assert next(doctor._cluster(config)).verdict == "ok"
    assert next(doctor._cluster(configured(tmp_path))).verdict == "ok"


def test_the_tokenizer_of_a_folder_needs_no_hub(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "_answers", lambda *_: False)

    assert next(doctor._tokenizer(configured(tmp_path, tokenize={"tokenizer": str(tmp_path)}))).verdict == "ok"
    assert "folder" in next(doctor._tokenizer(configured(tmp_path, tokenize={"tokenizer": "org/name"}))).todo


@pytest.mark.parametrize("error", [OSError("no disk"), RuntimeError("no process")])
def test_what_cannot_be_looked_at_is_a_finding(monkeypatch, error):
    def fail():
        raise error

    for name in ("_memory", "_devices"):
        monkeypatch.setattr(doctor, name, fail)
    monkeypatch.setattr(doctor, "_prefect", lambda **_: iter(()))

    assert [finding.said for finding in doctor.examine() if finding.verdict == "trouble"] == [str(error)] * 2
