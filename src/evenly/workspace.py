"""Where a stage works: the folder it fills, the partitions it has finished, what it has to say.

A partition is a function of one item that writes files into an empty folder and returns a JSON value. Its files are
moved to their place and a mark is written last, with their checksums; a build that starts again keeps every
partition whose mark and files agree and repeats the others. Files that are needed only on the way are checked at
spots: what a crash leaves torn is cut, or has no bytes where some should be, and reading every byte again to see that
costs a third of the work.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from blake3 import blake3

from evenly.manifest import FileEntry, digest_files, find_damage, list_files, refuse_outside_names
from evenly.progress import Advanced, emit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from evenly.executor import Executor

__all__ = ["NOT_INPUTS", "TRASH", "WORK_FOLDER", "Carrier", "Workspace", "write_atomically"]

WORK_FOLDER = ".work"
TRASH = ".trash-"
_UNDER_WAY = ".under-way"
_DONE = ".done"
NOT_INPUTS = (f"{_UNDER_WAY}/", f"{_DONE}/", f"/{TRASH}")  # parts of the names of what is only for the workspace
_SPOTS, _SPOT_BYTES = 64, 1 << 16


class Carrier(Protocol):
    """Hands partitions to workers that do not see the folders of this process."""

    def map(
        self, executor: Executor, function: Callable[[Any, Path], Any], items: Sequence[Any], under_way: Path
    ) -> Iterator[tuple[int, Any, Path]]:
        """Yield the place of an item, its value, and a folder in `under_way` with the files that were written."""
        ...


class Workspace:
    """What a stage is given besides its inputs and parameters.

    Attributes
    ----------
    out
        The folder to fill. Everything in it, but `scratch`, becomes the artifact.
    scratch
        A folder for what is needed on the way; it survives a crash and is gone when the artifact is done.
    executor
        Maps partitions.
    carrier
        Carries them to an executor on other machines; None: those see the same folders.
    logs
        Where to write what tells of the build and is no part of the artifact, such as times; None: nowhere.
    kept
        Where partitions are kept for later builds (`evenly.kept`); None: nowhere.
    rows, facts, schema, notes, keeps
        What goes into the manifest: set by `record`, `note` and `keep`.
    """

    def __init__(
        self,
        out: Path,
        *,
        stage: str,
        executor: Executor,
        kept: Path | None = None,
        carrier: Carrier | None = None,
        logs: Path | None = None,
    ) -> None:
        """Open the folder `out`, which may hold what an earlier, interrupted build has left."""
        self.out = out
        self.scratch = out / WORK_FOLDER
        self.scratch.mkdir(parents=True, exist_ok=True)
        _discard(self.scratch / _UNDER_WAY, self.scratch)
        (self.scratch / _UNDER_WAY).mkdir()
        self._remove_unfinished()
        self.stage = stage
        self.executor = executor
        self.carrier = carrier
        self.rows: int | None = None
        self.facts: dict[str, Any] = {}
        self.schema: dict[str, dict[str, str]] = {}
        self.notes: list[str] = []
        self.kept = kept
        self.logs = logs
        self.keeps: list[str] = []
        self._known: dict[str, FileEntry] = {}

    def _remove_unfinished(self) -> None:
        """Remove what an interrupted build has left that no mark vouches for, and links: no build makes any."""
        for path in self.out.rglob("*"):
            if path.is_symlink():
                path.unlink()
        marked: set[str] = set()
        for path in self.scratch.glob(f"*{_DONE}/*.json"):
            mark = _read_mark(path)
            marked.update({} if mark is None else mark.files)
        for name in list_files(self.out):
            if not name.startswith(f"{WORK_FOLDER}/") and name not in marked:
                (self.out / name).unlink()

    def record(self, *, rows: int | None = None, **facts: Any) -> None:
        """Keep the row count and JSON facts for the manifest."""
        self.rows = rows if rows is not None else self.rows
        self.facts.update(facts)

    def note(self, text: str) -> None:
        """Keep a sentence for the person who reads the run: shown whenever the artifact is built or reused."""
        self.notes.append(text)

    def keep(self, keys: Sequence[str]) -> None:
        """List partitions in `kept` that this artifact is made of, so that they stay as long as it does."""
        self.keeps += keys

    def advance(self, done: int, total: int, unit: str, detail: str = "") -> None:
        """Tell how far the stage has come."""
        emit(Advanced(self.stage, done, total, unit, detail))

    def map(
        self,
        function: Callable[[Any, Path], Any],
        items: Sequence[Any],
        *,
        name: str,
        keep: bool = True,
        unit: str = "partitions",
        executor: Executor | None = None,
    ) -> list[Any]:
        """Run `function(item, folder)` for every item and return the JSON values, in the order of the items.

        Parameters
        ----------
        function
            A top-level function (or a `functools.partial` of one) that writes its files into the given, empty
            folder and returns a JSON value. File names must differ between items.
        items
            What can be pickled; the same list whenever the same artifact is built.
        name
            Names the step within its stage.
        keep
            Whether the files become part of the artifact (in `out`) or of `scratch / name`.
        unit
            What one item is, in the plural, for the progress display.
        executor
            Maps this step; None: the one of the workspace. See `evenly.executor.in_threads`.
        """
        step = _Step(self.out, name, self.out if keep else self.scratch / name, keep)
        step.target.mkdir(parents=True, exist_ok=True)
        results: dict[int, _Finished] = {}
        for index in range(len(items)):
            finished = step.read_finished(index)
            if finished is not None:
                results[index] = finished
        missing = [index for index in range(len(items)) if index not in results]
        self.advance(len(results), len(items), unit)
        todo = [(index, items[index]) for index in missing]
        for index, finished in self._run(step, function, todo, executor or self.executor):
            results[index] = finished
            self.advance(len(results), len(items), unit)
        if keep:
            for finished in results.values():
                self._known.update(finished.files)
        return [results[index].value for index in range(len(items))]

    def _run(
        self, step: _Step, function: Callable[[Any, Path], Any], todo: Sequence[tuple[int, Any]], executor: Executor
    ) -> Iterator[tuple[int, _Finished]]:
        if self.carrier is None or not executor.is_remote:
            for _, numbered in executor.map(partial(_run_partition, step, function), todo):
                yield numbered
            return
        items = [item for _, item in todo]
        for place, value, folder in self.carrier.map(executor, function, items, self.scratch / _UNDER_WAY):
            index = todo[place][0]
            yield index, _keep_partition(step, index, folder, value)

    def finish(self) -> dict[str, FileEntry]:
        """Remove what was needed on the way and return the files of the artifact with their checksums."""
        _discard(self.scratch, self.out.parent)
        names = list_files(self.out)
        unknown = [name for name in names if name not in self._known]
        fresh = dict(zip(unknown, digest_files(self.out / name for name in unknown), strict=True))
        return {name: fresh.get(name) or self._known[name] for name in names}


@dataclass(frozen=True)
class _Finished:
    value: Any
    files: dict[str, FileEntry]


def _read_mark(path: Path) -> _Finished | None:
    """Return what a mark says, or None where there is none, or none that can be read."""
    try:
        mark = json.loads(path.read_text(encoding="utf-8"))
        files = {name: FileEntry(**entry) for name, entry in mark["files"].items()}
        refuse_outside_names(path, files)
        return _Finished(mark["value"], files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


@dataclass(frozen=True)
class _Step:
    out: Path
    name: str
    target: Path
    keep: bool

    @property
    def marks(self) -> Path:
        return self.out / WORK_FOLDER / f"{self.name}{_DONE}"

    def read_finished(self, index: int) -> _Finished | None:
        """Return the partition if its mark can be read and its files are as marked."""
        mark = _read_mark(self.marks / f"{index}.json")
        if mark is None:
            return None
        damaged = find_damage(self.target, mark.files) if self.keep else self._is_torn(mark.files)
        return None if damaged else mark

    def _is_torn(self, files: Mapping[str, FileEntry]) -> bool:
        paths = [self.target / name for name in files]
        return not all(path.is_file() for path in paths) or self.entries(paths) != list(files.values())

    def entries(self, paths: Sequence[Path]) -> list[FileEntry]:
        """Return sizes and checksums: of whole files where they are kept, else of spots."""
        return digest_files(paths) if self.keep else [_digest_spots(path) for path in paths]


def _digest_spots(path: Path) -> FileEntry:
    """Return the size of a file, and the digest of spots spread evenly over it, its beginning and end among them."""
    found = blake3()
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        step = max((size - _SPOT_BYTES) // (_SPOTS - 1), _SPOT_BYTES)
        for start in (*range(0, size, step), max(size - _SPOT_BYTES, 0)):
            stream.seek(start)
            found.update(stream.read(_SPOT_BYTES))
    return FileEntry(size, found.hexdigest())


def _run_partition(
    step: _Step, function: Callable[[Any, Path], Any], numbered: tuple[int, Any]
) -> tuple[int, _Finished]:
    index, item = numbered
    finished = step.read_finished(index)
    if finished is not None:  # by a worker that was lost before it could tell
        return index, finished
    folder = step.out / WORK_FOLDER / _UNDER_WAY / f"{step.name}.{index}.{uuid.uuid4().hex[:8]}"
    folder.mkdir(mode=0o700)
    return index, _keep_partition(step, index, folder, function(item, folder))


def _keep_partition(step: _Step, index: int, folder: Path, value: Any) -> _Finished:
    """Move the files of a partition to their place, and write its mark."""
    names = list_files(folder)
    files = dict(zip(names, step.entries([folder / name for name in names]), strict=True))
    for name in names:
        (step.target / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).replace(step.target / name)
    shutil.rmtree(folder)
    mark = {"value": value, "files": {name: asdict(entry) for name, entry in files.items()}}
    step.marks.mkdir(exist_ok=True)
    write_atomically(step.marks / f"{index}.json", json.dumps(mark))
    return _Finished(value, files)


def _discard(folder: Path, into: Path) -> None:
    """Take a folder away at once, then remove it: workers of a run that is gone, which still write there, fail."""
    if folder.exists():
        trash = into / f"{TRASH}{uuid.uuid4().hex[:8]}"
        folder.rename(trash)
        shutil.rmtree(trash, ignore_errors=True)


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a reader finds the old one or the new one, whatever happens on the way."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
