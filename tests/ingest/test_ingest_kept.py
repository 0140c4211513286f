"""A table of several files takes over what an earlier one has read of those that have not changed."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evenly.config import SourceConfig
from evenly.errors import SourceChangedError
from evenly.formats import list_parts
from evenly.ingest import TABLE, kept_rows
from evenly.kept import KEPT_FOLDER
from evenly.runs import recording
from evenly.store import Artifact, Files, Store
from evenly.upkeep.collect import collect

if TYPE_CHECKING:
    from pathlib import Path


FROM_WHERE = {"files", "storage_options", "dataset", "subset", "revision", "database", "query"}


@dataclass(frozen=True)
class Built:
    """A built table and short ways to what is in it."""

    artifact: Artifact

    @property
    def texts(self) -> set[str]:
        return {text for part in list_parts(self.artifact.path) for text in pq.read_table(part)["text"].to_pylist()}

    @property
    def rejects(self) -> list[dict[str, Any]]:
        rejects: list[dict[str, Any]] = pq.read_table(self.artifact.path / "rejects.parquet").to_pylist()
        return rejects


@pytest.fixture
def build(tmp_path):
    """Return a function that builds a table; parts may be smaller than the config lets them be."""

    def run(*files: Path, store: Path | None = None, partition_rows: int = 1000, **settings: Any) -> Built:
        fields = {"files": list(map(str, files)), "text": ["text"], "labels": {"columns": ["label"]}} | settings
        params = SourceConfig.model_validate(fields).model_dump(mode="json", exclude=FROM_WHERE)
        params |= {"partition_rows": partition_rows}
        artifact = Store(store or tmp_path / "store").build(TABLE, params=params, inputs={"files": Files(files)})
        return Built(artifact)

    return run


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """Names of the files that are read anew, and ``part`` for every part that is written anew."""
    names: list[str] = []
    read_file, write_part = kept_rows.read_file, kept_rows.write_part

    def note_file(item, folder):
        names.append(item.raw.name)
        return read_file(item, folder)

    def note_part(item, folder):
        names.append("part")
        return write_part(item, folder)

    monkeypatch.setattr(kept_rows, "read_file", note_file)
    monkeypatch.setattr(kept_rows, "write_part", note_part)
    return names


def write(folder: Path, files: dict[str, list[str]]) -> list[Path]:
    """Write CSV files of `text,label,day`; return all that are there."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, lines in files.items():
        (folder / name).write_text("\n".join(["text,label,day", *lines]) + "\n")
    return sorted(folder.iterdir())


def content(artifact: Artifact) -> dict[str, Any]:
    """Return everything that later stages can see of an artifact, byte for byte."""
    files = {path.name: path.read_bytes() for path in sorted(artifact.path.iterdir()) if path.name != "manifest.json"}
    return files | {"facts": artifact.facts, "digest": artifact.digest}


def lines(label: str, n: int, first: int = 0) -> list[str]:
    return [f"text {label} {number},{label},{number}" for number in range(first, first + n)]


DAYS = {"1.csv": lines("a", 8) + lines("b", 4), "2.csv": [*lines("b", 9), "no label,,1", ",a,2"]}


def test_only_a_new_file_is_read_and_only_the_last_part_is_written(build, tmp_path, read):
    build(*write(tmp_path / "in", DAYS), partition_rows=10)
    assert read == ["1.csv", "2.csv", "part", "part", "part"]
    read.clear()

    grown = build(*write(tmp_path / "in", DAYS | {"3.csv": lines("a", 3)}), partition_rows=10)

    assert read == ["3.csv", "part"]
    assert grown.artifact.facts["rows_kept"] == 24
    assert grown.artifact.facts["rows_rejected"] == 2
    assert [(row["file"], row["line"]) for row in grown.rejects] == [("2.csv", 11), ("2.csv", 12)]
    assert "2 of 3 files are as an earlier table has read them; read anew: 3.csv" in grown.artifact.manifest.notes


def test_a_part_taken_over_is_on_the_disk_once(build, tmp_path):
    first = build(*write(tmp_path / "in", DAYS), partition_rows=10)
    grown = build(*write(tmp_path / "in", DAYS | {"3.csv": lines("a", 3)}), partition_rows=10)

    name = "part-00000.parquet"
    assert (first.artifact.path / name).samefile(grown.artifact.path / name)


