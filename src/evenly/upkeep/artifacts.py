"""What a store holds: its artifacts, how large and how old they are, which runs use them, whether they are whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from evenly.errors import SourceNotFoundError, StoreError, nearest
from evenly.manifest import MANIFEST_NAME, Manifest, read_manifest
from evenly.runs import RUNS_FOLDER, read_records
from evenly.store import open_artifact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Listed", "Verified", "describe", "list_artifacts", "list_runs", "open_store", "verify_artifacts"]


@dataclass(frozen=True)
class Listed:
    """One artifact.

    Attributes
    ----------
    name
        ``<stage>/<key>``.
    rows, n_bytes
        Of its manifest; `n_bytes` is the size of its files.
    built
        When, ISO 8601, UTC.
    n_runs
        Listed runs that use it.
    """

    name: str
    rows: int | None
    n_bytes: int
    built: str
    n_runs: int


@dataclass(frozen=True)
class Verified:
    """An artifact and what is wrong with it; an empty string where nothing is."""

    name: str
    damage: str


def open_store(root: Path) -> Path:
    """Return the folder of a store.

    Raises
    ------
    SourceNotFoundError
        It is none.
    """
    if not root.is_dir():
        raise SourceNotFoundError(f"There is no store {root}. Name it: --store DIR (the config's `store`).")
    return root


def artifact_folders(root: Path) -> Iterator[Path]:
    """Yield the folder of every finished artifact, by stage and key."""
    for path in sorted(root.glob(f"*/*/{MANIFEST_NAME}")):
        if not path.parent.name.startswith("."):
            yield path.parent


def list_artifacts(root: Path) -> list[Listed]:
    """Return the artifacts of a store; one whose manifest cannot be read is left to `verify_artifacts`."""
    uses = Counter(name for record in read_records(root) for name in record.artifacts)
    found = []
    for folder in artifact_folders(root):
        try:
            manifest = read_manifest(folder)
        except StoreError:
            continue
        name = f"{folder.parent.name}/{folder.name}"
        built = datetime.fromtimestamp((folder / MANIFEST_NAME).stat().st_mtime, UTC)
        size = sum(entry.size for entry in manifest.files.values())
        found.append(Listed(name, manifest.rows, size, built.isoformat(timespec="seconds"), uses[name]))
    return found


def list_runs(root: Path) -> list[dict[str, Any]]:
    """Return the runs of a store, the newest first: plain JSON."""
    return [asdict(record) | {"state": record.current_state} for record in read_records(root)]


def describe(root: Path, name: str) -> dict[str, Any]:
    """Return what a store knows of an artifact or a run: plain JSON.

    Parameters
    ----------
    root
        The store.
    name
        The beginning of a key, ``<stage>/<key>``, or of a run's name.

    Raises
    ------
    SourceNotFoundError
        There is none, or there are several.
    """
    folders = {f"{path.parent.name}/{path.name}": path for path in artifact_folders(root)}
    runs = {run["run"]: run for run in list_runs(root)}
    near = [each for each in folders if each.startswith(name) or each.partition("/")[2].startswith(name)]
    near += [f"{RUNS_FOLDER}/{each}" for each in runs if each.startswith(name.removeprefix(f"{RUNS_FOLDER}/"))]
    if len(near) != 1:
        known = [*folders, *(f"{RUNS_FOLDER}/{run}" for run in runs)]
        what = f"{len(near)} of that name: {', '.join(near)}" if near else f"no {name!r}{nearest(name, known)}"
        raise SourceNotFoundError(f"The store {root} has {what} `evenly store ls` lists what is there.")
    if near[0] in folders:
        return _describe_artifact(near[0], read_manifest(folders[near[0]]), runs)
    return {"kind": "run"} | runs[near[0].partition("/")[2]]


def _describe_artifact(name: str, manifest: Manifest, runs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    used_by = [run for run, record in runs.items() if name in record["artifacts"]]
    return {"kind": "artifact", "name": name, "digest": manifest.digest, "used_by": used_by} | asdict(manifest)


def verify_artifacts(root: Path) -> Iterator[Verified]:
    """Yield every artifact, its files read and compared with its manifest."""
    for folder in artifact_folders(root):
        try:
            open_artifact(folder)
            damage = ""
        except StoreError as error:
            damage = str(error)
        yield Verified(f"{folder.parent.name}/{folder.name}", damage)
