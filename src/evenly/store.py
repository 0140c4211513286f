"""Artifacts on disk: built once, found again by the content they were made of, never half-written.

::

    STORE/<stage>/<key>/manifest.json + files      an artifact
    STORE/<stage>/.partial-<key>/                  a build under way, or interrupted: resumed by the next one
    STORE/.locks/<stage>-<key>.lock                held by the kernel while a process builds

The key is a digest of the stage and its version, its parameters and the *content* of its inputs. An artifact is
reused only if its files are as its manifest says; a damaged one is built again, and that is said.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from evenly import __version__
from evenly.errors import EvenlyError, SourceNotFoundError, StoreError
from evenly.executor import InProcess
from evenly.manifest import (
    MANIFEST_NAME,
    Manifest,
    canonical_json,
    digest_files,
    digest_of,
    find_damage,
    read_manifest,
)
from evenly.progress import Finished, Started, Waiting, emit
from evenly.workspace import Workspace, write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from evenly.executor import Executor

__all__ = ["Artifact", "Files", "Input", "Stage", "Store", "open_artifact"]

_PARTIAL = ".partial-"
_TRASH = ".trash-"
_ABANDONED_AFTER_S = 7 * 24 * 3600


@dataclass(frozen=True)
class Stage:
    """A step of the pipeline.

    `function(workspace, **inputs, **params)` fills `workspace.out`: an artifact arrives as the path of its folder,
    `Files` as a tuple of paths, parameters as they are. Raise `version` whenever the same input would give other
    bytes than before.
    """

    name: str
    version: int
    function: Callable[..., None]


@dataclass(frozen=True)
class Artifact:
    """A finished folder of the store and what its manifest says."""

    path: Path
    manifest: Manifest

    @property
    def digest(self) -> str:
        """The digest of the files."""
        return self.manifest.digest

    @property
    def facts(self) -> dict[str, Any]:
        """What the stage recorded."""
        return self.manifest.facts


@dataclass(frozen=True)
class Files:
    """Files from outside the store, in order; they count by name and content, not by where they lie."""

    paths: tuple[Path, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over names and checksums.

        Raises
        ------
        SourceNotFoundError
            One of them is not there or cannot be read.
        """
        try:
            contents = [entry.blake3 for entry in digest_files(self.paths)]
        except OSError as error:
            raise SourceNotFoundError(f"Cannot read {error.filename}: {error.strerror}.") from error
        return digest_of([[path.name, content] for path, content in zip(self.paths, contents, strict=True)])


Input = Artifact | Files


def open_artifact(path: Path) -> Artifact:
    """Open an artifact by its folder, whose files must be as its manifest says.

    Raises
    ------
    StoreError
        There is no manifest, or a file is missing or damaged.
    """
    artifact = Artifact(path, read_manifest(path))
    damage = find_damage(path, artifact.manifest.files)
    if damage:
        raise StoreError(f"{path} is damaged: {damage}.")
    return artifact


