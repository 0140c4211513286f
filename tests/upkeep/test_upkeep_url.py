"""A store behind a URL cleared: what a listed run needs stays, also where the run begins meanwhile."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import fsspec
import pytest

from evenly.cli import main
from evenly.errors import ConfigError, SourceNotFoundError
from evenly.mirror.objects import Listed, Objects
from evenly.store import Store
from evenly.upkeep.artifacts import describe, list_artifacts
from evenly.upkeep.collect_url import collect_store, collect_url
from evenly.upkeep.url_store import fetch_index, looking_at, verify_store
from store_stages import MANY

URL = "memory://bucket/team"


@pytest.fixture
def there(tmp_path, monkeypatch):
    """Return the file system in memory; this machine's cache is in the test's folder."""
    monkeypatch.setenv("EVENLY_CACHE", str(tmp_path / "mine"))
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def run(name: str, *sizes: int, cache=None) -> list[str]:
    store = Store(URL, cache)
    with store.recording("pipeline", "t.csv", name):
        made = [store.build(MANY, params={"n": n}, inputs={}) for n in sizes]
    return [f"many/{artifact.path.name}" for artifact in made]


def age(there, hours: float) -> None:
    """Make everything that is there look older."""
    for each in there.store.values():
        each.created = datetime.now(UTC) - timedelta(hours=hours)


def artifacts() -> list[str]:
    with looking_at(URL) as root:
        return [each.name for each in list_artifacts(root)]


def test_gc_keeps_what_the_newest_runs_need_and_clears_the_copies_of_this_machine(there, tmp_path):
    old, new = run("a", 1, 2), run("b", 2, 3)
    for record in there.store:
        if record.endswith("runs/a.json"):
            there.pipe(record, there.cat(record).replace(b'"started": "20', b'"started": "19'))
    age(there, 2)
    assert collect_store(URL, keep=1, dry_run=True).artifacts == (old[0],)
    assert len(artifacts()) == 3
    n_bytes = sum(there.size(name) for name in there.store if old[0] in name)
    found = collect_store(URL, keep=1)

    assert (found.runs, found.artifacts, found.n_kept) == (("a",), (old[0],), 2)
    assert found.n_bytes == n_bytes > 3
    assert sorted(artifacts()) == sorted(new)
    assert not [name for name in there.store if old[0] in name]
    assert [each.damage for each in verify_store(URL)] == ["", ""]
    (mine,) = (tmp_path / "mine/stores").iterdir()
    assert {path.name for path in (mine / "runs").iterdir()} == {"b.json"}


@pytest.mark.parametrize("cache", [None, "elsewhere"])  # of a config with `store_cache`
def test_the_copies_of_what_nobody_needs_go_too(there, tmp_path, cache):
    cache = cache and tmp_path / cache
    run("a", 1, cache=cache)
    (mine,) = (tmp_path / (cache or "mine") / "stores").iterdir()
    assert list(mine.glob("many/*"))
    age(there, 2)
    collect_store(URL, keep=0, grace_s=0.0, cache=cache)

    assert not list(mine.glob("many/*"))
    assert not list(mine.glob("runs/*"))


def test_what_was_just_built_stays_and_runs_of_other_machines_count(there, tmp_path):
    run("a", 1)
    here = run("b", 2, cache=tmp_path / "other")
    there.rm("/bucket/team/runs/a.json")
    assert not collect_store(URL).artifacts  # within the hour
    age(there, 2)
    assert len(collect_store(URL).artifacts) == 1
    assert artifacts() == here


def test_uploads_and_hand_overs_that_broke_off_go_after_a_day(there):
    (name,) = run("a", 2)
    there.rm(f"/bucket/team/{name}/manifest.json")
    there.pipe("/bucket/team/.work/session/blob", b"blob")
    there.rm("/bucket/team/runs/a.json")
    age(there, 2)
    assert collect_store(URL).n_bytes == 0
    age(there, 25)
    found = collect_store(URL)

    assert (found.artifacts, found.n_kept) == ((name,), 0)
    assert not there.store


def test_a_run_that_begins_while_the_store_is_cleared_keeps_what_it_uses(there, tmp_path, monkeypatch):
    (name,) = run("a", 2)
    there.rm("/bucket/team/runs/a.json")
    age(there, 2)
    real = Objects.remove

    def remove(self, names):
        names = list(names)
        if any(each.endswith("manifest.json") for each in names):
            monkeypatch.setattr(Objects, "remove", real)
            there.pipe("/bucket/team/runs/b.json", record)
        real(self, names)

    run("b", 2, cache=tmp_path / "other")
    record = there.cat("/bucket/team/runs/b.json")
    there.rm("/bucket/team/runs/b.json")
    age(there, 2)
    monkeypatch.setattr(Objects, "remove", remove)
    found = collect_url(Store(URL).mirror)

    assert found.artifacts == ()
    assert [each.damage for each in verify_store(URL)] == [""]
    assert artifacts() == [name]


def test_what_is_not_there_and_what_cannot_be_read_is_said_with_the_url(there):
    run("a", 1)
    with pytest.raises(SourceNotFoundError, match="The store memory://bucket/team has no 'b'"), looking_at(URL) as root:
        describe(root, "b")
    with pytest.raises(ConfigError, match="user or password"), looking_at("s3://me:hush@bucket"):
        raise AssertionError
    (name,) = artifacts()
    there.pipe(f"/bucket/team/{name}/manifest.json", b"{")
    assert "is not a manifest that can be read" in next(verify_store(URL)).damage


def test_names_that_lead_elsewhere_are_not_fetched(there, tmp_path):
    there.pipe("/bucket/team/many/key/manifest.json", b"{}")
    names = ["../out/manifest.json", "a/../manifest.json", ".hidden/x/manifest.json", "many/key/manifest.json"]
    (tmp_path / "index").mkdir()
    fetch_index(Store(URL).mirror, dict.fromkeys(names, Listed(2, 0.0)), tmp_path / "index")

    assert [str(path.relative_to(tmp_path / "index")) for path in tmp_path.rglob("manifest.json")] == [names[-1]]


def test_the_commands_take_a_url(there, tmp_path, monkeypatch, capsys):
    (name,) = run("a", 1)
    for command in (["ls"], ["verify"], ["gc", "--cache", str(tmp_path / "elsewhere")]):
        monkeypatch.setattr(sys, "argv", ["evenly", "store", *command, "--store", URL])
        with suppress(SystemExit):
            main()
    said = capsys.readouterr().out
    assert name in said
    assert "1 of 1 artifacts are whole." in said
    assert "Removed 0 artifacts" in said
    assert len(list((tmp_path / "elsewhere/stores").glob("*/runs/*.json"))) == 1
