"""The store: the same content gives the same artifact, damage is found, a kill leaves the old state or the new."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from evenly.errors import DataError, SourceNotFoundError, StoreError
from evenly.executor import LocalProcesses
from evenly.manifest import MANIFEST_NAME, find_damage, read_manifest
from evenly.progress import Advanced, Event, Finished, observing
from evenly.store import Artifact, Files, Stage, Store, open_artifact
from store_stages import MANY, REFUSING

TESTS = Path(__file__).parent


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files but the manifest, which tells the seconds that a build took."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST_NAME)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def build(store: Store, n: int = 3, **params: float) -> Artifact:
    return store.build(MANY, params={"n": n, **params}, inputs={})


def test_an_artifact_holds_its_files_and_says_so(tmp_path: Path) -> None:
    artifact = build(Store(tmp_path))

    assert sorted(contents(artifact.path)) == [
        "part-00000.bin",
        "part-00001.bin",
        "part-00002.bin",
        "sum.txt",
    ]
    manifest = read_manifest(artifact.path)
    assert manifest.rows == 3
    assert manifest.facts == {"sizes": [1, 2, 3]}
    assert manifest.notes == ("3 parts",)
    assert manifest.files["part-00002.bin"].size == 3
    assert find_damage(artifact.path, manifest.files) == ""


def test_the_manifest_has_no_path_of_this_machine(tmp_path: Path) -> None:
    artifact = build(Store(tmp_path))

    assert str(tmp_path) not in (artifact.path / MANIFEST_NAME).read_text()


def test_the_same_build_is_reused_and_another_is_not(tmp_path: Path) -> None:
    heard: list[Event] = []
    store = Store(tmp_path)
    with observing(heard.append):
        first, again, other = build(store, 3), build(store, 3), build(store, 4)

    assert first == again
    assert first.path != other.path
    assert [event.reused for event in heard if isinstance(event, Finished)] == [False, True, False]


def test_a_new_version_of_a_stage_builds_anew(tmp_path: Path) -> None:
    store = Store(tmp_path)
    newer = Stage(MANY.name, MANY.version + 1, MANY.function)

    assert build(store).path != store.build(newer, params={"n": 3}, inputs={}).path


def test_inputs_count_by_content(tmp_path: Path) -> None:
    one, two = Store(tmp_path / "one"), Store(tmp_path / "two")
    upstreams = [build(store) for store in (one, two)]

    keys = {one.build(MANY, params={"n": 1}, inputs={"upstream": upstream}).path for upstream in upstreams}

    assert len(keys) == 1


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.unlink(), "part-00001.bin is missing"),
        (lambda path: path.write_bytes(b"xx"[:1]), "part-00001.bin has 1 bytes instead of 2"),
        (lambda path: path.write_bytes(b"xx"), "part-00001.bin has another checksum"),
    ],
)
def test_a_damaged_artifact_is_built_again_and_that_is_said(tmp_path: Path, harm: object, said: str) -> None:
    store = Store(tmp_path)
    artifact = build(store)
    before = contents(artifact.path)
    harm(artifact.path / "part-00001.bin")  # type: ignore[operator]
    with pytest.raises(StoreError, match=said):
        open_artifact(artifact.path)

    heard: list[Event] = []
    with observing(heard.append):
        build(store)

    (finished,) = [event for event in heard if isinstance(event, Finished)]
    assert said in finished.why
    assert not finished.reused
    assert contents(artifact.path) == before


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format_version": 99}', '{"format_version": 2, "files": 3}'])
def test_a_manifest_that_cannot_be_read_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST_NAME).write_text(text)

    with pytest.raises(StoreError, match=MANIFEST_NAME):
        read_manifest(tmp_path)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b"])
def test_a_manifest_cannot_name_files_outside_its_folder(tmp_path: Path, name: str) -> None:
    path = build(Store(tmp_path)).path / MANIFEST_NAME
    fields = json.loads(path.read_text())
    fields["files"][name] = {"size": 1, "blake3": ""}
    path.write_text(json.dumps(fields))

    with pytest.raises(StoreError, match="not inside its folder"):
        read_manifest(path.parent)


def test_a_stage_that_refuses_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        Store(tmp_path / "store").build(REFUSING, params={}, inputs={})

    left = [path for path in (tmp_path / "store").rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == []
    assert not (tmp_path / "store" / "refusing").exists()


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("I am no folder")

    with pytest.raises(StoreError, match="Cannot write to the store"):
        build(Store(tmp_path / "file"))


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match=r"nowhere\.csv"):
        Store(tmp_path).build(MANY, params={"n": 1}, inputs={"upstream": Files((tmp_path / "nowhere.csv",))})


def test_sources_count_by_name_and_content_not_by_place(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "t.csv").write_text("same")
    (tmp_path / "b" / "u.csv").write_text("same")
    digests = [Files((tmp_path / name,)).digest for name in ("a/t.csv", "b/t.csv", "b/u.csv")]

    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_several_processes_give_the_same_bytes_as_one(tmp_path: Path) -> None:
    executor = LocalProcesses(2)
    try:
        many = Store(tmp_path / "many").build(MANY, params={"n": 5}, inputs={}, executor=executor)
    finally:
        executor.close()

    assert contents(many.path) == contents(build(Store(tmp_path / "one"), 5).path)
    assert many.digest == build(Store(tmp_path / "one"), 5).digest


SLOW_BUILD = """
    import sys
    sys.path.insert(0, {tests!r})
    from store_stages import MANY
    from evenly.executor import LocalProcesses
    from evenly.store import Store
    if __name__ == "__main__":
        executor = LocalProcesses({workers})
        Store({root!r}).build(MANY, params={{"n": 6, "pause_s": 0.05}}, inputs={{}}, executor=executor)
        executor.close()