@pytest.mark.parametrize(
    ("files", "anew"),
    [
        ({"0.csv": lines("a", 2), **DAYS}, ["0.csv", "1.csv", "part"]),  # which was the first file
        ({**DAYS, "1b.csv": lines("a", 2)}, ["1b.csv", "part"]),  # in the middle
        ({"1.csv": DAYS["1.csv"], "2.csv": lines("b", 8)}, ["2.csv", "part"]),  # changed
        ({**DAYS, "3.csv": lines("A", 2)}, ["3.csv", "part"]),  # a label that sorts before the others
        ({**DAYS, "3.csv": ["x,a,not a number"]}, ["3.csv", "part"]),
    ],
)
def test_what_changes_is_read_anew_and_the_table_is_that_of_a_fresh_store(build, tmp_path, read, files, anew):
    build(*write(tmp_path / "in", DAYS), partition_rows=10)
    read.clear()

    paths = write(tmp_path / "in", files)
    grown = build(*paths, partition_rows=10)

    assert sorted(set(read)) == sorted(anew)
    assert content(grown.artifact) == content(build(*paths, partition_rows=10, store=tmp_path / "fresh").artifact)


def test_another_setting_reads_all_files_anew(build, tmp_path, read):
    paths = write(tmp_path / "in", DAYS)
    for more in ({}, {"keep": ["day"]}, {"unicode": "NFC"}, {"labels": {"columns": ["label"], "rename": {"a": "c"}}}):
        read.clear()
        build(*paths, **more)
        assert {"1.csv", "2.csv"} < set(read), more


def test_a_touched_file_is_not_read_again_and_one_of_the_same_size_and_time_is(build, tmp_path, read):
    paths = write(tmp_path / "in", DAYS)
    build(*paths)
    more = write(tmp_path / "more", {"3.csv": lines("a", 3)})
    read.clear()

    os.utime(paths[0])
    build(*paths, *more)
    assert read == ["3.csv", "part"]
    read.clear()

    before = paths[1].stat()
    paths[1].write_text(paths[1].read_text().replace("text b 3", "TEXT B 3"))
    os.utime(paths[1], ns=(before.st_atime_ns, before.st_mtime_ns))
    changed = build(*paths, *more)
    assert read == ["2.csv", "part"]
    assert "TEXT B 3" in changed.texts


