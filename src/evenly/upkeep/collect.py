"""Clear a store: forget old runs, then remove what no listed run needs.

A run that is at work is never forgotten. An artifact is removed under its lock, after the records have been read
once more, so that a run which begins to use it meanwhile keeps it; and never within an hour of being built, for a
run of an older evenly keeps no record. With an artifact go the partitions that it has left for later builds
(`evenly.kept`), unless another one lists them too, and the logs of its build.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from evenly.errors import StoreError
from evenly.kept import KEPT_FOLDER, remove_kept
from evenly.manifest import MANIFEST_NAME, read_manifest
from evenly.runs import RUNS_FOLDER, read_records
from evenly.store import LOGS_FOLDER, Store
from evenly.upkeep.artifacts import artifact_folders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evenly.runs import RunRecord

__all__ = ["GRACE_S", "Collection", "collect", "forgettable"]

GRACE_S = 3600.0
_Sizes = dict[tuple[int, int], int]


@dataclass(frozen=True)
class Collection:
    """What was removed, or would be.

    Attributes
    ----------
    runs
        Names of the runs that are forgotten.
    artifacts
        ``<stage>/<key>`` of what is removed.
    n_bytes
        What that frees; a file with several names counts once, and not where one of them stays.
    n_kept
        Artifacts that stay.
    n_partitions
        Partitions for later builds that are removed.
    """

    runs: tuple[str, ...]
    artifacts: tuple[str, ...]
    n_bytes: int
    n_kept: int
    n_partitions: int = 0


def collect(
    root: Path,
    *,
    keep: int | None = None,
    older_than: timedelta | None = None,
    dry_run: bool = False,
    grace_s: float = GRACE_S,
) -> Collection:
    """Forget runs and remove the artifacts that none of the others needs.

    Parameters
    ----------
    root
        The store.
    keep
        Runs that stay listed, the newest; None: however many.
    older_than
        Runs that began before that are forgotten; None: however old. With `keep`, a run is forgotten where both say
        so; with neither, none is.
    dry_run
        Whether nothing is changed.
    grace_s
        Seconds after it was built in which an artifact stays.
    """
    records = read_records(root)
    forgotten = forgettable(records, keep, older_than)
    if not dry_run:
        for record in forgotten:
            (root / RUNS_FOLDER / f"{record.run}.json").unlink(missing_ok=True)
    leaving = {record.run for record in forgotten}
    needed = {name for record in records if record.run not in leaving for name in record.artifacts}
    removed: list[str] = []
    gone, stay, n_kept, listed = _Sizes(), _Sizes(), 0, set[str]()
    for folder in artifact_folders(root):
        name = f"{folder.parent.name}/{folder.name}"
        sizes, keeps = _sizes(folder), _keeps(folder)
        if name in needed or _is_young(folder / MANIFEST_NAME, grace_s) or not (dry_run or _remove(root, folder)):
            n_kept += 1
            stay |= sizes
            listed |= keeps
            continue
        removed.append(name)
        gone |= sizes
    partitions = [folder for folder in _kept_partitions(root, grace_s) if folder.name not in listed]
    for folder in partitions:
        gone |= _sizes(folder)
        if not dry_run:
            remove_kept(folder.parent, folder.name)
    for folder in list(_orphaned_logs(root, removed, grace_s)):
        gone |= _sizes(folder)
        if not dry_run:
            shutil.rmtree(folder, ignore_errors=True)
    freed = sum(gone[each] for each in gone.keys() - stay.keys())
    return Collection(tuple(sorted(leaving)), tuple(removed), freed, n_kept, len(partitions))


def _sizes(folder: Path) -> _Sizes:
    """Return the size of every file, by its number on the disk, which all its names share."""
    found = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return {(each.st_dev, each.st_ino): each.st_size for each in found}


def _keeps(folder: Path) -> set[str]:
    """Return the partitions that an artifact lists; none where its manifest cannot be read."""
    try:
        return set(read_manifest(folder).keeps)
    except StoreError:
        return set()


def _kept_partitions(root: Path, grace_s: float) -> Iterator[Path]:
    """Yield the folders of the partitions that are not of the last hour, and what dead processes have left there."""
    for folder in sorted((root / KEPT_FOLDER).glob("*")):
        if folder.is_dir() and not _is_young(folder, grace_s):
            yield folder


def _orphaned_logs(root: Path, removed: list[str], grace_s: float) -> Iterator[Path]:
    """Yield the logs of artifacts that are removed or not there, unless they were written to in the last hour."""
    for folder in sorted((root / LOGS_FOLDER).glob("*/*")):
        name = f"{folder.parent.name}/{folder.name}"
        gone = name in removed or not (root / name).exists()
        if gone and not any(_is_young(path, grace_s) for path in (folder, *folder.rglob("*"))):
            yield folder


def forgettable(records: list[RunRecord], keep: int | None, older_than: timedelta | None) -> list[RunRecord]:
    """Return the records that are to be forgotten, of all of them, the newest first; parameters as of `collect`."""
    if keep is None and older_than is None:
        return []
    limit = None if older_than is None else datetime.now(UTC) - older_than
    return [
        record
        for place, record in enumerate(records)  # the newest first
        if (keep is None or place >= keep)
        and (limit is None or datetime.fromisoformat(record.started) < limit)
        and record.current_state != "running"
    ]


def _is_young(path: Path, grace_s: float) -> bool:
    return time.time() - path.stat().st_mtime < grace_s


def _remove(root: Path, folder: Path) -> bool:
    name = f"{folder.parent.name}/{folder.name}"

    def is_needed() -> bool:
        return any(name in record.artifacts for record in read_records(root))

    return Store(root).remove(folder.parent.name, folder.name, unless=is_needed)
