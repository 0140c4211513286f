"""Partitions that a build leaves for later builds, so that what has not changed is not made again.

::

    STORE/kept/<key>/kept.json + files    a partition: a JSON value, and files with their sizes and checksums

The key is a digest of everything the partition is made of, its source by content. Files are second names (hard links)
of those of the build, so that a partition which is part of several artifacts takes its place on the disk once; each is
read and compared with its checksum before it is taken over. The manifest of an artifact lists what its build has kept,
and ``evenly store gc`` removes what no artifact lists.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from evenly.manifest import FileEntry, digest_files, find_damage
from evenly.workspace import TRASH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["KEPT_FOLDER", "is_kept", "keep_partition", "remove_kept", "take_partition"]

KEPT_FOLDER = "kept"
_RECORD = "kept.json"


def is_kept(root: Path | None, key: str) -> bool:
    """Return whether there is a partition of that key; it may yet turn out to be damaged."""
    return root is not None and (root / key / _RECORD).is_file()


def take_partition(root: Path | None, key: str, folder: Path, names: Mapping[str, str]) -> Any:
    """Put the files of a partition into `folder` and return its value; None where it is not there, or not whole.

    Parameters
    ----------
    root
        Where partitions are kept; None: nowhere.
    key
        Of the partition.
    folder
        Gets the files.
    names
        Of each file, the name among what is kept and the one in `folder`.
    """
    if root is None:
        return None
    try:
        record = json.loads((root / key / _RECORD).read_text(encoding="utf-8"))
        files = {names[name]: FileEntry(**entry) for name, entry in record["files"].items()}
        for name in names:
            _link(root / key / name, folder / names[name], may_copy=True)
        if len(files) == len(names) and not find_damage(folder, files):
            return record["value"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass  # another process clears it away just now, or it is damaged: it is made anew
    for name in names.values():
        (folder / name).unlink(missing_ok=True)
    remove_kept(root, key)
    return None


def keep_partition(
    root: Path | None, key: str, folder: Path, names: Mapping[str, str], value: object, *, may_copy: bool
) -> None:
    """Keep the files of a partition that was just made; a store that cannot hold them does without.

    Parameters
    ----------
    root, key, folder, names
        As in `take_partition`.
    value
        What the partition came to: plain JSON.
    may_copy
        Whether its bytes may be written again, where the file system has no hard links.
    """
    if root is None:
        return
    partial = root / f"{TRASH}{uuid.uuid4().hex[:8]}"
    try:
        partial.mkdir(parents=True)
        for name, made in names.items():
            _link(folder / made, partial / name, may_copy=may_copy)
        entries = digest_files(partial / name for name in names)
        files = {name: asdict(entry) for name, entry in zip(names, entries, strict=True)}
        (partial / _RECORD).write_text(json.dumps({"value": value, "files": files}), encoding="utf-8")
        partial.replace(root / key)  # fails where another process was first
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)


def remove_kept(root: Path, key: str) -> None:
    """Take a partition away at once, then remove its files."""
    trash = root / f"{TRASH}{uuid.uuid4().hex[:8]}"
    with suppress(OSError):  # it is not there, or another process removes it
        (root / key).rename(trash)
    shutil.rmtree(trash, ignore_errors=True)


def _link(source: Path, target: Path, *, may_copy: bool) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        if not may_copy:
            raise
        shutil.copyfile(source, target, follow_symlinks=False)
