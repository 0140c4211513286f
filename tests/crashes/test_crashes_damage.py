"""A file of any artifact that is changed, cut or gone is noticed; the run builds that artifact again, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evenly.errors import StoreError
from evenly.manifest import MANIFEST_NAME, list_files
from evenly.store import open_artifact

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def change(path: Path) -> None:
    """Flip the bits of the byte in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def cut(path: Path) -> None:
    """Lose the second half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    """Lose every byte, as a power cut may leave a file."""
    path.write_bytes(b"")


def zero(path: Path) -> None:
    """Keep the length only."""
    path.write_bytes(bytes(path.stat().st_size))


def remove(path: Path) -> None:
    """Lose the file."""
    path.unlink()


HARMS: list[Callable[[Path], None]] = [change, cut, empty, zero, remove]
STAGES = ["table", "checks", "split", "stats", "weights", "plan", "tokenizer", "shards", "synthetic", "baseline"]


@pytest.mark.parametrize("stage", STAGES)
def test_harm_to_any_file_is_noticed_and_named(run, stage):
    artifact = run.artifact(stage)
    for name in list_files(artifact):
        whole = (artifact / name).read_bytes()
        for harm in HARMS:
            harm(artifact / name)
            if not (artifact / name).is_file() or (artifact / name).read_bytes() != whole:
                with pytest.raises(StoreError, match=name):
                    open_artifact(artifact)
            (artifact / name).write_bytes(whole)
    open_artifact(artifact)


@pytest.mark.parametrize("harm", [cut, empty, zero, remove])
def test_a_manifest_that_is_torn_is_noticed(run, harm):
    harm(run.artifact("weights") / MANIFEST_NAME)

    with pytest.raises(StoreError, match=MANIFEST_NAME):
        open_artifact(run.artifact("weights"))
    assert run.again("weights") == ["weights"]


@pytest.mark.parametrize(("stage", "harm"), [(stage, HARMS[at % len(HARMS)]) for at, stage in enumerate(STAGES)])
def test_a_damaged_artifact_is_built_again_and_no_other(run, stage, harm):
    largest = max(list_files(run.artifact(stage)), key=lambda name: (run.artifact(stage) / name).stat().st_size)
    harm(run.artifact(stage) / largest)

    assert run.again() == [stage]
    assert run.again() == []
