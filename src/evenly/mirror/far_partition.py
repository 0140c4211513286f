"""A partition on a worker that shares no folder with who sent it: its inputs fetched, its files left behind the URL.

In: the function and the item, as `evenly.mirror.packing` has packed them; they came through the user's own Dask
cluster, as all work does. Out: the JSON value, and the names, sizes and digests of the files that were sent.
"""

from __future__ import annotations

import io
import pickle
import shutil
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evenly.errors import EvenlyError
from evenly.manifest import FileEntry, digest_files, list_files
from evenly.mirror.cache_folder import find_cache
from evenly.mirror.objects import Objects
from evenly.mirror.references import Blob, Reference
from evenly.mirror.shelf import Shelf, View

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["VIEW", "Answer", "Task", "run_far"]

VIEW = "evenly-view:"


@dataclass(frozen=True)
class Task:
    """What is the same for all partitions of a step: the URL, the folder for what is sent, the packed function."""

    url: str
    session: str
    function: bytes


@dataclass(frozen=True)
class Answer:
    """What a partition has given: its value, and the files that it wrote."""

    value: Any
    files: dict[str, FileEntry]


def run_far(task: Task, item: bytes) -> Answer:
    """Run a partition and send its files."""
    objects = Objects(task.url)
    shelf = Shelf(objects, find_cache(task.url) / "far")
    with shelf.view() as view:
        folder = view.folder / f".out-{uuid.uuid4().hex[:8]}"
        folder.mkdir()
        try:
            value = _unpack(task.function, view)(_unpack(item, view), folder)
        except EvenlyError as error:
            error.args = tuple(_hide(part, view.folder) for part in error.args)
            raise
        names = list_files(folder)
        files = dict(zip(names, digest_files(folder / name for name in names), strict=True))
        by_content = {entry.blake3: folder / name for name, entry in files.items()}
        objects.put([(path, f"{task.session}/{digest}") for digest, path in by_content.items()])
        shutil.rmtree(folder)
        return Answer(value, files)


def _unpack(packed: bytes, view: View) -> Any:
    return _Unpickler(io.BytesIO(packed), view).load()


class _Unpickler(pickle.Unpickler):
    def __init__(self, source: io.BytesIO, view: View) -> None:
        super().__init__(source)
        self._view = view

    def persistent_load(self, parts: Any) -> Path | str:
        """Return the path of this machine for the parts of a `Reference`."""
        place, is_text, blob, inventory, folder, only = parts
        return self._view.open(
            Reference(place, is_text, blob and Blob(*blob), inventory and Blob(*inventory), folder, only)
        )


def _hide(part: Any, folder: Path) -> Any:
    """Return a part of a message with a mark in place of the worker's folder; who sent the work knows its own path."""
    return part.replace(str(folder), VIEW) if isinstance(part, str) else part
