"""Digests of files: those of BLAKE3, whatever the size of a file and the way it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from blake3 import blake3

from evenly import manifest
from evenly.manifest import FileEntry, digest_files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("small_bytes", [0, 1 << 20])
@pytest.mark.parametrize("size", [1, 255, 256, 257, 1023, 1024, 1025, 10_000])
def test_digests_of_files_are_those_of_their_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, small_bytes: int
):
    monkeypatch.setattr(manifest, "_SMALL_BYTES", small_bytes)
    monkeypatch.setattr(manifest, "_BLOCK_BYTES", 1024)
    monkeypatch.setattr(manifest, "_CACHED_BYTES", 256)
    paths = [tmp_path / name for name in "abc"]
    contents = [np.random.default_rng(seed).bytes(size) for seed in range(3)]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    assert digest_files(paths) == [FileEntry(size, blake3(content).hexdigest()) for content in contents]


def test_the_digest_of_an_empty_file_is_that_of_no_bytes(tmp_path: Path):
    (tmp_path / "empty").touch()
    assert digest_files([tmp_path / "empty"]) == [FileEntry(0, blake3().hexdigest())]
