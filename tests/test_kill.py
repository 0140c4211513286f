"""kill -9 in any stage, then the same command: the artifacts of an undisturbed run, bit for bit."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import yaml

from evenly.manifest import MANIFEST_NAME
from small_tables import write_genres

if TYPE_CHECKING:
    from pathlib import Path

STAGES = ("table", "split", "plan", "tokenizer", "shards", "synthetic", "baseline", "model", "report")
SETTINGS = {"train": {"epochs": 2}, "resample": {"method": "mlsmote", "target_ir": 3}, "executor": {"workers": 2}}
LIMIT_S = 120


def start(config: Path, store: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "evenly", "run", str(config), "--no-prefect", "--quiet", "--store", str(store)]
    return subprocess.Popen(command)


def kill_within(process: subprocess.Popen[bytes], stage: Path) -> bool:
    """Kill the process once the stage has begun to build; return whether it was still at work."""
    deadline = time.monotonic() + LIMIT_S
    while process.poll() is None and time.monotonic() < deadline:
        if list(stage.glob(".partial-*/*")):
            time.sleep(0.02)
            break
        time.sleep(0.001)
    process.kill()
    return process.wait() != 0


def read_artifacts(store: Path) -> dict[str, bytes]:
    """Return the bytes of every file of every artifact; manifests tell seconds and are left out."""
    files = [path for path in store.rglob("*") if path.is_file() and path.name != MANIFEST_NAME]
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in files if path.suffix != ".lock"}


@pytest.mark.slow
def test_a_run_that_is_killed_in_every_stage_ends_as_an_undisturbed_one(tmp_path):
    table = write_genres(tmp_path, 300)
    source = {"files": table.name, "text": "text", "labels": {"columns": "genres"}}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"source": source, **SETTINGS}))

    n_killed = sum(kill_within(start(config, tmp_path / "killed"), tmp_path / "killed" / stage) for stage in STAGES)
    assert start(config, tmp_path / "killed").wait(timeout=LIMIT_S) == 0
    assert start(config, tmp_path / "calm").wait(timeout=LIMIT_S) == 0

    killed, calm = read_artifacts(tmp_path / "killed"), read_artifacts(tmp_path / "calm")
    assert n_killed >= len(STAGES) - 1
    assert sorted(killed) == sorted(calm)
    assert [name for name in calm if calm[name] != killed[name]] == []
    assert {name.split("/")[0] for name in calm}.issuperset(STAGES)
