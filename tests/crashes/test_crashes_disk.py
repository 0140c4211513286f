"""A full disk: a clear error, a store that stays whole, and the same artifacts once there is room.

A small tmpfs in a mount namespace of its own, which an ordinary user may have on most Linux systems; where that is
forbidden, a limit on the size of files (a write beyond it fails in the same places, with EFBIG for ENOSPC).
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import small_runs
from evenly.config import load_config
from evenly.errors import StoreError
from small_runs import run_until

NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]
GROW = """
    import json, subprocess, sys
    sys.path.insert(0, {tests!r})
    from evenly.config import load_config
    from evenly.errors import StoreError
    from small_runs import digests, run_until

    def mount(*options):
        subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "none", {store!r}], check=True)

    size, told, made = 30_000, [], {{}}
    mount(f"size={{size}}")
    while not made:
        try:
            made = run_until(load_config({config!r}), "synthetic")
        except StoreError as error:
            told.append(str(error))
            size = size * 3 // 2
            mount("remount", f"size={{size}}")
    print(json.dumps([told, digests(made)]))
"""


def may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = [*NAMESPACE, "mount", "-t", "tmpfs", "none", "/tmp"]  # noqa: S108 - within the namespace only
    return subprocess.run(tried, check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not may_mount(), reason="this system lets no user mount a tmpfs")
def test_a_disk_that_is_full_again_and_again_ends_in_the_same_artifacts(fresh, tmp_path):
    fresh.store.mkdir()
    tests = str(Path(small_runs.__file__).parent)
    script = GROW.format(tests=tests, store=str(fresh.store), config=str(fresh.folder / "config.yaml"))
    (tmp_path / "grow.py").write_text("\n".join(line.removeprefix("    ") for line in script.splitlines()))
    done = subprocess.run([*NAMESPACE, sys.executable, "grow.py"], cwd=tmp_path, check=True, capture_output=True)
    told, made = json.loads(done.stdout)

    assert len(told) >= 3
    assert all("Cannot write to the store" in message and "No space left on device" in message for message in told)
    assert made == {stage: fresh.calm[stage] for stage in made}


@pytest.mark.parametrize("limit", [2_000, 10_000, 40_000])
def test_files_that_cannot_be_written_to_their_end_are_an_error_and_the_store_stays_whole(fresh, limit):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(StoreError, match=r"Cannot write to the store .*File too large"):
            run_until(load_config(fresh.folder / "config.yaml"), "synthetic")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert "synthetic" in fresh.again("synthetic")
