"""What a machine of a cluster has fetched: files by their digest, fetched once for all of its workers.

::

    FOLDER/blobs/<blake3>     read-only; the least used go once they take more than half of the disk's room
    FOLDER/views/<id>/...     what one partition sees: second names of blobs, in the layout of where they come from
    FOLDER/locks/<xx>         held by the kernel while a process fetches one
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from evenly.errors import StoreUnreachableError
from evenly.manifest import FileEntry, digest_files, refuse_outside_names
from evenly.mirror.objects import FILES_AT_ONCE, Objects
from evenly.mirror.references import Blob, Reference, load_inventory, select

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Shelf", "View"]

_LEFT_S = 24 * 3600  # after which a view is of a process that died
_verified: set[tuple[str, str]] = set()


class Shelf:
    """The files that this machine has of a store."""

    def __init__(self, objects: Objects, folder: Path) -> None:
        """Use a folder of this machine, private to the user."""
        self._objects = objects
        self._folder = folder
        for name in ("blobs", "views", "locks"):
            (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    def fetch(self, blobs: Iterable[Blob]) -> list[Path]:
        """Return where the files lie, fetched where they are not here.

        Raises
        ------
        StoreUnreachableError
            One is not there any more, or has other bytes.
        """
        with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
            return list(pool.map(self._fetch, blobs))

    def _fetch(self, blob: Blob) -> Path:
        target = self._folder / "blobs" / blob.blake3
        if not self._has(target, blob):
            with FileLock(self._folder / "locks" / blob.blake3[:2]):
                if not self._has(target, blob):
                    self._bring(target, blob)
        os.utime(target)
        return target

    def _has(self, target: Path, blob: Blob) -> bool:
        """Return whether a file is here; its bytes are looked at once a process."""
        if not target.is_file() or target.stat().st_size != blob.size:
            return False
        mark = (str(target), blob.blake3)
        if mark not in _verified and digest_files([target])[0].blake3 != blob.blake3:
            return False
        _verified.add(mark)
        return True

    def _bring(self, target: Path, blob: Blob) -> None:
        temporary = target.with_name(f".{uuid.uuid4().hex}")
        try:
            missing = self._objects.get([(blob.name, temporary)])
            if missing or digest_files([temporary])[0] != FileEntry(blob.size, blob.blake3):
                what = "is not there" if missing else "has other bytes than it had"
                raise StoreUnreachableError(
                    f"{self._objects.url}/{blob.name} {what}: it was removed or written to while the run goes on. "
                    f"Run again; evenly store verify finds what is damaged."
                )
            temporary.chmod(0o400)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        _verified.add((str(target), blob.blake3))

    @contextmanager
    def view(self) -> Iterator[View]:
        """Yield what one partition sees; it is gone afterwards."""
        folder = self._folder / "views" / uuid.uuid4().hex
        folder.mkdir(mode=0o700)
        try:
            yield View(self, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self._make_room()

    def _make_room(self) -> None:
        """Remove the blobs that were not used for longest, and the views of processes that died."""
        with suppress(Timeout, FileNotFoundError), FileLock(self._folder / "locks" / "room").acquire(timeout=0):
            for view in (self._folder / "views").iterdir():
                if time.time() - view.stat().st_mtime > _LEFT_S:
                    shutil.rmtree(view, ignore_errors=True)
            blobs = [(path, path.stat()) for path in (self._folder / "blobs").iterdir()]
            taken = sum(found.st_size for _, found in blobs)
            allowed = (taken + shutil.disk_usage(self._folder).free) // 2
            for path, found in sorted(blobs, key=lambda blob: blob[1].st_mtime):
                if taken <= allowed:
                    return
                path.unlink(missing_ok=True)
                taken -= found.st_size


class View:
    """Files under the names that they have where they come from."""

    def __init__(self, shelf: Shelf, folder: Path) -> None:
        """Use an empty folder."""
        self._shelf = shelf
        self.folder = folder

    def open(self, reference: Reference) -> Path | str:
        """Return the path that a reference stands for; what it needs is there.

        Raises
        ------
        StoreError
            It leads out of the view.
        """
        path = self._inside(reference.place)
        path.parent.mkdir(parents=True, exist_ok=True)
        if reference.blob is not None:
            self._link({reference.place: reference.blob})
        if reference.inventory is not None:
            files = load_inventory(self._shelf.fetch([reference.inventory])[0].read_bytes())
            folder = PurePosixPath(reference.folder)
            self._inside(reference.folder).mkdir(parents=True, exist_ok=True)
            self._link({str(folder / name): files[name] for name in select(list(files), reference.only)})
        return str(path) if reference.is_text else path

    def _link(self, files: dict[str, Blob]) -> None:
        missing = {self._inside(name): blob for name, blob in files.items() if not self._inside(name).exists()}
        for path, blob in zip(missing, self._shelf.fetch(missing.values()), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.hardlink_to(blob)
            except FileNotFoundError:  # room was made meanwhile
                path.hardlink_to(self._shelf.fetch([missing[path]])[0])

    def _inside(self, name: str) -> Path:
        refuse_outside_names("a partition", [name])
        return self.folder / name
