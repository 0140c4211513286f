"""A store behind a URL: what one machine builds another one reuses, whatever becomes of the objects meanwhile."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from evenly.errors import DataError, StoreError, StoreUnreachableError
from evenly.flows.retrying import is_transient
from evenly.mirror.objects import Objects
from evenly.progress import Event, Finished, observing
from evenly.runs import read_records
from evenly.store import Artifact, Stage, Store
from store_stages import MANY, REFUSING

if TYPE_CHECKING:
    from evenly.workspace import Workspace


@dataclass
class Built:
    """An artifact, and what was said of it."""

    artifact: Artifact
    said: Finished


def build(store: Store, stage: Stage = MANY) -> Built:
    heard: list[Event] = []
    with observing(heard.append):
        artifact = store.build(stage, params={"n": 3} if stage is MANY else {}, inputs={})
    return Built(artifact, next(event for event in heard if isinstance(event, Finished)))


def names(there, key: str) -> list[str]:
    """Return the objects of an artifact."""
    return sorted(name.rpartition("/")[2] for name in there.store if f"/{key}/" in name)


WHOLE = ["manifest.json", "part-00000.bin", "part-00001.bin", "part-00002.bin", "sum.txt"]


def test_what_one_machine_has_built_another_one_takes(there, machine):
    here = build(machine("here"))
    other = build(machine("other"))

    assert (here.said.reused, other.said.reused) == (False, True)
    assert other.artifact.manifest == here.artifact.manifest
    assert sorted(path.name for path in other.artifact.path.iterdir()) == WHOLE
    assert {name.removeprefix("/bucket/team/many/").partition("/")[2] for name in there.store} == set(WHOLE)
    again = build(machine("other"))
    assert (again.said.reused, again.said.why, again.artifact.path) == (True, "", other.artifact.path)


def test_what_is_behind_the_url_is_itself_a_store(there, machine, tmp_path):
    made = build(machine("here"))
    there.get("/bucket/team", str(tmp_path / "synced"), recursive=True)

    assert build(Store(tmp_path / "synced")).said.reused
    assert (
        made.artifact.digest
        == Store(tmp_path / "synced").open(tmp_path / "synced/many" / made.artifact.path.name).digest
    )


def test_a_manifest_is_written_after_all_files(there, machine, monkeypatch):
    order = []
    for name in ("put", "write"):
        real = getattr(Objects, name)
        monkeypatch.setattr(
            Objects, name, lambda self, *a, real=real, name=name: (order.append((name, a[0])), real(self, *a))
        )
    build(machine("here"))

    assert [name for name, _ in order] == ["put", "write"]
    assert order[1][1].endswith("/manifest.json")


def break_off(monkeypatch, n: int) -> None:
    """Let the connection end at the n-th object that is written."""
    real, count = Objects.put, iter(range(1000))

    def put(self, pairs):
        for pair in pairs:
            if next(count) == n:
                raise StoreUnreachableError("The connection is gone.")
            real(self, [pair])

    monkeypatch.setattr(Objects, "put", put)


def test_an_upload_that_broke_is_no_artifact_and_the_next_run_completes_it(there, machine, monkeypatch):
    with monkeypatch.context() as patch:
        break_off(patch, 2)
        with pytest.raises(StoreUnreachableError) as caught:
            build(machine("here"))
    assert is_transient(caught.value)
    (key,) = {name.split("/")[4] for name in there.store}
    assert names(there, key) == WHOLE[1:3]
    assert not build(machine("other")).said.reused  # it has not seen a half one

    there.rm(f"/bucket/team/many/{key}/manifest.json")
    here = build(machine("here"))
    assert here.said.reused  # built before the connection was gone
    assert names(there, key) == WHOLE


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("cut", "part-00002.bin has 2 bytes instead of 3"),
        ("flip", "part-00002.bin has another checksum"),
        ("delete", "part-00002.bin is missing"),
        ("manifest", "is not a manifest that can be read"),
        ("swap", "has the manifest of many/0123456789abcdef"),
        ("outside", "which is not inside its folder"),
    ],
)
def test_a_damaged_object_is_seen_said_and_mended_by_who_builds_it_again(there, machine, tmp_path, damage, said):
    key = build(machine("here")).artifact.path.name
    folder = f"/bucket/team/many/{key}"
    manifest = json.loads(there.cat(f"{folder}/manifest.json"))
    if damage == "cut":
        there.pipe(f"{folder}/part-00002.bin", b"\2\2")
    elif damage == "flip":
        there.pipe(f"{folder}/part-00002.bin", b"\2\3\2")
    elif damage == "delete":
        there.rm(f"{folder}/part-00002.bin")
    elif damage == "manifest":
        there.pipe(f"{folder}/manifest.json", b'{"files"')
    elif damage == "swap":
        there.pipe(f"{folder}/manifest.json", json.dumps(manifest | {"key": "0123456789abcdef"}).encode())
    else:
        manifest["files"]["../../../escaped"] = manifest["files"].pop("sum.txt")
        there.pipe(f"{folder}/manifest.json", json.dumps(manifest).encode())
    other = build(machine("other"))

    assert not other.said.reused
    assert said in other.said.why
    assert not list(tmp_path.rglob("escaped"))
    third = build(machine("third"))
    assert third.said.reused
    assert third.artifact.manifest.files == other.artifact.manifest.files


@pytest.mark.parametrize("lost", ["part-00002.bin", "manifest.json"])
def test_a_run_that_has_a_copy_mends_what_is_gone_without_building(there, machine, lost):
    key = build(machine("here")).artifact.path.name
    there.rm(f"/bucket/team/many/{key}/{lost}")

    assert build(machine("here")).said.reused
    assert names(there, key) == WHOLE


def test_a_damaged_copy_is_fetched_anew(machine):
    made = build(machine("here")).artifact
    (made.path / "part-00001.bin").write_bytes(b"\7\7")
    again = build(machine("here"))

    assert again.said.reused
    assert (again.artifact.path / "part-00001.bin").read_bytes() == b"\1\1"


def test_a_fetch_that_broke_off_goes_on_with_what_it_has(machine, monkeypatch):
    key = build(machine("here")).artifact.path.name
    fetched, real = [], Objects.get

    def get(self, pairs):
        pairs = list(pairs)
        for count, pair in enumerate(pairs):
            if len(fetched) == 2 and count == 2:
                raise StoreUnreachableError("The connection is gone.")
            fetched.append(pair[0].rpartition("/")[2])
            real(self, [pair])
        return []

    monkeypatch.setattr(Objects, "get", get)
    with pytest.raises(StoreUnreachableError):
        build(machine("other"))
    assert not (machine("other").root / "many" / key).exists()
    (partial,) = (machine("other").root / "many").iterdir()
    (partial / "part-00000.bin").write_bytes(b"\7")  # what a crash may leave
    other = build(machine("other"))

    assert other.said.reused
    assert sorted(fetched) == ["part-00000.bin", "part-00000.bin", "part-00001.bin", "part-00002.bin", "sum.txt"]
    assert [path.name for path in other.artifact.path.parent.iterdir()] == [key]


def write_anything(work: Workspace) -> None:
    """Write other bytes each time, as a training on a GPU may."""
    (work.out / "weights.bin").write_bytes(os.urandom(8))


def test_of_two_that_differ_under_one_key_the_first_there_is_right_for_all(there, machine):
    random = Stage("random", 1, write_anything)
    first = build(machine("here"), random).artifact
    kept = dict(there.store)
    there.store.clear()
    second = build(machine("other"), random).artifact
    assert second.digest != first.digest

    there.store.clear()
    there.store.update(kept)
    again = build(machine("other"), random)
    assert again.said.reused
    assert again.artifact.digest == first.digest
    assert (again.artifact.path / "weights.bin").read_bytes() == (first.path / "weights.bin").read_bytes()


def test_a_failed_build_leaves_nothing_there(there, machine):
    with pytest.raises(DataError):
        build(machine("here"), REFUSING)
    assert not there.store


def test_records_of_runs_are_there_for_all(there, machine):
    with machine("here").recording("pipeline", "t.csv", "first") as record:
        made = build(machine("here")).artifact
        record.add_figures({"f1": 0.5})
    found = machine("other").find_record("first")

    assert (found.state, found.artifacts, found.figures) == ("done", (f"many/{made.path.name}",), {"f1": 0.5})
    assert machine("other").find_record("second") is None
    assert machine("other").records() == [found]
    assert [each.run for each in read_records(machine("here").root)] == ["first"]
    there.pipe("/bucket/team/runs/second.json", b"{}")
    with pytest.raises(StoreError, match="second is not a record of a run that can be read"):
        machine("other").find_record("second")


def test_an_artifact_is_opened_by_the_path_that_it_has_on_another_machine(machine):
    made = build(machine("here")).artifact
    found = machine("other").open(made.path)

    assert found.path == machine("other").root / "many" / made.path.name
    assert found.digest == made.digest
    with pytest.raises(StoreError, match="memory://bucket/team has no many/ffff that can be used"):
        machine("other").open(made.path.with_name("ffff"))


class Unreachable(Objects):
    """A store whose server has gone away."""

    def write(self, name, content):
        raise StoreUnreachableError(f"The store does not take the {len(content)} bytes of {name}.")


def test_a_run_whose_store_goes_away_says_what_was_first(machine):
    store = machine("here")
    with pytest.raises(ZeroDivisionError), store.recording("run", "t.csv", "r"):  # noqa: PT012 - the body is the test
        store.mirror.objects.__class__ = Unreachable
        1 / 0  # noqa: B018 - it raises
    assert read_records(store.root)[0].state == "failed"
