"""Whether a process that was noted down is still at work: known to be dead, or not.

A process is known by its machine, its number and the moment it started, for numbers are given out again. Where it
cannot be known (another machine, another container), the answer is that it is not known to be dead.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ProcessMark", "is_known_dead", "mark_process"]

_PROC = Path("/proc")
_STARTTIME = 19  # the 22nd field of /proc/<pid>/stat, counted from the one behind the name in parentheses


@dataclass(frozen=True)
class ProcessMark:
    """What tells one process from all others.

    Attributes
    ----------
    host
        The name of the machine, and of the container in it (its space of process numbers).
    boot
        Which start of the machine; empty where it does not tell.
    pid
        The number of the process.
    started
        Clock ticks from the machine's start to that of the process; 0 where it is not told.
    """

    host: str
    boot: str
    pid: int
    started: int


def mark_process() -> ProcessMark:
    """Return the mark of this process."""
    return ProcessMark(_host(), _boot(), os.getpid(), _started(os.getpid()))


def is_known_dead(mark: ProcessMark) -> bool:
    """Return whether a marked process has certainly ended.

    True on the machine and within the container that it ran in, where no process has its number and its start. A
    mark of another machine, another container or another boot may be that of a process at work elsewhere.
    """
    if mark.host != _host() or mark.boot != _boot():
        return False
    if not _exists(mark.pid):
        return True
    return mark.started != 0 and _started(mark.pid) != mark.started


def _host() -> str:
    try:
        space = (_PROC / "self/ns/pid").readlink().name
    except OSError:
        space = ""
    return f"{platform.node()} {space}".strip()


def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    return _stat(pid)[:1] == ["Z"]


def _started(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[_STARTTIME]) if len(fields) > _STARTTIME else 0


def _stat(pid: int) -> list[str]:
    """Return the fields of ``/proc/<pid>/stat`` behind the name, which may hold spaces."""
    try:
        return (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
