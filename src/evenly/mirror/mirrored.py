"""An artifact brought from a URL into the folder of this machine, and one that was built here taken there.

What is brought is whole or not there: files are compared with the manifest (BLAKE3) before the folder gets its name.
What is taken there is whole as soon as its manifest is, which comes last. Where both sides have an artifact of one key
and other bytes, as two GPUs may train it, the one behind the URL is right: everybody then goes on from the same.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from evenly.errors import StoreError
from evenly.manifest import MANIFEST_NAME, Manifest, find_damage, list_files, parse_manifest
from evenly.mirror.objects import Objects
from evenly.progress import Advanced, emit
from evenly.workspace import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evenly.mirror.objects import Listed

__all__ = ["Mirror", "describe_listing", "open_mirror"]

RUNS_FOLDER = "runs"
_UNIT = "files"


class Mirror:
    """What lies behind a URL, in the layout of a store."""

    def __init__(self, objects: Objects) -> None:
        """Take the objects below the URL."""
        self.objects = objects

    @property
    def url(self) -> str:
        """Of the store."""
        return self.objects.url

    def look(self, stage: str, key: str) -> tuple[Manifest | None, str]:
        """Return the manifest of an artifact, None where there is none, and in a phrase what is wrong with it.

        Two requests: every object must be there in its size. Their bytes are compared by who brings or verifies them.
        """
        name = f"{stage}/{key}"
        text = self.objects.read(f"{name}/{MANIFEST_NAME}")
        if text is None:
            return None, ""
        try:
            manifest = _parse(text, f"{self.url}/{name}", stage, key)
        except StoreError as error:
            return None, str(error)
        damage = describe_listing(manifest, self.objects.find(name), name)
        return (None, f"{self.url}/{name} is damaged: {damage}.") if damage else (manifest, "")

    def bring(self, manifest: Manifest, partial: Path) -> str:
        """Fetch an artifact; return in a sentence what is wrong with it, or an empty string.

        Parameters
        ----------
        manifest
            As `look` has found it.
        partial
            Where it is put together; what an interrupted fetch has left there is gone on with.
        """
        partial.mkdir(parents=True, exist_ok=True)
        for _ in range(2):
            damage = self._fill(manifest, partial)
            if not damage:
                write_atomically(partial / MANIFEST_NAME, manifest.to_json())
                return ""
        shutil.rmtree(partial, ignore_errors=True)
        return f"{self.url}/{manifest.stage}/{manifest.key} is damaged: {damage}."

    def _fill(self, manifest: Manifest, partial: Path) -> str:
        name = f"{manifest.stage}/{manifest.key}"
        for path in list_files(partial):
            entry = manifest.files.get(path)
            if entry is None or find_damage(partial, {path: entry}):
                (partial / path).unlink()
        missing = [path for path in manifest.files if not (partial / path).is_file()]
        for path in missing:
            (partial / path).parent.mkdir(parents=True, exist_ok=True)
        emit(Advanced(manifest.stage, 0, len(missing), _UNIT, "fetched"))
        self.objects.get([(f"{name}/{path}", partial / path) for path in missing])
        emit(Advanced(manifest.stage, len(missing), len(missing), _UNIT, "fetched"))
        return find_damage(partial, manifest.files)

    def take(self, manifest: Manifest, folder: Path, known: Mapping[str, str] | None = None) -> None:
        """Write an artifact behind the URL, its manifest last.

        Parameters
        ----------
        manifest, folder
            What it is, and where its files are.
        known
            Objects that have the bytes of a checksum already: those are copied there, not sent.
        """
        name, known = f"{manifest.stage}/{manifest.key}", known or {}
        self.withdraw(manifest.stage, manifest.key)
        there = {path: known[entry.blake3] for path, entry in manifest.files.items() if entry.blake3 in known}
        self.objects.copy([(source, f"{name}/{path}") for path, source in there.items()])
        emit(Advanced(manifest.stage, len(there), len(manifest.files), _UNIT, "uploaded"))
        self.objects.put([(folder / path, f"{name}/{path}") for path in manifest.files if path not in there])
        self.objects.write(f"{name}/{MANIFEST_NAME}", manifest.to_json().encode())
        emit(Advanced(manifest.stage, len(manifest.files), len(manifest.files), _UNIT, "uploaded"))

    def withdraw(self, stage: str, key: str) -> None:
        """Remove the manifest of an artifact, so that it is none for anybody until it is taken there again."""
        self.objects.remove([f"{stage}/{key}/{MANIFEST_NAME}"])

    def verify(self, stage: str, key: str) -> str:
        """Read every byte of an artifact and return in a phrase what is wrong with it, or an empty string."""
        manifest, damage = self.look(stage, key)
        if manifest is None:
            return damage or "its manifest is missing"
        with tempfile.TemporaryDirectory(prefix="evenly-verify-") as folder:
            for path, entry in manifest.files.items():  # one file on this disk at a time
                (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
                self.objects.get([(f"{stage}/{key}/{path}", Path(folder) / path)])
                damage = find_damage(Path(folder), {path: entry})
                if damage:
                    return f"{self.url}/{stage}/{key} is damaged: {damage}."
                (Path(folder) / path).unlink()
        return ""

    def write_record(self, run: str, text: str) -> None:
        """Keep the record of a run."""
        self.objects.write(f"{RUNS_FOLDER}/{run}.json", text.encode())

    def read_record(self, run: str) -> str | None:
        """Return the record of a run, or None where there is none."""
        found = self.objects.read(f"{RUNS_FOLDER}/{run}.json")
        return None if found is None else found.decode(errors="replace")

    def read_records(self) -> dict[str, str]:
        """Return the records of all runs, by run."""
        runs = [PurePosixPath(name).stem for name in self.objects.find(RUNS_FOLDER) if name.endswith(".json")]
        texts = {run: self.read_record(run) for run in runs}
        return {run: text for run, text in texts.items() if text is not None}


def open_mirror(url: str) -> Mirror:
    """Return what lies behind a URL.

    Raises
    ------
    ConfigError
        fsspec knows no such protocol.
    MissingExtraError
        Its package is not installed.
    """
    objects = Objects(url)
    objects.check()
    return Mirror(objects)


def describe_listing(manifest: Manifest, listed: Mapping[str, Listed], name: str) -> str:
    """Return what is wrong with an artifact as far as sizes tell, in a phrase, or an empty string."""
    for path, entry in manifest.files.items():
        found = listed.get(f"{name}/{path}")
        if found is None:
            return f"{path} is missing"
        if found.size != entry.size:
            return f"{path} has {found.size} bytes instead of {entry.size}"
    return ""


def _parse(text: bytes, place: str, stage: str, key: str) -> Manifest:
    manifest = parse_manifest(text, f"{place}/{MANIFEST_NAME}")
    if (manifest.stage, manifest.key) != (stage, key):
        raise StoreError(f"{place} has the manifest of {manifest.stage}/{manifest.key}. Remove it there.")
    return manifest
