"""Clear a store behind a URL, and what this machine has of it: forget old runs, remove what no listed run needs.

No lock spans machines. So a run writes that it uses an artifact before it looks whether it is there, and who clears
takes the manifests away first, reads the records again, puts back what a run has come to need, and only then removes
files. Uploads and hand-overs that nobody has gone on with for a day are removed too.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from evenly.manifest import MANIFEST_NAME
from evenly.mirror.address import check_url, is_url
from evenly.mirror.cache_folder import find_cache
from evenly.mirror.carrier import WORK_PREFIX
from evenly.mirror.mirrored import open_mirror
from evenly.runs import RUNS_FOLDER, read_records
from evenly.upkeep.artifacts import open_store
from evenly.upkeep.collect import GRACE_S, Collection, collect, forgettable
from evenly.upkeep.url_store import fetch_index

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from evenly.mirror.mirrored import Mirror
    from evenly.mirror.objects import Listed
    from evenly.runs import RunRecord

__all__ = ["collect_store", "collect_url"]

_ABANDONED_S = 24 * 3600.0


def collect_store(
    place: str,
    *,
    keep: int | None = None,
    older_than: timedelta | None = None,
    dry_run: bool = False,
    grace_s: float = GRACE_S,
    cache: Path | str | None = None,
) -> Collection:
    """Clear a store or URL, as `evenly.upkeep.collect.collect`; of a URL the copies on this machine, too.

    `cache` is where those are, as `evenly.mirror.cache_folder.find_cache` has it: the config's `store_cache`.
    """
    if not is_url(place):
        root = open_store(Path(place))
        return collect(root, keep=keep, older_than=older_than, dry_run=dry_run, grace_s=grace_s)
    mirror = open_mirror(check_url(place))
    found = collect_url(mirror, keep=keep, older_than=older_than, dry_run=dry_run, grace_s=grace_s)
    if not dry_run:
        _clear_copies(mirror, find_cache(mirror.url, cache), grace_s)
    return found


def collect_url(
    mirror: Mirror,
    *,
    keep: int | None = None,
    older_than: timedelta | None = None,
    dry_run: bool = False,
    grace_s: float = GRACE_S,
) -> Collection:
    """Clear what lies behind a URL; parameters as those of `evenly.upkeep.collect.collect`."""
    listed = mirror.objects.find()
    records = _read_records(mirror, listed)
    leaving = {record.run for record in forgettable(records, keep, older_than)}
    needed = {name for record in records if record.run not in leaving for name in record.artifacts}
    folders = _folders(listed)
    unused = [
        name
        for name, held in folders.items()
        if name not in needed and _age(held) > (grace_s if _is_artifact(name, held) else max(grace_s, _ABANDONED_S))
    ]
    if not dry_run:
        mirror.objects.remove([f"{RUNS_FOLDER}/{run}.json" for run in leaving])
        unused = _withdraw(mirror, unused, folders)
        mirror.objects.remove([each for name in unused for each in folders[name]])
    removed = tuple(name for name in unused if not name.startswith(f"{WORK_PREFIX}/"))
    freed = sum(found.size for name in unused for found in folders[name].values())
    n_kept = sum(_is_artifact(name, held) for name, held in folders.items() if name not in unused)
    return Collection(tuple(sorted(leaving)), removed, freed, n_kept)


def _withdraw(mirror: Mirror, names: list[str], folders: dict[str, dict[str, Listed]]) -> list[str]:
    """Take the manifests away, put back those that a run has come to need meanwhile, and return the others."""
    manifests = {name: f"{name}/{MANIFEST_NAME}" for name in names if _is_artifact(name, folders[name])}
    texts = {name: mirror.objects.read(manifest) for name, manifest in manifests.items()}
    mirror.objects.remove(manifests.values())
    now_needed = {each for record in _read_records(mirror) for each in record.artifacts}
    for name, text in texts.items():
        if name in now_needed and text is not None:
            mirror.objects.write(manifests[name], text)
    return [name for name in names if name not in now_needed]


def _read_records(mirror: Mirror, listed: Mapping[str, Listed] | None = None) -> list[RunRecord]:
    """Return the records of all runs, the newest first."""
    listed = mirror.objects.find(RUNS_FOLDER) if listed is None else listed
    with tempfile.TemporaryDirectory(prefix="evenly-records-") as folder:
        records = {name: found for name, found in listed.items() if name.startswith(f"{RUNS_FOLDER}/")}
        fetch_index(mirror, records, Path(folder))
        return read_records(Path(folder))


def _folders(listed: Mapping[str, Listed]) -> dict[str, dict[str, Listed]]:
    """Return the objects of every artifact, whole or not, and of every hand-over, by the first two parts of names."""
    found: dict[str, dict[str, Listed]] = {}
    for name, each in sorted(listed.items()):
        first, second, rest = (*name.split("/", 2), "", "")[:3]
        if rest and first != RUNS_FOLDER:
            found.setdefault(f"{first}/{second}", {})[name] = each
    return found


def _is_artifact(name: str, held: Mapping[str, Listed]) -> bool:
    return f"{name}/{MANIFEST_NAME}" in held


def _age(held: Mapping[str, Listed]) -> float:
    """Return the seconds since anything of it was written."""
    return time.time() - max(found.modified for found in held.values())


def _clear_copies(mirror: Mirror, cache: Path, grace_s: float) -> None:
    """Remove what this machine has of artifacts that no listed run needs."""
    with tempfile.TemporaryDirectory(prefix="evenly-records-") as folder:
        fetch_index(mirror, mirror.objects.find(RUNS_FOLDER), Path(folder))
        listed = {path.name: path for path in (Path(folder) / RUNS_FOLDER).glob("*.json")}
        records = cache / RUNS_FOLDER
        records.mkdir(exist_ok=True)
        for record in read_records(cache):
            if f"{record.run}.json" not in listed and record.current_state != "running":
                (records / f"{record.run}.json").unlink(missing_ok=True)
        for name, path in listed.items():
            (records / name).write_bytes(path.read_bytes())
    collect(cache, grace_s=grace_s)
