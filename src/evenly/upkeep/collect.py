"""Clear a store: forget old runs, then remove what no listed run needs.

A run that is at work is never forgotten. An artifact is removed under its lock, after the records have been read
once more, so that a run which begins to use it meanwhile keeps it; and never within an hour of being built, for a
run of an older evenly keeps no record.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from evenly.manifest import MANIFEST_NAME
from evenly.runs import RUNS_FOLDER, read_records
from evenly.store import Store
from evenly.upkeep.artifacts import artifact_folders

if TYPE_CHECKING:
    from pathlib import Path

    from evenly.runs import RunRecord

__all__ = ["Collection", "collect"]

_GRACE_S = 3600.0


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
        What that frees.
    n_kept
        Artifacts that stay.
    """

    runs: tuple[str, ...]
    artifacts: tuple[str, ...]
    n_bytes: int
    n_kept: int


def collect(
    root: Path,
    *,
    keep: int | None = None,
    older_than: timedelta | None = None,
    dry_run: bool = False,
    grace_s: float = _GRACE_S,
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
    forgotten = _forgettable(records, keep, older_than)
    if not dry_run:
        for record in forgotten:
            (root / RUNS_FOLDER / f"{record.run}.json").unlink(missing_ok=True)
    leaving = {record.run for record in forgotten}
    needed = {name for record in records if record.run not in leaving for name in record.artifacts}
    removed, freed, n_kept = [], 0, 0
    for folder in artifact_folders(root):
        name = f"{folder.parent.name}/{folder.name}"
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if name in needed or _is_young(folder, grace_s) or not (dry_run or _remove(root, folder)):
            n_kept += 1
            continue
        removed.append(name)
        freed += size
    return Collection(tuple(sorted(leaving)), tuple(removed), freed, n_kept)


def _forgettable(records: list[RunRecord], keep: int | None, older_than: timedelta | None) -> list[RunRecord]:
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


def _is_young(folder: Path, grace_s: float) -> bool:
    return time.time() - (folder / MANIFEST_NAME).stat().st_mtime < grace_s


def _remove(root: Path, folder: Path) -> bool:
    name = f"{folder.parent.name}/{folder.name}"

    def is_needed() -> bool:
        return any(name in record.artifacts for record in read_records(root))

    return Store(root).remove(folder.parent.name, folder.name, unless=is_needed)
