"""Partitions on workers that share no folder with who sends them."""

from __future__ import annotations

import os
import pickle
import time
from typing import TYPE_CHECKING, Any

import pytest

from evenly.errors import DataError, StoreUnreachableError
from evenly.mirror.carrier import Carrier
from evenly.mirror.objects import Objects
from evenly.mirror.references import Blob, Reference
from evenly.mirror.shelf import Shelf, View
from evenly.store import Artifact, Files, Store
from far_executor import NUMBERED, READING, REFUSED, FarWorkers, copy_text

if TYPE_CHECKING:
    from pathlib import Path

URL = "memory://bucket/team"


@pytest.fixture
def workers(tmp_path, monkeypatch) -> FarWorkers:
    return FarWorkers(tmp_path, monkeypatch)


def build(store: Store, folder: Path, **more: Any) -> Artifact:
    raw = folder / "raw.csv"
    if not raw.exists():
        raw.write_text("raw" * 100)
    parts = store.build(NUMBERED, params={"n": 4}, inputs={})
    return store.build(READING, params={}, inputs={"parts": parts, "raw": Files((raw,))}, **more)


def test_far_workers_see_what_they_need_and_write_the_same(there, machine, workers, tmp_path):
    here = build(Store(tmp_path / "local"), tmp_path)
    far = build(machine("here"), tmp_path, executor=workers)

    assert far.manifest.files == here.manifest.files
    assert far.facts["lengths"] == here.facts["lengths"] == [["raw.csv", 300]] * 2
    # Of numbered files a worker sees the one that it is to read.
    assert far.facts["beside"] == [f"part-0000{n}.txt beside names.txt,part-0000{n}.txt" for n in range(3)]
    steps = ["copy/part-00000.txt", "copy/part-00001.txt", "copy/part-00002.txt", "own.txt", "sources.json"]
    assert far.facts["found"] == [steps, steps]
    assert not [name for name in there.store if "/.work/" in name]
    assert not list(tmp_path.glob("worker-*/stores/*/far/views/*"))


def test_a_worker_fetches_a_file_once(there, machine, workers, tmp_path, monkeypatch):
    store = machine("here")
    parts = store.build(NUMBERED, params={"n": 4}, inputs={})
    fetched, real = [], Objects.get

    def get(self, pairs):
        pairs = list(pairs)
        fetched.extend((name, path.parent) for name, path in pairs if path.parent.name == "blobs")
        return real(self, pairs)

    monkeypatch.setattr(Objects, "get", get)
    raw = tmp_path / "raw.csv"
    raw.write_text("raw")
    store.build(READING, params={}, inputs={"parts": parts, "raw": Files((raw,))}, executor=workers)

    assert len({folder for _, folder in fetched}) == 3
    assert len(fetched) == len(set(fetched)) > 12


def test_an_error_names_the_file_where_it_lies_here(machine, workers):
    store = machine("here")
    parts = store.build(NUMBERED, params={"n": 4}, inputs={})
    with pytest.raises(DataError) as caught:
        store.build(REFUSED, params={}, inputs={"parts": parts}, executor=workers)
    assert str(caught.value) == f"{parts.path / 'part-00001.txt'} is bad."


def test_an_interrupted_build_goes_on_with_what_is_finished(there, machine, workers, tmp_path, monkeypatch):
    real = Objects.get
    count = iter(range(100))

    def get(self, pairs):
        pairs = list(pairs)
        if pairs and "worker" not in str(pairs[0][1]) and next(count) == 2:
            raise StoreUnreachableError("The connection is gone.")
        return real(self, pairs)

    with monkeypatch.context() as patch:
        patch.setattr(Objects, "get", get)
        with pytest.raises(StoreUnreachableError):
            build(machine("here"), tmp_path, executor=workers)
    run, seen = FarWorkers.map, []
    monkeypatch.setattr(FarWorkers, "map", lambda self, f, items: (seen.append(len(items)), run(self, f, items))[1])
    far = build(machine("here"), tmp_path, executor=workers)

    assert seen[0] == 1  # of three
    assert far.manifest.files == build(Store(tmp_path / "local"), tmp_path).manifest.files


def test_a_carrier_travels_to_the_process_that_builds(there, machine, workers, tmp_path):
    """A build with `executor.timeout_s` runs in a process of its own."""
    parts = machine("here").build(NUMBERED, params={"n": 1}, inputs={})
    carrier = Carrier(
        Objects(URL), build=tmp_path / "build", skipped=(), artifacts={parts.path: parts.manifest}, files=()
    )
    (tmp_path / "out").mkdir()
    ((place, value, folder),) = pickle.loads(pickle.dumps(carrier)).map(  # noqa: S301 - written here
        workers, copy_text, [parts.path / "part-00000.txt"], tmp_path / "out"
    )

    assert (place, value) == (0, "part-00000.txt beside names.txt,part-00000.txt")
    assert (folder / "part-00000.txt").read_text() == "part 0\nnames\n"
    carrier.close()
    assert not [name for name in there.store if "/.work/" in name]


@pytest.fixture
def shelf(there, tmp_path) -> Shelf:
    there.pipe("/bucket/team/a", b"content")
    return Shelf(Objects(URL), tmp_path / "far")


CONTENT = Blob("a", 7, "3fba5250be9ac259c56e7250c526bc83bacb4be825f2799d3d59e5b4878dd74e")


def test_a_blob_that_is_damaged_here_is_fetched_again(shelf, monkeypatch):
    (path,) = shelf.fetch([CONTENT])
    path.chmod(0o600)
    path.write_bytes(b"contend")
    monkeypatch.setattr("evenly.mirror.shelf._verified", set())  # another process
    assert shelf.fetch([CONTENT])[0].read_bytes() == b"content"


@pytest.mark.parametrize(("now", "said"), [(None, "is not there"), (b"contenT", "has other bytes than it had")])
def test_a_blob_that_is_gone_or_changed_there_is_an_error(shelf, there, now, said):
    there.rm("/bucket/team/a")
    if now is not None:
        there.pipe("/bucket/team/a", now)
    with pytest.raises(StoreUnreachableError, match=said):
        shelf.fetch([CONTENT])


def test_a_reference_does_not_lead_out_of_the_view(shelf, tmp_path):
    with pytest.raises(OSError, match="not inside its folder"):
        View(shelf, tmp_path / "view").open(Reference("../out", is_text=False, blob=CONTENT))


def test_what_was_not_used_for_longest_goes_when_room_is_short(shelf, there, tmp_path, monkeypatch):
    from blake3 import blake3

    blobs = []
    for number in range(4):
        content = bytes([number]) * 100
        there.pipe(f"/bucket/team/{number}", content)
        blobs.append(Blob(str(number), 100, blake3(content).hexdigest()))
    paths = shelf.fetch(blobs)
    for number, path in enumerate(paths):
        os.utime(path, (time.time() - 60, time.time() - 10 * (4 - number)))
    shelf.fetch(blobs[:1])
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 100}))
    with shelf.view() as view:  # half of 400 + 100 may be taken
        view.open(Reference("x/0", is_text=True, blob=blobs[0]))
    assert [path.exists() for path in paths] == [True, False, False, True]


def test_views_of_dead_workers_are_swept(shelf, tmp_path):
    left = tmp_path / "far/views/left"
    left.mkdir()
    os.utime(left, (0, 0))
    with shelf.view():
        pass
    assert not left.exists()
