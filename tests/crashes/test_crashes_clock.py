"""A clock that was set back or forth: times decide about nothing that is kept or reused."""

from __future__ import annotations

import os
import time

import pytest

from crash_stages import LOGGED_READ
from evenly.errors import WorkerDiedError
from evenly.store import Files, Store

YEAR_2100, YEAR_1970 = 4_102_444_800, 0  # s


def set_times(folder, seconds):
    for path in folder.rglob("*"):
        os.utime(path, (seconds, seconds))


@pytest.mark.parametrize("seconds", [YEAR_2100, YEAR_1970])
def test_whatever_time_the_files_have_they_are_found_again(run, seconds):
    set_times(run.folder, seconds)

    assert run.again() == []


@pytest.mark.parametrize("now", [YEAR_2100, YEAR_1970])
def test_whatever_time_it_is_the_artifacts_are_the_same(fresh, monkeypatch, now):
    monkeypatch.setattr(time, "time", lambda: float(now))
    monkeypatch.setattr(time, "time_ns", lambda: now * 10**9)

    assert fresh.again("split") == ["table", "checks", "split"]


@pytest.mark.parametrize(("before", "after"), [(YEAR_2100, YEAR_1970), (YEAR_1970, YEAR_2100)])
def test_an_interrupted_build_goes_on_whatever_the_clock_says(tmp_path, monkeypatch, before, after):
    (tmp_path / "log").mkdir()
    source = tmp_path / "source.txt"
    source.write_text("as it was")
    os.utime(source, (1_600_000_000, 1_600_000_000))
    store, params = Store(tmp_path / "store"), {"log": str(tmp_path / "log")}
    with pytest.raises(WorkerDiedError):
        store.build(LOGGED_READ, params=params, inputs={"files": Files((source,))})
    set_times(tmp_path / "store", before)
    monkeypatch.setattr(time, "time", lambda: float(after))
    store.build(LOGGED_READ, params=params, inputs={"files": Files((source,))})

    assert len(list((tmp_path / "log").iterdir())) == 3  # the first partition was not read again
