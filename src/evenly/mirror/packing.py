"""A partition -> bytes in which references stand for the paths of this machine, and what they need is behind the URL.

Of an artifact that is there already nothing is sent but the list of its files. What a build has made on the way, and
the sources, are sent once, by content. Every `Path` and every string of an item is looked at, wherever it stands in
it: a stage need not know that its workers are far away.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from evenly.manifest import MANIFEST_NAME, FileEntry, digest_files, list_files
from evenly.mirror.references import Blob, Reference, dump_inventory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evenly.manifest import Manifest
    from evenly.mirror.objects import Objects

__all__ = ["BUILD", "Packer"]

BUILD = "build"


class Packer:
    """Packs what travels to the workers of one build, and sends what they will need."""

    def __init__(
        self,
        objects: Objects,
        session: str,
        *,
        build: Path,
        skipped: tuple[str, ...],
        artifacts: Mapping[Path, Manifest],
        files: Sequence[Path],
    ) -> None:
        """Say what may be referred to.

        Parameters
        ----------
        objects, session
            The store, and the folder in it for what is sent.
        build, skipped
            The folder of the build, and parts of names in it that no worker needs.
        artifacts, files
            The inputs: folders that lie behind the URL too, and single files of this machine.
        """
        self._objects = objects
        self._session = session
        self._build = build
        self._skipped = skipped
        self._artifacts = {str(path): manifest for path, manifest in artifacts.items()}
        self._files = {str(path): f"sources/{number}/{path.name}" for number, path in enumerate(files)}
        self._digests: dict[tuple[str, int, int, int], FileEntry] = {}
        self._inventories: dict[str, Blob] = {}
        self.sent: dict[str, str] = {}

    @property
    def places(self) -> dict[str, str]:
        """Return the paths of this machine by where they lie in a worker's view."""
        inputs = {f"{made.stage}/{made.key}": path for path, made in self._artifacts.items()}
        return {BUILD: str(self._build)} | inputs | {view: path for path, view in self._files.items()}

    def pack(self, value: Any) -> bytes:
        """Return a value with references for paths; what they need has been sent."""
        sink = io.BytesIO()
        _Pickler(sink, self).dump(value)
        return sink.getvalue()

    def begin_step(self) -> None:
        """Forget what folders of the build held: a step may have put more into them."""
        self._inventories = {name: blob for name, blob in self._inventories.items() if name in self._artifacts}

    def know(self, path: Path, entry: FileEntry) -> None:
        """Take note of the digest of a file, which holds wherever the file is moved to."""
        self._digests[_mark(path)] = entry
        self.sent[entry.blake3] = f"{self._session}/{entry.blake3}"

    def refer(self, given: Path | str) -> Reference | None:
        """Return what stands for a path, or None where it travels as it is."""
        text, is_text = str(given), isinstance(given, str)
        if text in self._files:
            return Reference(self._files[text], is_text, blob=self._send([Path(text)])[0])
        for folder, manifest in self._artifacts.items():
            if text == folder or text.startswith(f"{folder}/"):
                return self._refer_to_artifact(text, folder, manifest, is_text=is_text)
        if text == str(self._build) or text.startswith(f"{self._build}/"):
            return self._refer_to_build(Path(text), is_text=is_text)
        return None

    def _refer_to_artifact(self, text: str, folder: str, manifest: Manifest, *, is_text: bool) -> Reference:
        name, inside = f"{manifest.stage}/{manifest.key}", text[len(folder) + 1 :]
        if folder not in self._inventories:
            self._inventories[folder] = self._send_inventory(
                {path: Blob(f"{name}/{path}", entry.size, entry.blake3) for path, entry in manifest.files.items()}
                | {MANIFEST_NAME: self._send([Path(folder) / MANIFEST_NAME])[0]}
            )
        only = f"{inside}/" if inside and Path(text).is_dir() else inside
        return Reference(f"{name}/{inside}", is_text, inventory=self._inventories[folder], folder=name, only=only)

    def _refer_to_build(self, path: Path, *, is_text: bool) -> Reference:
        place = f"{BUILD}/{path.relative_to(self._build).as_posix()}"
        if path.is_file():
            return Reference(place, is_text, blob=self._send([path])[0])
        if not path.is_dir():
            return Reference(place, is_text)
        if place not in self._inventories:
            names = [name for name in list_files(path) if not any(part in f"/{name}" for part in self._skipped)]
            blobs = self._send([path / name for name in names])
            self._inventories[place] = self._send_inventory(dict(zip(names, blobs, strict=True)))
        return Reference(place, is_text, inventory=self._inventories[place], folder=place)

    def _send(self, paths: Sequence[Path]) -> list[Blob]:
        """Return files as objects, those that are not there yet sent."""
        marks = [_mark(path) for path in paths]
        fresh = [(mark, path) for mark, path in zip(marks, paths, strict=True) if mark not in self._digests]
        found = digest_files(path for _, path in fresh)
        self._digests.update({mark: entry for (mark, _), entry in zip(fresh, found, strict=True)})
        entries = [self._digests[mark] for mark in marks]
        missing = {
            entry.blake3: path for path, entry in zip(paths, entries, strict=True) if entry.blake3 not in self.sent
        }
        self._objects.put([(path, f"{self._session}/{digest}") for digest, path in missing.items()])
        self.sent.update({digest: f"{self._session}/{digest}" for digest in missing})
        return [Blob(self.sent[entry.blake3], entry.size, entry.blake3) for entry in entries]

    def _send_inventory(self, files: dict[str, Blob]) -> Blob:
        text = dump_inventory(files)
        digest = blake3(text).hexdigest()
        self._objects.write(f"{self._session}/{digest}", text)
        return Blob(f"{self._session}/{digest}", len(text), digest)


class _Pickler(pickle.Pickler):
    def __init__(self, sink: io.BytesIO, packer: Packer) -> None:
        super().__init__(sink, protocol=5)
        self._packer = packer

    def persistent_id(self, value: Any) -> tuple[Any, ...] | None:
        """Return the parts of a reference for a path; pickle asks of every object."""
        if not isinstance(value, Path) and not (isinstance(value, str) and value.startswith("/")):
            return None
        found = self._packer.refer(value)
        return None if found is None else astuple(found)


def _mark(path: Path) -> tuple[str, int, int, int]:
    """Return what tells a file from others and from itself with other bytes, wherever it is moved."""
    found = path.stat()
    return path.name, found.st_ino, found.st_size, found.st_mtime_ns
