"""Artifacts on disk: built once, found again by the content they were made of, never half-written.

::

    STORE/<stage>/<key>/manifest.json + files      an artifact
    STORE/<stage>/.partial-<key>/                  a build under way, or interrupted: resumed by the next one
    STORE/.locks/<stage>-<key>.lock                held by the kernel while a process builds
    STORE/kept/<key>/                              partitions that later builds take over (`evenly.kept`)
    STORE/runs/<run>.json                          which artifacts a run uses (`evenly.runs`)
    STORE/logs/<stage>/<key>/                      what tells of a build and is no part of it, such as its curves

Of a store that is a URL this is the part that this machine has; what is not here is fetched, what is built is sent
(`evenly.mirror`).

The key is a digest of the stage and its version, its parameters and the *content* of its inputs. An artifact is
reused only if its files are as its manifest says; a damaged one is built again, and that is said.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from evenly import __version__
from evenly.errors import (
    EvenlyError,
    SourceChangedError,
    SourceNotFoundError,
    SourceUnreachableError,
    StoreError,
    StoreUnreachableError,
    TookTooLongError,
    WorkerDiedError,
)
from evenly.executor import InProcess
from evenly.filestate import FileState, describe_change, forget_other_sources, look_at
from evenly.isolation import run_within
from evenly.kept import KEPT_FOLDER
from evenly.manifest import (
    MANIFEST_NAME,
    Manifest,
    canonical_json,
    digest_files,
    digest_of,
    find_damage,
    read_manifest,
)
from evenly.mirror.address import check_url, is_url
from evenly.progress import Finished, Started, Waiting, emit
from evenly.runs import note_use, parse_record, read_record, read_records, recording
from evenly.workspace import NOT_INPUTS, TRASH, Workspace, write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from evenly.executor import Executor
    from evenly.mirror.carrier import Carrier
    from evenly.mirror.mirrored import Mirror
    from evenly.runs import Recording, RunRecord

__all__ = ["LOGS_FOLDER", "Artifact", "Files", "Input", "Stage", "Store", "logs_of", "open_artifact"]

LOGS_FOLDER = "logs"
_PARTIAL = ".partial-"
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
            raise _cannot_read(error) from error
        return digest_of([[path.name, content] for path, content in zip(self.paths, contents, strict=True)])

    def look(self) -> dict[Path, FileState]:
        """Return the state of each file; raises as `digest` does."""
        try:
            return look_at(self.paths)
        except OSError as error:
            raise _cannot_read(error) from error


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


def logs_of(artifact: Path) -> Path:
    """Return where the logs of the build of an artifact are, if it wrote any."""
    return artifact.parent.parent / LOGS_FOLDER / artifact.parent.name / artifact.name


class Store:
    """A folder of artifacts, or a URL and the folder of this machine for it.

    Attributes
    ----------
    root
        The folder.
    mirror
        What lies behind the URL, or None.
    """

    def __init__(self, place: Path | str, cache: Path | str | None = None) -> None:
        """Use a folder or a URL; a folder is made when something is built.

        Parameters
        ----------
        place
            The folder, or for example ``s3://bucket/prefix``.
        cache
            See `evenly.mirror.cache_folder.find_cache`; it matters for a URL only.

        Raises
        ------
        ConfigError, MissingExtraError
            It is a URL that cannot be used as a store.
        """
        self.root = Path(place)
        self.mirror: Mirror | None = None
        if isinstance(place, str) and is_url(place):
            from evenly.mirror.cache_folder import find_cache
            from evenly.mirror.mirrored import open_mirror

            self.mirror = open_mirror(check_url(place))
            self.root = find_cache(self.mirror.url, cache)

    @contextmanager
    def recording(self, flow: str, title: str, run: str | None = None) -> Iterator[Recording]:
        """Record what the body uses, here and behind the URL; see `evenly.runs.recording`."""
        share = None if self.mirror is None else self.mirror.write_record
        with recording(self.root, flow, title, run, share) as found:
            yield found

    def find_record(self, run: str) -> RunRecord | None:
        """Return the record of a run, wherever it ran, or None where there is none."""
        if self.mirror is None:
            return read_record(self.root, run)
        text = self.mirror.read_record(run)
        return None if text is None else parse_record(text, f"{self.mirror.url}/{run}")

    def records(self) -> list[RunRecord]:
        """Return the records of all runs, wherever they ran, the newest first."""
        if self.mirror is None:
            return read_records(self.root)
        found = [parse_record(text, f"{self.mirror.url}/{run}") for run, text in self.mirror.read_records().items()]
        return sorted(found, key=lambda record: (record.started, record.run), reverse=True)

    def open(self, path: Path) -> Artifact:
        """Open an artifact by its folder; where the store is a URL, of this machine or another one that fetched it.

        Raises
        ------
        StoreError
            It is not there, or damaged.
        """
        if self.mirror is None:
            return open_artifact(path)
        stage, key = path.parts[-2:]
        with self._lock(stage, key):
            artifact, why = self._find(self.root / stage / key)
            artifact, why = self._settle(self.mirror, self.root / stage / key, artifact, why)
        if artifact is None:
            raise StoreError(f"The store {self.mirror.url} has no {stage}/{key} that can be used. {why}".rstrip())
        return artifact

    def build(
        self,
        stage: Stage,
        *,
        params: Mapping[str, Any],
        inputs: Mapping[str, Input],
        executor: Executor | None = None,
        timeout_s: float | None = None,
    ) -> Artifact:
        """Return the artifact of `stage` for these parameters and inputs; build it where it is not there.

        Parameters
        ----------
        stage, params, inputs, executor
            What is built, and how.
        timeout_s
            Seconds that the build may take, in a process of its own that is killed then; None: as long as it needs,
            here.

        Raises
        ------
        StoreError
            The store cannot be written.
        SourceChangedError
            A file among the inputs was written to meanwhile; nothing of the artifact is left.
        TookTooLongError, WorkerDiedError, SourceUnreachableError, StoreUnreachableError
            The build was cut short; the partitions that are finished are kept for the next one.
        EvenlyError
            Whatever else the stage raises; nothing of the artifact is left then.
        """
        started = time.perf_counter()
        states = {name: value.look() for name, value in sorted(inputs.items()) if isinstance(value, Files)}
        digests = {name: value.digest for name, value in sorted(inputs.items())}
        key = digest_of([stage.name, stage.version, dict(params), digests])[:16]
        target = self.root / stage.name / key
        with self._lock(stage.name, key):
            artifact, why = self._find(target)
            if self.mirror is not None:
                note_use(self.root, stage.name, key)  # first: who clears the store there sees it, and no lock
                artifact, why = self._settle(self.mirror, target, artifact, why)
            reused = artifact is not None
            if artifact is None:
                emit(Started(stage.name))
                build = _Build(stage, key, dict(params), inputs, digests, states, timeout_s)
                artifact = self._make(build, target, executor or InProcess())
            note_use(self.root, stage.name, key)
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

    def remove(self, stage: str, key: str, *, unless: Callable[[], bool]) -> bool:
        """Remove an artifact that nobody builds or looks at now; return whether it was removed.

        Parameters
        ----------
        stage, key
            Which one.
        unless
            Asked while its lock is held, so that nobody begins to use it meanwhile: True: it stays.
        """
        target = self.root / stage / key
        try:
            with self._file_lock(stage, key).acquire(timeout=0):
                if unless() or not target.is_dir():
                    return False
                _remove(target)
        except Timeout:
            return False
        return True

    def _find(self, target: Path) -> tuple[Artifact | None, str]:
        """Return the artifact if it is whole; else None and, where there is a damaged one, what is wrong with it."""
        if not target.exists():
            return None, ""
        try:
            return open_artifact(target), ""
        except StoreError as error:
            return None, str(error)

    def _settle(
        self, mirror: Mirror, target: Path, artifact: Artifact | None, why: str, known: Mapping[str, str] | None = None
    ) -> tuple[Artifact | None, str]:
        """Bring here what is whole behind the URL, or take there what is here; return as `_find`."""
        stage, key = target.parent.name, target.name
        there, damage = mirror.look(stage, key)
        if there is None:
            if artifact is not None:
                mirror.take(artifact.manifest, target, known)
            return artifact, why or damage
        if artifact is not None and artifact.digest == there.digest:
            return artifact, ""
        self._sweep(target.parent)
        partial = target.with_name(f"{_PARTIAL}fetch-{key}")
        damage = mirror.bring(there, partial)
        if damage:
            mirror.withdraw(stage, key)
            return self._settle(mirror, target, artifact, damage, known)
        if target.exists():
            _remove(target)
        partial.replace(target)
        return Artifact(target, there), ""

    def _make(self, build: _Build, target: Path, executor: Executor) -> Artifact:
        """Build an artifact and, where the store is a URL, take it there."""
        partial = target.with_name(f"{_PARTIAL}{build.key}").absolute()  # a worker may have another current folder
        if self.mirror is None:
            return self._fill(build, partial, target, executor)
        carrier = None
        if executor.is_remote:
            from evenly.mirror.carrier import Carrier

            carrier = Carrier(self.mirror.objects, build=partial, skipped=NOT_INPUTS, **build.places())
        try:
            artifact = self._fill(build, partial, target, executor, carrier)
            known = None if carrier is None else carrier.sent
            settled, _ = self._settle(self.mirror, target, artifact, "", known)
            return settled or artifact
        finally:
            if carrier is not None:
                with suppress(StoreUnreachableError):  # what is left is cleared away later
                    carrier.close()

    def _fill(
        self, build: _Build, partial: Path, target: Path, executor: Executor, carrier: Carrier | None = None
    ) -> Artifact:
        try:
            self._sweep(target.parent)
            if partial.is_symlink():  # evenly makes none, and what it leads to would be swept
                partial.unlink()
            forget_other_sources(partial, build.states)
            kept = None if executor.is_remote and self.mirror is not None else (self.root / KEPT_FOLDER).absolute()
            workspace = Workspace(
                partial,
                stage=build.stage.name,
                executor=executor,
                kept=kept,
                carrier=carrier,
                logs=logs_of(target.absolute()),
            )
            manifest = build.run_where_it_should(workspace)
            if target.exists():
                _remove(target)
            partial.replace(target)
        except (SourceUnreachableError, StoreUnreachableError, TookTooLongError, WorkerDiedError):
            raise
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
            with suppress(OSError):  # it is not empty
                folder.rmdir()

    def _lock(self, stage: str, key: str) -> AbstractContextManager[Any]:
        """Return the held lock of an artifact; the kernel frees it when its process dies."""
        folder = self.root / ".locks"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = self._file_lock(stage, key)
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

    def _file_lock(self, stage: str, key: str) -> FileLock:
        return FileLock(self.root / ".locks" / f"{stage}-{key}.lock")

    def _sweep(self, folder: Path) -> None:
        """Remove what dead processes have left: trash, and builds that nobody has resumed for a week."""
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            abandoned = path.name.startswith(_PARTIAL) and _is_old(path)
            if path.name.startswith(TRASH) or (abandoned and self._is_free(path)):
                shutil.rmtree(path, ignore_errors=True)

    def _is_free(self, partial: Path) -> bool:
        lock = self._file_lock(partial.parent.name, partial.name.removeprefix(_PARTIAL))
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
    states: dict[str, dict[Path, FileState]]
    timeout_s: float | None

    def places(self) -> dict[str, Any]:
        """Return what a carrier must know of the inputs."""
        artifacts = {each.path.absolute(): each.manifest for each in self.inputs.values() if isinstance(each, Artifact)}
        files = [path.absolute() for each in self.inputs.values() if isinstance(each, Files) for path in each.paths]
        return {"artifacts": artifacts, "files": files}

    def run_where_it_should(self, workspace: Workspace) -> Manifest:
        """Run here, or in a process that can be stopped."""
        if self.timeout_s is None:
            return self.run(workspace)
        try:
            return run_within(self.timeout_s, self.run, workspace)
        except TookTooLongError as error:
            raise TookTooLongError(
                f"The stage {self.stage.name} was stopped after {self.timeout_s:g} s, the most that it may take "
                f"(executor.timeout_s). What is finished is kept; run again, with more time or more workers."
            ) from error

    def run(self, workspace: Workspace) -> Manifest:
        """Let the stage fill its folder, then write the manifest, last of all."""
        started = time.perf_counter()
        try:
            self.stage.function(workspace, **{name: _place(each) for name, each in self.inputs.items()}, **self.params)
        except (EvenlyError, OSError):
            self._refuse_changed_sources()  # then it went wrong for that reason
            raise
        self._refuse_changed_sources()
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
            keeps=tuple(workspace.keeps),
        )
        canonical_json([manifest.params, manifest.facts])  # refuse what is not plain JSON
        write_atomically(workspace.out / MANIFEST_NAME, manifest.to_json())
        return manifest

    def _refuse_changed_sources(self) -> None:
        """Raise where a file among the inputs is not what the key was made of, or may not have been all the time."""
        for name, states in self.states.items():
            changes = [describe_change(path, state) for path, state in states.items()]
            said = [change for change in changes if change]
            if said or (None in changes and self.inputs[name].digest != self.digests[name]):
                what = "; ".join(said) or f"the content of {' or '.join(map(str, states))} is another one"
                raise SourceChangedError(
                    f"A source changed while it was read: {what}. Nothing made of it was kept. Run again once it is "
                    f"written; whoever writes it should write beside it and rename."
                )


def _place(value: Input) -> Path | tuple[Path, ...]:
    """Return where an input lies, in full: a worker may have another current folder."""
    if isinstance(value, Artifact):
        return value.path.absolute()
    return tuple(path.absolute() for path in value.paths)


def _cannot_read(error: OSError) -> SourceNotFoundError:
    return SourceNotFoundError(f"Cannot read {error.filename}: {error.strerror}.")


def _remove(folder: Path) -> None:
    """Take a folder out of sight at once, then remove it."""
    trash = folder.with_name(f"{TRASH}{uuid.uuid4().hex[:8]}")
    folder.rename(trash)
    shutil.rmtree(trash, ignore_errors=True)


def _is_old(path: Path) -> bool:
    """Return whether it was left a week ago; not where it is gone, finished by another process."""
    try:
        return time.time() - path.stat().st_mtime > _ABANDONED_AFTER_S
    except FileNotFoundError:
        return False


def _is_inside(name: str | bytes, root: Path) -> bool:
    return Path(os.fsdecode(name)).resolve().is_relative_to(root.resolve())
