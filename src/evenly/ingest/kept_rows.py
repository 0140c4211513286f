"""What a table takes over from an earlier one: the rows of files that have not changed, and parts made of them.

A source of several files is often the files of yesterday and one more. So the checked rows of each file are kept in
the store, and so is each part; the next table reads only the files that are new or were changed, and writes only the
parts that come out otherwise. In: what is to be read or written. Out: the same bytes as if all were made anew, for the
key of a file's rows holds all that they depend on (its content and name, the settings, what was found by looking at
the first file), and that of a part which rows of which files it has, their ids and the first row's number.

The source of a single file keeps nothing: its parts are written while it is read.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evenly import __version__
from evenly.executor import usable_cores
from evenly.filestate import describe_change, look_at
from evenly.ingest.parts import part_name, write_part
from evenly.ingest.pieces import FileCounts, read_file
from evenly.kept import is_kept, keep_partition, take_partition
from evenly.manifest import digest_files, digest_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evenly.executor import Executor
    from evenly.filestate import FileState
    from evenly.ingest.gathered import Gathered
    from evenly.ingest.parts import PartItem
    from evenly.ingest.pieces import FileItem
    from evenly.workspace import Workspace

__all__ = ["ReadFiles", "keep_parts", "read_files", "write_or_take"]

_SHOWN = 5
_FORMAT = 1  # of what is kept; raise it with any change of what `read_file` and `write_part` leave


@dataclass(frozen=True)
class ReadFiles:
    """What the files gave, and the key of the checked rows of each; None for one that nothing may be kept of."""

    counts: list[FileCounts]
    keys: list[str | None]


def read_files(work: Workspace, items: Sequence[FileItem], *, version: int) -> ReadFiles:
    """Read the files, or take over what an earlier build has read of them.

    Parameters
    ----------
    work
        Gets the checked rows and the rejects in the folder ``read`` of its scratch.
    items
        The files and what is taken from them.
    version
        Of the stage.
    """
    root = work.kept if len(items) > 1 else None
    if root is None:
        shared = _share_out(items, work.executor, n_new=len(items))
        values = work.map(read_file, shared, name="read", keep=False, unit="files")
        return ReadFiles([FileCounts(**value) for value in values], [None] * len(items))
    sources = _look_at_sources([item.raw.path for item in items])
    keys = _row_keys(items, sources, version=version)
    shared = _share_out(items, work.executor, n_new=sum(not is_kept(root, key) for key in keys))
    files = [_KeptFile(item, sources[item.raw.path], key, root) for item, key in zip(shared, keys, strict=True)]
    values = work.map(read_or_take, files, name="read", keep=False, unit="files")
    work.keep(keys)
    _note_taken(work, items, [value.pop("taken") for value in values])
    sure = [value.pop("sure") for value in values]
    return ReadFiles(
        [FileCounts(**value) for value in values],
        [key if is_sure else None for key, is_sure in zip(keys, sure, strict=True)],
    )


def _share_out(items: Sequence[FileItem], executor: Executor, *, n_new: int) -> list[FileItem]:
    """Share threads and memory among the files that are read at once."""
    n_at_once = max(1, min(n_new, executor.workers))
    threads, memory_bytes = max(1, usable_cores() // n_at_once), executor.memory_of_each(n_at_once)
    return [replace(item, threads=threads, memory_bytes=memory_bytes) for item in items]


def _note_taken(work: Workspace, items: Sequence[FileItem], taken: Sequence[bool]) -> None:
    if not any(taken):
        return
    new = [item.raw.name for item, is_taken in zip(items, taken, strict=True) if not is_taken]
    more = f" and {len(new) - _SHOWN} more" if len(new) > _SHOWN else ""
    read = f"; read anew: {', '.join(new[:_SHOWN])}{more}" if new else ""
    work.note(f"{sum(taken)} of {len(items)} files are as an earlier table has read them{read}")


@dataclass(frozen=True)
class _SourceFile:
    """A source file as it was before it was read: its state and the digest of its content."""

    path: Path
    state: FileState
    blake3: str

    def is_the_same(self) -> bool:
        """Return whether the file still is what it was."""
        change = describe_change(self.path, self.state)
        return change == "" or (change is None and digest_files([self.path])[0].blake3 == self.blake3)


def _look_at_sources(paths: Sequence[Path]) -> dict[Path, _SourceFile]:
    """Return the state and the digest of each file."""
    distinct = list(dict.fromkeys(paths))
    states = look_at(distinct)
    return {
        path: _SourceFile(path, states[path], entry.blake3)
        for path, entry in zip(distinct, digest_files(distinct), strict=True)
    }


def _row_keys(items: Sequence[FileItem], sources: dict[Path, _SourceFile], *, version: int) -> list[str]:
    """Return for each file the key of its checked rows."""
    made_by = [_FORMAT, version, __version__, sorted(field.name for field in fields(FileCounts))]
    keys = []
    for item in items:
        raw, dialect = item.raw, None if item.dialect is None else asdict(item.dialect)
        of_file = [sources[raw.path].blake3, raw.name, raw.format, raw.compression, raw.member, raw.sheet, raw.remarks]
        keys.append(digest_of(["rows", made_by, of_file, asdict(item.layout), asdict(item.given), dialect])[:32])
    return keys


@dataclass(frozen=True)
class _KeptFile:
    """A file that is read, or taken over from `root` under its key."""

    item: FileItem
    source: _SourceFile
    key: str
    root: Path | None

    @property
    def names(self) -> dict[str, str]:
        """The names of its files, where they are kept and here."""
        item = self.item
        return {
            "rows.arrow": item.rows_name,
            "rejects.arrow": item.rejects_name,
            "doubtful.arrow": item.doubtful_name,
        }


def read_or_take(file: _KeptFile, folder: Path) -> dict[str, Any]:
    """Put the checked rows and the rejects of a file into `folder`; return its counts.

    And whether it was `taken`, and whether it is `sure` that its content is that of the key.

    Raises as `evenly.ingest.pieces.read_file` does.
    """
    kept: dict[str, Any] | None = take_partition(file.root, file.key, folder, file.names)
    if kept is not None:
        return kept | {"taken": True, "sure": True}
    counts = read_file(file.item, folder)
    sure = file.source.is_the_same()  # else somebody wrote to it while it was read
    if sure:
        keep_partition(file.root, file.key, folder, file.names, counts, may_copy=True)
    return counts | {"taken": False, "sure": sure}


@dataclass(frozen=True)
class KeptPart:
    """A part that is written, or taken over from `root` under its key; where that is None, it is only written."""

    item: PartItem
    key: str
    root: Path | None


def keep_parts(
    work: Workspace, parts: Sequence[PartItem], gathered: Gathered, keys: Sequence[str | None], ids: Sequence[Path]
) -> list[KeptPart]:
    """Return the parts with their keys, which the manifest will list.

    Parameters
    ----------
    work
        Knows where partitions are kept.
    parts
        What each is made of.
    gathered
        All files.
    keys, ids
        Of each file the key of its rows (None: no part with any of them is kept) and the file of its label ids.
    """
    starts = np.concatenate([[0], np.cumsum([sum(rows) for rows in gathered.batch_rows])]).tolist()
    made_of = {
        path: (key, key and digest_of(np.load(path).tolist()), start)
        for key, path, start in zip(keys, ids, starts, strict=False)
    }
    found = [KeptPart(part, *_part_key(part, made_of, work.kept)) for part in parts]
    work.keep([part.key for part in found if part.root])
    return found


def _part_key(
    part: PartItem, made_of: dict[Path, tuple[str | None, str | None, int]], root: Path | None
) -> tuple[str, Path | None]:
    """Return the key of a part and where it is kept, if it is; `made_of` has key, ids and first row of each file."""
    first, slices = part.first_row, []
    for piece in part.slices:
        key, ids, start = made_of[piece.ids]
        if key is None:
            return "", None
        slices.append([key, ids, first - start, piece.length])
        first += piece.length
    types = {name: str(type_) for name, type_ in part.kept_types.items()}
    return digest_of(["part", _FORMAT, slices, part.first_row, part.refuse_emptied, types])[:32], root


def write_or_take(part: KeptPart, folder: Path) -> dict[str, int]:
    """Put one part into `folder`; return what `evenly.ingest.parts.count_held` does."""
    names = {"part.parquet": part_name(part.item.number)}
    kept: dict[str, int] | None = take_partition(part.root, part.key, folder, names)
    if kept is not None:
        return kept
    counts = write_part(part.item, folder)
    keep_partition(part.root, part.key, folder, names, counts, may_copy=False)
    return counts
