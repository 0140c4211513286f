"""Where what was fetched is kept: a folder a source, whole or not there, reused while its fingerprint holds.

::

    FOLDER/<key>/fetched.json + files    what was fetched, private to the user
    FOLDER/.partial-<key>/               under way, or left by a process that died
    FOLDER/.<key>.lock                   held by the kernel while a process fetches
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from evenly.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["fetch_once"]

_RECORD = "fetched.json"


def fetch_once(
    folder: Path, key: str, fingerprint: dict[str, Any] | None, fetch: Callable[[Path], list[str]]
) -> tuple[Path, ...]:
    """Return the files of a source; fetch them unless they are there already with this fingerprint.

    Parameters
    ----------
    folder
        Holds the sources.
    key
        Names the source.
    fingerprint
        What tells this content from another, as plain JSON; None: nothing does, so it is fetched each time.
    fetch
        Fills an empty, private folder and returns the names of the files, in order.

    Raises
    ------
    StoreError
        The folder cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(folder / f".{key}.lock")
        lock.acquire()
    except OSError as error:
        raise StoreError(
            f"Cannot write to the store {folder.parent}: {error.strerror or error}. Give another with --store DIR."
        ) from error
    with lock:
        target = folder / key
        names = _find(target, fingerprint)
        if names is None:
            names = _fill(folder, key, fingerprint, fetch)
        return tuple(target / name for name in names)


def _find(target: Path, fingerprint: dict[str, Any] | None) -> list[str] | None:
    """Return the names of the files that are there, where they are what is asked for."""
    try:
        record = json.loads((target / _RECORD).read_text(encoding="utf-8"))
        names: dict[str, int] = record["files"]
        whole = all((target / name).stat().st_size == size for name, size in names.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return list(names) if whole and fingerprint is not None and record.get("fingerprint") == fingerprint else None


def _fill(folder: Path, key: str, fingerprint: dict[str, Any] | None, fetch: Callable[[Path], list[str]]) -> list[str]:
    partial, target = folder / f".partial-{key}", folder / key
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    try:
        names = fetch(partial)
        record = {"fingerprint": fingerprint, "files": {name: (partial / name).stat().st_size for name in names}}
        (partial / _RECORD).write_text(json.dumps(record), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        partial.replace(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return names
