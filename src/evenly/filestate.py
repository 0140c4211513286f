"""What tells that a source file has changed: looked at before it is digested, and again when it has been read.

The key of an artifact is made of the digest of its sources, and the sources are read again to build it. Between the
two, somebody may write to them; an artifact of other bytes than its key says would be reused for ever. So would one
that goes on with the partitions of an interrupted build, where the files were written to, and back, in between.
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from evenly.manifest import canonical_json
from evenly.workspace import WORK_FOLDER, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["FileState", "describe_change", "forget_other_sources", "look_at"]

# Two writes within one tick of the file system's clock leave one time; coarse clocks tick every 2 s (FAT).
_TICK_NS = 2_000_000_000
_NOTE = "sources.json"


@dataclass(frozen=True)
class FileState:
    """Size in bytes, times in nanoseconds, number of a file; whether it was written just before it was looked at."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    is_fresh: bool

    def mark(self) -> list[int]:
        """Return what must be equal for a half-finished build of the file to be gone on with."""
        return [value for name, value in asdict(self).items() if name != "is_fresh"]


def look_at(paths: Iterable[Path]) -> dict[Path, FileState]:
    """Return the state of each file.

    Raises
    ------
    OSError
        One cannot be opened.
    """
    return {path: _look_at(path) for path in paths}


def _look_at(path: Path) -> FileState:
    with path.open("rb") as stream:  # opened: a network file system then asks its server, and does not tell from memory
        found = os.fstat(stream.fileno())
    # A time in the future (a clock that was set back) tells nothing either.
    is_fresh = max(found.st_mtime_ns, found.st_ctime_ns) > time.time_ns() - _TICK_NS
    return FileState(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, is_fresh)


def describe_change(path: Path, before: FileState) -> str | None:
    """Return how a file has changed since; an empty text: it has not; None: only its digest can tell.

    Size and time of writing are the file's own. Its number and the time of its last change of any kind differ after
    a harmless rename or link too, and say nothing of two writes within one tick.
    """
    try:
        after = _look_at(path)
    except OSError as error:
        return f"{path} cannot be read any more ({error.strerror})"
    if after.size != before.size:
        return f"{path} had {before.size} bytes and now has {after.size}"
    if after.mtime_ns != before.mtime_ns:
        return f"{path} was written to"
    is_same = before.mark() == after.mark() and not before.is_fresh
    return "" if is_same else None


def forget_other_sources(partial: Path, states: Mapping[str, Mapping[Path, FileState]]) -> None:
    """Remove a half-finished build of files that were written since: what it has read of them may be something else.

    Parameters
    ----------
    partial
        Its folder, which need not be there; a note is left in it of the files that are read now.
    states
        Of each input, its files.
    """
    note = partial / WORK_FOLDER / _NOTE
    marks = canonical_json({name: [state.mark() for state in found.values()] for name, found in states.items()})
    if not states or (note.is_file() and note.read_text(encoding="utf-8") == marks):
        return
    shutil.rmtree(partial, ignore_errors=True)
    note.parent.mkdir(parents=True)
    write_atomically(note, marks)