@pytest.mark.parametrize("name", ["rows.arrow", "rejects.arrow", "part.parquet", "kept.json"])
@pytest.mark.parametrize("how", ["flip", "cut", "gone"])
def test_what_is_kept_and_damaged_is_made_anew(build, tmp_path, name, how):
    build(*write(tmp_path / "in", DAYS), partition_rows=10)
    for path in (tmp_path / "store" / KEPT_FOLDER).glob(f"*/{name}"):
        data = path.read_bytes()
        path.unlink()  # a second name of a file in the table
        if how == "flip":
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        elif how == "cut":
            path.write_bytes(data[: len(data) // 2])

    paths = write(tmp_path / "in", DAYS | {"3.csv": lines("a", 3)})
    again = build(*paths, partition_rows=10)

    assert content(again.artifact) == content(build(*paths, partition_rows=10, store=tmp_path / "fresh").artifact)


def test_the_source_of_one_file_keeps_nothing(build, tmp_path):
    build(*write(tmp_path / "in", {"1.csv": DAYS["1.csv"]}))

    assert not (tmp_path / "store" / KEPT_FOLDER).exists()


def test_nothing_is_kept_of_a_file_that_changes_while_it_is_read(build, tmp_path, monkeypatch, read):
    paths = write(tmp_path / "in", DAYS)
    right = paths[1].read_text()
    read_file = kept_rows.read_file

    def read_another(item, folder):
        if item.raw.name == "2.csv":
            paths[1].write_text(right.replace("text b 3", "something else"))
        return read_file(item, folder)

    with monkeypatch.context() as patch:
        patch.setattr(kept_rows, "read_file", read_another)
        with pytest.raises(SourceChangedError):
            build(*paths)
    read.clear()
    paths[1].write_text(right)

    assert "something else" not in build(*paths).texts
    assert read == ["2.csv", "part"]


def test_two_files_of_one_content_and_name_are_both_there(build, tmp_path, read):
    first, second = write(tmp_path / "a", {"x.csv": lines("a", 3)}), write(tmp_path / "b", {"x.csv": lines("a", 3)})
    other = write(tmp_path / "c", {"y.csv": lines("b", 3)})

    assert build(*other, *first, *second).artifact.facts["rows_kept"] == 9
    more = write(tmp_path / "d", {"z.csv": lines("b", 1)})
    assert build(*other, *first, *second, *more).artifact.facts["rows_kept"] == 10


def test_a_manifest_lists_what_its_build_has_kept(build, tmp_path):
    built = build(*write(tmp_path / "in", DAYS), partition_rows=10)
    there = {path.name for path in (tmp_path / "store" / KEPT_FOLDER).iterdir()}

    listed = json.loads((built.artifact.path / "manifest.json").read_text())["keeps"]
    assert set(listed) == there
    assert len(listed) == 2 + 3


def test_gc_removes_what_no_artifact_lists_and_counts_a_part_of_two_tables_once(build, tmp_path, read):
    store = tmp_path / "store"
    with recording(store, "prepare", "in", "old"):
        old = build(*write(tmp_path / "in", DAYS), partition_rows=10)
    with recording(store, "prepare", "in", "new"):
        paths = write(tmp_path / "in", DAYS | {"2.csv": lines("b", 3)})
        new = build(*paths, partition_rows=10)
    before = {path.name for path in (store / KEPT_FOLDER).iterdir()}
    shared = (old.artifact.path / "part-00000.parquet").stat().st_size
    sizes = [path.stat().st_size for path in old.artifact.path.iterdir()]

    planned = collect(store, keep=1, dry_run=True, grace_s=0)
    done = collect(store, keep=1, grace_s=0)

    assert planned == done
    left = {path.name for path in (store / KEPT_FOLDER).iterdir()}
    assert left == set(new.artifact.manifest.keeps)
    assert done.n_partitions == len(before) - len(left) == 3  # the rows of 2.csv, and two parts
    assert done.n_bytes > sum(sizes) - shared
    read.clear()
    build(*paths, *write(tmp_path / "more", {"3.csv": lines("a", 9)}), partition_rows=10)
    assert set(read) == {"3.csv", "part"}


ROWS = st.lists(
    st.tuples(st.sampled_from(["one", "two words", "", '"quoted, so"']), st.sampled_from(["a", "b", "b|c", "10", ""])),
    min_size=1,
    max_size=6,
)
NAMES = st.sampled_from(["1.csv", "2.csv", "2b.csv", "3.csv", "9.csv"])
STATES = st.lists(st.dictionaries(NAMES, ROWS, min_size=2, max_size=4), min_size=2, max_size=3)
RULES = st.sampled_from([{}, {"min_count": 3}, {"drop": ["b"], "unlabelled": "keep"}, {"drop": ["c"]}])


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    states=STATES, rules=RULES, more=st.sampled_from([{"partition_rows": 2}, {"partition_rows": 5, "keep": ["day"]}])
)
def test_whatever_came_before_a_table_is_that_of_a_fresh_store(build, tmp_path_factory, states, rules, more):
    folder = tmp_path_factory.mktemp("kept")
    labels = {"columns": ["label"], "format": "delimited", "delimiter": "|"} | rules
    sure = ["sure,a,1", "sure,b|c,2", "sure,b,3", "sure,c,4", "sure,a,5", "sure,b|c|10,6", "sure,10,7", "sure,10,x"]
    for number, state in enumerate(states):
        files = {name: [f"{text},{label},{number}" for text, label in rows] for name, rows in state.items()}
        paths = write(folder / "in", files | {"5.csv": sure})
        grown, fresh = (
            build(*paths, store=folder / store, labels=labels, delimiter=",", **more)
            for store in ("store", f"fresh-{number}")
        )
        assert content(grown.artifact) == content(fresh.artifact)
