"""What a build that was killed has left on the way: kept where it is whole, made again where it is torn."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from evenly.executor import InProcess
from evenly.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIZE = 9_000_000  # larger than all spots together


def write_numbered(item: int, folder: Path) -> int:
    """Write a file of one byte, again and again."""
    (folder / f"{item}.bin").write_bytes(bytes([65 + item]) * SIZE)
    return item


def cut(path: Path) -> None:
    """Lose the end."""
    os.truncate(path, SIZE - 1)


def blank_end(path: Path) -> None:
    """Lose the bytes of the last block, not the length: what a power cut leaves of a file that was being written."""
    with path.open("r+b") as stream:
        stream.seek(SIZE - 4_096)
        stream.write(bytes(4_096))


def blank_middle(path: Path) -> None:
    """Lose a megabyte in between."""
    with path.open("r+b") as stream:
        stream.seek(SIZE // 2)
        stream.write(bytes(1 << 20))


def remove(path: Path) -> None:
    """Lose it."""
    path.unlink()


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("damage", [cut, blank_end, blank_middle, remove])
def test_a_torn_file_is_made_again(tmp_path: Path, damage: Callable[[Path], None], *, keep: bool) -> None:
    work = Workspace(tmp_path, stage="s", executor=InProcess())
    assert work.map(write_numbered, [0, 1], name="step", keep=keep) == [0, 1]
    folder = tmp_path if keep else work.scratch / "step"
    damage(folder / "1.bin")
    whole = (folder / "0.bin").stat().st_mtime_ns
    again = Workspace(tmp_path, stage="s", executor=InProcess())
    assert again.map(write_numbered, [0, 1], name="step", keep=keep) == [0, 1]
    assert (folder / "1.bin").read_bytes() == b"B" * SIZE
    assert (folder / "0.bin").stat().st_mtime_ns == whole