class Store:
    """A folder of artifacts."""

    def __init__(self, root: Path | str) -> None:
        """Use the folder `root`; it is made when something is built."""
        self.root = Path(root)

    def build(
        self,
        stage: Stage,
        *,
        params: Mapping[str, Any],
        inputs: Mapping[str, Input],
        executor: Executor | None = None,
    ) -> Artifact:
        """Return the artifact of `stage` for these parameters and inputs; build it where it is not there.

        Raises
        ------
        StoreError
            The store cannot be written.
        EvenlyError
            Whatever the stage raises; nothing of the artifact is left then.
        """
        started = time.perf_counter()
        digests = {name: value.digest for name, value in sorted(inputs.items())}
        key = digest_of([stage.name, stage.version, dict(params), digests])[:16]
        target = self.root / stage.name / key
        with self._lock(stage.name, key):
            artifact, why = self._find(target)
            reused = artifact is not None
            if artifact is None:
                emit(Started(stage.name))
                build = _Build(stage, key, dict(params), inputs, digests)
                artifact = self._fill(build, target, executor or InProcess())
        emit(
            Finished(
                stage=stage.name,
                path=str(artifact.path),
                reused=reused,
                why=why,
                rows=artifact.manifest.rows,
                seconds=time.perf_counter() - started,
                notes=artifact.manifest.notes,
            )
        )
        return artifact

    def _find(self, target: Path) -> tuple[Artifact | None, str]:
        """Return the artifact if it is whole; else None and, where there is a damaged one, what is wrong with it."""
        if not target.exists():
            return None, ""
        try:
            return open_artifact(target), ""
        except StoreError as error:
            return None, str(error)

    def _fill(self, build: _Build, target: Path, executor: Executor) -> Artifact:
        partial = target.with_name(f"{_PARTIAL}{build.key}")
        try:
            self._sweep(target.parent)
            workspace = Workspace(partial, stage=build.stage.name, executor=executor)
            manifest = build.run(workspace)
            if target.exists():
                _remove(target)
            partial.replace(target)
        except EvenlyError:
            self._undo(partial)
            raise
        except OSError as error:
            if error.filename is not None and not _is_inside(error.filename, self.root):
                raise
            raise StoreError(
                f"Cannot write to the store {self.root}: {error}. Make room or give it another place (--store)."
            ) from error
        return Artifact(target, manifest)

    def _undo(self, partial: Path) -> None:
        shutil.rmtree(partial, ignore_errors=True)
        for folder in (partial.parent, self.root):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def _lock(self, stage: str, key: str) -> AbstractContextManager[Any]:
        """Return the held lock of an artifact; the kernel frees it when its process dies."""
        folder = self.root / ".locks"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / f"{stage}-{key}.lock")
            try:
                return lock.acquire(timeout=0)
            except Timeout:
                emit(Waiting(stage))
                return lock.acquire()
        except OSError as error:
            raise StoreError(
                f"Cannot write to the store {self.root}: {error.strerror or error}. "
                f"It must be a folder that you may write to; give another with --store DIR."
            ) from error

    def _sweep(self, folder: Path) -> None:
        """Remove what dead processes have left: trash, and builds that nobody has resumed for a week."""
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            abandoned = path.name.startswith(_PARTIAL) and _age_s(path) > _ABANDONED_AFTER_S
            if path.name.startswith(_TRASH) or (abandoned and self._is_free(path)):
                shutil.rmtree(path, ignore_errors=True)

    def _is_free(self, partial: Path) -> bool:
        key = partial.name.removeprefix(_PARTIAL)
        lock = FileLock(self.root / ".locks" / f"{partial.parent.name}-{key}.lock")
        try:
            with lock.acquire(timeout=0):
                return True
        except Timeout:
            return False


@dataclass(frozen=True)
class _Build:
    stage: Stage
    key: str
    params: dict[str, Any]
    inputs: Mapping[str, Input]
    digests: dict[str, str]

    def run(self, workspace: Workspace) -> Manifest:
        """Let the stage fill its folder, then write the manifest, last of all."""
        started = time.perf_counter()
        given = {
            name: value.path if isinstance(value, Artifact) else value.paths for name, value in self.inputs.items()
        }
        self.stage.function(workspace, **given, **self.params)
        files = workspace.finish()
        seconds = time.perf_counter() - started
        manifest = Manifest(
            stage=self.stage.name,
            stage_version=self.stage.version,
            key=self.key,
            package_version=__version__,
            params=self.params,
            inputs=self.digests,
            files=files,
            rows=workspace.rows,
            schema=workspace.schema,
            seed=self.params.get("seed"),
            seconds=round(seconds, 3),
            rows_per_second=None if workspace.rows is None else round(workspace.rows / max(seconds, 1e-9), 1),
            facts=workspace.facts,
            notes=tuple(workspace.notes),
        )
        canonical_json([manifest.params, manifest.facts])  # refuse what is not plain JSON
        write_atomically(workspace.out / MANIFEST_NAME, manifest.to_json())
        return manifest


def _remove(folder: Path) -> None:
    """Take a folder out of sight at once, then remove it."""
    trash = folder.with_name(f"{_TRASH}{uuid.uuid4().hex[:8]}")
    folder.rename(trash)
    shutil.rmtree(trash, ignore_errors=True)


def _age_s(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def _is_inside(name: str | bytes, root: Path) -> bool:
    return Path(os.fsdecode(name)).resolve().is_relative_to(root.resolve())