"""


def start_slow_build(root: Path, script: Path, workers: int) -> subprocess.Popen[bytes]:
    script.write_text(textwrap.dedent(SLOW_BUILD.format(tests=str(TESTS), root=str(root), workers=workers)))
    return subprocess.Popen([sys.executable, str(script)])


@pytest.mark.parametrize("workers", [1, 2])
def test_a_kill_at_any_moment_costs_no_more_than_what_was_under_way(tmp_path: Path, workers: int) -> None:
    undisturbed = build(Store(tmp_path / "calm"), 6, pause_s=0.05)
    root = tmp_path / "killed"
    for n_marks in (1, 4, 8, 11):
        process = start_slow_build(root, tmp_path / "build.py", workers)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if len(list(root.glob("many/.partial-*/.work/*.done/*.json"))) >= n_marks:
                break
            time.sleep(0.005)
        process.kill()  # signal 9; nothing where it has just ended
        process.wait()

    heard: list[Event] = []
    with observing(heard.append):
        artifact = Store(root).build(MANY, params={"n": 6, "pause_s": 0.05}, inputs={})

    assert contents(artifact.path) == contents(undisturbed.path)
    assert artifact.digest == undisturbed.digest
    first_of_parts = [event.done for event in heard if isinstance(event, Advanced)]
    assert min(first_of_parts, default=6) >= 4  # what the draft had finished was not repeated
    assert [path.name for path in (root / "many").iterdir()] == [artifact.path.name]


def test_what_no_mark_vouches_for_is_not_taken_over(tmp_path: Path) -> None:
    undisturbed = build(Store(tmp_path / "calm"))
    key = undisturbed.path.name
    partial = tmp_path / "store" / "many" / f".partial-{key}"
    partial.mkdir(parents=True)
    (partial / "stray.txt").write_text("left by a process that was killed")

    artifact = build(Store(tmp_path / "store"))

    assert contents(artifact.path) == contents(undisturbed.path)


def test_two_processes_that_build_the_same_do_it_once(tmp_path: Path) -> None:
    root = tmp_path / "store"
    processes = [start_slow_build(root, tmp_path / f"build{number}.py", 1) for number in range(2)]

    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert len(list((root / "many").iterdir())) == 1
