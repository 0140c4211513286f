"""kill -9 in any stage, then the same command: the artifacts of an undisturbed run, bit for bit. And Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import yaml

from evenly.manifest import MANIFEST_NAME
from evenly.store import LOGS_FOLDER
from small_tables import write_genres

if TYPE_CHECKING:
    from pathlib import Path

STAGES = ("table", "checks", "split", "plan", "tokenizer", "shards", "synthetic", "baseline", "model", "report")
SETTINGS = {"train": {"epochs": 2}, "resample": {"method": "mlsmote", "target_ir": 3}, "executor": {"workers": 2}}
SIGNS = {"model": "**/*.npz"}  # its first checkpoint: in the middle of training
LIMIT_S = 120


def start(config: Path, store: Path, **settings) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "evenly", "run", str(config), "--no-prefect", "--quiet", "--store", str(store)]
    return subprocess.Popen(command, **settings)


def wait_for(process: subprocess.Popen[bytes], stage: Path, sign: str = "*") -> None:
    """Return once the stage has begun to build, or its folder holds the sign, or the process has ended."""
    deadline = time.monotonic() + LIMIT_S
    while process.poll() is None and time.monotonic() < deadline and not list(stage.glob(f".partial-*/{sign}")):
        time.sleep(0.001)


def kill_within(process: subprocess.Popen[bytes], stage: Path, sign: str = "*") -> bool:
    """Kill the process once the stage has begun to build; return whether it was still at work."""
    wait_for(process, stage, sign)
    time.sleep(0.02)
    process.kill()
    return process.wait() != 0


@pytest.fixture
def config(tmp_path):
    table = write_genres(tmp_path, 300)
    source = {"files": table.name, "text": "text", "labels": {"columns": "genres"}}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"source": source, **SETTINGS}))
    return path


def read_artifacts(store: Path) -> dict[str, bytes]:
    """Return the bytes of every file of every artifact; manifests tell seconds and are left out, as are logs."""
    files = [path for path in store.glob("*/*/**/*") if path.is_file() and path.name != MANIFEST_NAME]
    files = [path for path in files if not path.is_relative_to(store / LOGS_FOLDER)]
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in files if path.suffix != ".lock"}


def differing(found: dict[str, bytes], wanted: dict[str, bytes]) -> list[str]:
    """Return the names of the files that only one has, or whose bytes differ."""
    return sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))


@pytest.mark.slow
def test_a_run_that_is_killed_in_every_stage_ends_as_an_undisturbed_one(config, tmp_path):
    folder = tmp_path / "killed"
    n_killed = sum(kill_within(start(config, folder), folder / stage, SIGNS.get(stage, "*")) for stage in STAGES)
    assert start(config, folder).wait(timeout=LIMIT_S) == 0
    assert start(config, tmp_path / "calm").wait(timeout=LIMIT_S) == 0

    calm = read_artifacts(tmp_path / "calm")
    assert n_killed >= len(STAGES) - 1
    assert differing(read_artifacts(folder), calm) == []
    assert {name.split("/")[0] for name in calm}.issuperset(STAGES)

    (network,), (page,) = folder.glob("model/*/model.keras"), folder.glob("report/*/report.html")
    network.write_bytes(network.read_bytes()[:-100])
    page.unlink()
    assert start(config, folder).wait(timeout=LIMIT_S) == 0
    assert differing(read_artifacts(folder), calm) == []


def test_an_interrupted_run_leaves_soon_and_says_that_nothing_is_lost(config, tmp_path):
    process = start(config, tmp_path / "store", stderr=subprocess.PIPE)
    wait_for(process, tmp_path / "store" / "tokenizer")
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=LIMIT_S)

    assert process.returncode == 130
    assert b"interrupted; what is finished is kept" in told
    assert b"Traceback" not in told
