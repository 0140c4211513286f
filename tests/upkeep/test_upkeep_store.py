"""Records of runs, what a store holds, and gc, which never removes what a listed run needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from evenly.cli import main
from evenly.errors import SourceNotFoundError, StoreError, TookTooLongError
from evenly.liveness import is_known_dead, mark_process
from evenly.runs import RUNS_FOLDER, read_records, recording
from evenly.store import Store, logs_of
from evenly.upkeep.artifacts import describe, list_artifacts, verify_artifacts
from evenly.upkeep.collect import collect
from store_stages import MANY, REFUSING

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def call(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["evenly", *map(str, arguments)])
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0), capsys.readouterr().out
        return 0, capsys.readouterr().out

    return run


def build(root: Path, n: int, **more) -> str:
    artifact = Store(root).build(MANY, params={"n": n}, inputs={}, **more)
    return f"many/{artifact.path.name}"


def run(root: Path, name: str, *sizes: int) -> list[str]:
    with recording(root, "pipeline", "t.csv", name):
        return [build(root, n) for n in sizes]


def age(root: Path, days: float) -> None:
    """Make everything that is there look older."""
    for record in (root / RUNS_FOLDER).glob("*.json"):
        fields = json.loads(record.read_text())
        fields["started"] = f"20{20 - int(days) // 400:02}-01-0{1 + int(days) % 9}T00:00:00+00:00"
        record.write_text(json.dumps(fields))
    past = time.time() - days * 86_400
    for path in root.rglob("manifest.json"):
        os.utime(path, (past, past))


def test_a_run_lists_what_it_built_and_what_it_reused_by_names_that_hold_anywhere(tmp_path):
    first, again = run(tmp_path, "a", 1, 2), run(tmp_path, "b", 2)

    newest, oldest = sorted(read_records(tmp_path), key=lambda record: record.run, reverse=True)
    assert (oldest.artifacts, newest.artifacts) == (tuple(first), tuple(again))
    assert again[0] == first[1]
    assert oldest.state == "done"
    assert str(tmp_path) not in (tmp_path / RUNS_FOLDER / "a.json").read_text()


def test_a_run_within_a_run_is_the_same_run(tmp_path):
    with recording(tmp_path, "pipeline", "t.csv", "outer"):
        run(tmp_path, "inner", 1)

    assert [(record.run, len(record.artifacts)) for record in read_records(tmp_path)] == [("outer", 1)]


def test_a_run_that_fails_says_so(tmp_path):
    with pytest.raises(ValueError, match="bad"), recording(tmp_path, "train", "t.csv", "a"):
        Store(tmp_path).build(REFUSING, params={}, inputs={})
    with pytest.raises(KeyboardInterrupt), recording(tmp_path, "train", "t.csv", "b"):
        raise KeyboardInterrupt

    assert {record.run: record.state for record in read_records(tmp_path)} == {"a": "failed", "b": "interrupted"}


def test_a_process_that_is_gone_is_known_to_be_dead_and_a_stranger_is_not():
    code = "import json; from dataclasses import asdict; from evenly.liveness import *; print(asdict(mark_process()))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    gone = replace(mark_process(), **eval(answer.stdout))  # noqa: S307 - a dict of our own

    assert is_known_dead(gone)
    assert not is_known_dead(mark_process())
    assert is_known_dead(replace(mark_process(), started=1))
    assert not is_known_dead(replace(gone, host="elsewhere"))
    assert not is_known_dead(replace(gone, boot="another"))


def test_gc_keeps_what_the_newest_runs_need(tmp_path):
    old, shared = run(tmp_path, "old", 1, 2)
    age(tmp_path, 40)
    _, new = run(tmp_path, "new", 2, 3)
    before = {each.name for each in list_artifacts(tmp_path)}

    planned = collect(tmp_path, keep=1, dry_run=True)
    assert {each.name for each in list_artifacts(tmp_path)} == before
    done = collect(tmp_path, keep=1)

    assert planned == done
    assert done.artifacts == (old,)
    assert done.runs == ("old",)
    assert {each.name: each.n_runs for each in list_artifacts(tmp_path)} == {shared: 1, new: 1}


def test_gc_by_age_and_without_a_rule(tmp_path):
    (old,) = run(tmp_path, "old", 1)
    age(tmp_path, 40)
    (new,) = run(tmp_path, "new", 2)
    unlisted = build(tmp_path, 3)

    assert collect(tmp_path).artifacts == ()
    assert collect(tmp_path, grace_s=0.0).artifacts == (unlisted,)
    assert collect(tmp_path, older_than=timedelta(days=30)).artifacts == (old,)
    assert [each.name for each in list_artifacts(tmp_path)] == [new]


def test_gc_removes_the_logs_of_what_is_not_there(tmp_path):
    (old,) = run(tmp_path, "old", 1)
    age(tmp_path, 40)
    (new,) = run(tmp_path, "new", 2)
    failed, at_work = "many/0123456789abcdef", "many/fedcba9876543210"
    for name in (old, new, failed, at_work):
        curves = logs_of(tmp_path / name) / "train" / "events"
        curves.parent.mkdir(parents=True)
        curves.write_bytes(b"1234567")
        if name != at_work:
            for path in (curves, curves.parent, curves.parent.parent):
                os.utime(path, (0, 0))
    size = sum(path.stat().st_size for path in (tmp_path / old).rglob("*") if path.is_file())

    assert collect(tmp_path, keep=1, dry_run=True) == (done := collect(tmp_path, keep=1))
    assert done.artifacts == (old,)
    assert done.n_bytes == size + 2 * 7
    assert [logs_of(tmp_path / name).exists() for name in (old, new, failed, at_work)] == [False, True, False, True]


def test_gc_leaves_a_run_at_work_alone(tmp_path):
    with recording(tmp_path, "pipeline", "t.csv", "at work"):
        name = build(tmp_path, 1)
        age(tmp_path, 40)
        found = collect(tmp_path, keep=0)

    assert (found.runs, found.artifacts, found.n_kept) == ((), (), 1)
    assert (tmp_path / name).is_dir()


def test_a_record_that_cannot_be_read_stops_gc(tmp_path):
    run(tmp_path, "a", 1)
    age(tmp_path, 40)
    (tmp_path / RUNS_FOLDER / "b.json").write_text("{")

    with pytest.raises(StoreError, match=r"b\.json"):
        collect(tmp_path, keep=0)
    assert len(list(tmp_path.glob("many/*/manifest.json"))) == 1


def test_damage_is_found_and_named(tmp_path, call):
    whole, harmed = run(tmp_path, "a", 1, 2)
    assert call("store", "verify", "--store", tmp_path) == (0, "2 of 2 artifacts are whole.\n")
    (tmp_path / harmed / "sum.txt").write_text("?")

    damage = {each.name: each.damage for each in verify_artifacts(tmp_path)}
    assert damage[whole] == ""
    assert "sum.txt" in damage[harmed]
    code, out = call("store", "verify", "--store", tmp_path)
    assert code == 3
    assert harmed in out


def test_the_commands_list_show_and_clear(tmp_path, call):
    (name,) = run(tmp_path, "abcdef", 1)
    code, out = call("store", "ls", "--store", tmp_path, "--json")
    listed = json.loads(out)

    assert code == 0
    assert [each["name"] for each in listed["artifacts"]] == [name]
    assert listed["runs"][0]["artifacts"] == [name]
    assert name in call("store", "ls", "--store", tmp_path)[1]
    assert json.loads(call("store", "show", name[:9], "--store", tmp_path)[1])["used_by"] == ["abcdef"]
    assert json.loads(call("store", "show", "abc", "--store", tmp_path)[1])["flow"] == "pipeline"
    assert "Would remove 0" in call("store", "gc", "--store", tmp_path, "--keep", 1, "--dry-run")[1]
    assert call("store", "gc", "--store", tmp_path, "--older-than", "soon")[0] == 2
    assert call("store", "ls", "--store", tmp_path / "none")[0] == 2


def test_a_name_that_is_not_there_is_said(tmp_path):
    run(tmp_path, "a", 1)

    with pytest.raises(SourceNotFoundError, match="no 'nothing'"):
        describe(tmp_path, "nothing")


def test_a_build_that_takes_too_long_is_stopped_and_resumed(tmp_path):
    store = Store(tmp_path)
    with pytest.raises(TookTooLongError, match=r"many was stopped after 2 s"):
        store.build(MANY, params={"n": 40, "pause_s": 0.2}, inputs={}, timeout_s=2)
    assert list(tmp_path.glob("many/*/manifest.json")) == []

    calm = Store(tmp_path / "calm").build(MANY, params={"n": 2}, inputs={}, timeout_s=60)
    assert calm.digest == Store(tmp_path / "here").build(MANY, params={"n": 2}, inputs={}).digest
