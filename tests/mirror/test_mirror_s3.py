"""A run whose store is an S3 bucket, on a server of this process: taken over by another machine, and looked after."""

from __future__ import annotations

import json
import shutil
import sys

import pytest
import yaml

from evenly.cli import main
from evenly.config import load_config
from evenly.errors import StoreError, StoreUnreachableError
from evenly.mirror.objects import Objects
from evenly.progress import Finished, observing
from evenly.store import Store
from s3_server import KEY, SECRET, running_s3
from small_runs import digests, run_until, write_run
from store_stages import MANY

s3fs = pytest.importorskip("s3fs")
URL = "s3://bucket/team/evenly"


@pytest.fixture(scope="module")
def server():
    with running_s3() as found:
        yield found
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def s3(server, monkeypatch, tmp_path):
    server.objects.clear()
    server.asked.clear()
    server.fault = lambda method, path: None
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("EVENLY_CACHE", str(tmp_path / "cache"))
    return server


@pytest.fixture
def call(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["evenly", *map(str, arguments)])
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        else:
            code = 0
        found = capsys.readouterr()
        return code, found.out + found.err

    return run


def test_a_second_machine_takes_everything_and_computes_nothing(s3, tmp_path, call):
    path = write_run(tmp_path, n_files=2, rows_a_file=60, store=URL)
    here = run_until(load_config(path), "weights")
    heard = []
    with observing(heard.append):
        other = run_until(load_config(path, {"store_cache": str(tmp_path / "other")}), "weights")

    assert digests(other) == digests(here)
    assert all(event.reused for event in heard if isinstance(event, Finished))
    assert all(made.path.is_relative_to(tmp_path / "other") for made in other.values())
    uploads = {name for method, name in s3.asked if method == "PUT" and "/runs/" not in name}
    assert len(uploads) == sum(len(made.manifest.files) + 1 for made in here.values())

    listed = json.loads(call("store", "ls", "--store", URL, "--json")[1])
    assert [(run["state"], len(run["artifacts"])) for run in listed["runs"]] == [("done", len(here))] * 2
    assert {each["name"] for each in listed["artifacts"]} == {f"{name}/{made.path.name}" for name, made in here.items()}
    shown = json.loads(call("store", "show", here["split"].path.name, "--store", URL)[1])
    assert (shown["digest"], len(shown["used_by"])) == (here["split"].digest, 2)
    assert f"The store {URL} has no 'nothing'" in call("store", "show", "nothing", "--store", URL)[1]

    assert call("store", "verify", "--store", URL) == (0, f"{len(here)} of {len(here)} artifacts are whole.\n")
    part = f"team/evenly/table/{here['table'].path.name}/part-00000.parquet"
    s3.objects[part] = s3.objects[part][:-1] + b"!"
    code, said = call("store", "verify", "--store", URL)
    assert (code, said.splitlines()[-2]) == (3, f"{len(here) - 1} of {len(here)} artifacts are whole.")
    assert "part-00000.parquet has another checksum" in said

    everything = b"".join(s3.objects.values()) + b"".join(
        each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()
    )
    assert SECRET.encode() not in everything
    assert KEY.encode() not in everything


def test_the_command_line_runs_on_a_url(s3, tmp_path, call):
    path = write_run(tmp_path, rows_a_file=40)
    arguments = ("run", path, "--store", f"{URL}/", "--until", "split", "--no-prefect")
    assert call(*arguments)[0] == 0
    (cache,) = (tmp_path / "cache/stores").iterdir()
    shutil.rmtree(cache)
    code, said = call(*arguments)
    assert code == 0
    assert said.count("reused") == 3
    assert {name.split("/")[2] for name in s3.objects} == {"runs", "table", "checks", "split"}
    assert not (tmp_path / "s3:").exists()


def test_a_busy_server_is_asked_again(s3, tmp_path):
    refused = iter([503, 500, 503])
    s3.fault = lambda method, path: next(refused, None) if method == "PUT" else None
    Store(URL).build(MANY, params={"n": 2}, inputs={})

    assert Store(URL, tmp_path / "other").build(MANY, params={"n": 2}, inputs={}).manifest.rows == 2
    assert next(refused, None) is None


def test_large_files_go_in_parts(s3, tmp_path, monkeypatch):
    monkeypatch.setattr("s3fs.core.calculate_chunksize", lambda size, **_: 5 * 2**20)
    content = bytes(range(256)) * 40_000 * 2
    (tmp_path / "large").write_bytes(content)
    objects = Objects(URL)
    objects.put([(tmp_path / "large", "large")])
    objects.copy([("large", "copy")])
    assert objects.get([("copy", tmp_path / "back"), ("none", tmp_path / "none")]) == ["none"]

    assert (tmp_path / "back").read_bytes() == content
    assert {name: found.size for name, found in objects.find().items()} == {"copy": len(content), "large": len(content)}
    assert len([name for method, name in s3.asked if method == "PUT"]) == 5  # four parts, a copy of it


def test_a_listing_of_many_pages_and_of_keys_that_begin_alike(s3):
    objects = Objects(URL)
    for number in range(120):
        objects.write(f"many/abc/{number}", b"x")
    objects.write("many/abcd/other", b"y")

    assert len(objects.find("many/abc")) == 120
    assert len(objects.find()) == 121
    objects.remove(objects.find("many/abc"))
    assert list(objects.find()) == ["many/abcd/other"]


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (403, StoreError, r"may not be read or written: .*AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (501, StoreUnreachableError, r"does not answer as it should: .*Try again; what is finished is kept"),
    ],
)
def test_what_a_server_refuses_is_said_in_a_sentence(s3, status, error, said):
    s3.fault = lambda method, path: status
    with pytest.raises(error, match=said) as caught:
        Store(URL).build(MANY, params={"n": 2}, inputs={})
    assert type(caught.value) is error
    assert SECRET not in str(caught.value)


def test_a_bucket_that_is_not_there_is_said_before_anything_is_built(s3):
    store = Store("s3://nowhere/x")
    with pytest.raises(StoreError, match="Its bucket or container must be there"), store.recording("run", "t.csv"):
        raise AssertionError  # nothing is begun


def test_no_credentials_at_all_are_said(s3, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    s3fs.S3FileSystem.clear_instance_cache()
    try:
        with pytest.raises(StoreError, match="Give credentials by the environment"):
            Store(URL).build(MANY, params={"n": 2}, inputs={})
    finally:
        s3fs.S3FileSystem.clear_instance_cache()


def test_the_doctor_looks_at_the_url(s3, tmp_path):
    from evenly.upkeep.doctor import _store

    config = load_config(write_run(tmp_path, rows_a_file=2, store=URL))
    said = [(finding.verdict, finding.said) for finding in _store(config)]
    assert said[0] == ("ok", f"{URL} answers, and may be written")
    assert len(said) == 2
    assert not s3.objects
    s3.fault = lambda method, path: 403 if method == "PUT" else None
    (trouble,) = _store(config)
    assert trouble.verdict == "trouble"
    assert "Give credentials by the environment" in trouble.said
    assert yaml.safe_load((tmp_path / "config.yaml").read_text())["store"] == URL
