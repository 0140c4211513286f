"""The manifest of an artifact: what it holds, of what it was made, and whether it is whole.

Format version 2 is one JSON object (`manifest.json`) beside the files it lists; version 1 had SHA-256 in place of
BLAKE3. Names are relative to it, so an artifact can be moved or synced. The digest of an artifact is that of its files
and facts: two builds of one content are the same artifact, however long they took and whatever settings led to it.
"""

from __future__ import annotations

import hashlib
import json
import re
import reprlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from evenly.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from io import RawIOBase

__all__ = [
    "FORMAT_VERSION",
    "MANIFEST_NAME",
    "FileEntry",
    "Manifest",
    "canonical_json",
    "digest_files",
    "digest_of",
    "find_damage",
    "list_files",
    "parse_manifest",
    "read_manifest",
    "refuse_outside_names",
]

FORMAT_VERSION = 2
MANIFEST_NAME = "manifest.json"
_FILES_AT_ONCE, _BLOCK_BYTES = 4, 1 << 22
_SMALL_BYTES, _CACHED_BYTES = 1 << 26, 1 << 18
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+!-]{0,40}")


@dataclass(frozen=True)
class FileEntry:
    """Size in bytes and BLAKE3 digest (hex) of one file, as ``b3sum`` prints it."""

    size: int
    blake3: str


@dataclass(frozen=True)
class Manifest:
    """What `manifest.json` says; see the module for the format."""

    stage: str
    stage_version: int
    key: str
    package_version: str
    params: dict[str, Any]
    inputs: dict[str, str]
    files: dict[str, FileEntry]
    rows: int | None
    schema: dict[str, dict[str, str]]
    seed: int | None
    seconds: float
    rows_per_second: float | None
    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()  # what its build has left for later ones (`evenly.kept`); no part of the digest
    format_version: int = FORMAT_VERSION

    @property
    def digest(self) -> str:
        """SHA-256 over what later stages read: the files' names, sizes and checksums, and the facts."""
        return digest_of([{name: [entry.size, entry.blake3] for name, entry in self.files.items()}, self.facts])

    def to_json(self) -> str:
        """Return the text of `manifest.json`."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def canonical_json(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest_of(value: object) -> str:
    """Return the SHA-256 (hex) of a JSON value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def digest_files(paths: Iterable[Path]) -> list[FileEntry]:
    """Return size and BLAKE3 digest of every file, hashed by several threads: even a single large file.

    Files are read in blocks and not mapped: one that is cut short meanwhile must not end the process.
    """
    with ThreadPoolExecutor(max_workers=_FILES_AT_ONCE) as pool:
        return list(pool.map(_digest_file, paths))


def _digest_file(path: Path) -> FileEntry:
    """Small files come in numbers, of which each is best hashed by one thread, from the cache of its processor."""
    n_bytes = path.stat().st_size
    with path.open("rb", buffering=0) as stream:
        return _digest_large(stream) if n_bytes > _SMALL_BYTES else _digest_small(stream, n_bytes)


def _digest_small(stream: RawIOBase, n_bytes: int) -> FileEntry:
    found, size = blake3(), 0
    block = memoryview(bytearray(min(_CACHED_BYTES, n_bytes + 1)))
    while n_read := stream.readinto(block):
        found.update(block[:n_read])
        size += n_read
    return FileEntry(size, found.hexdigest())


def _digest_large(stream: RawIOBase) -> FileEntry:
    """One more thread reads ahead."""
    found, size = blake3(max_threads=blake3.AUTO), 0
    block, other = memoryview(bytearray(_BLOCK_BYTES)), memoryview(bytearray(_BLOCK_BYTES))
    with ThreadPoolExecutor(max_workers=1) as ahead:
        n_read = stream.readinto(block)
        while n_read:
            coming = ahead.submit(stream.readinto, other)
            found.update(block[:n_read])
            size += n_read
            block, other, n_read = other, block, coming.result()
    return FileEntry(size, found.hexdigest())


def list_files(folder: Path) -> list[str]:
    """Return the POSIX names of all regular files below `folder`, sorted, leaving out the manifest."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in names if name != MANIFEST_NAME)


def read_manifest(folder: Path) -> Manifest:
    """Read `manifest.json` of an artifact.

    Raises
    ------
    StoreError
        It is missing, not JSON, of another format version, or names files outside its folder.
    """
    path = folder / MANIFEST_NAME
    try:
        text = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} is not a manifest that can be read: {error!r}. Remove the folder.") from error
    return parse_manifest(text, path)


def parse_manifest(text: bytes, place: Path | str) -> Manifest:
    """Return what the text of a `manifest.json` says; raises as `read_manifest`, and names its `place`."""
    try:
        fields = json.loads(text.decode("utf-8"), parse_constant=_refuse_constant)
        if fields["format_version"] != FORMAT_VERSION:
            raise StoreError(_explain_version(place, fields["format_version"], fields.get("package_version")))
        files = {name: FileEntry(**entry) for name, entry in fields.pop("files").items()}
        notes, keeps = tuple(fields.pop("notes")), tuple(fields.pop("keeps", ()))
        manifest = Manifest(files=files, notes=notes, keeps=keeps, **fields)
        _check_types(manifest)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(f"{place} is not a manifest that can be read: {error!r}. Remove the folder.") from error
    refuse_outside_names(place, files)
    return manifest


def _explain_version(place: Path | str, found: object, writer: object) -> str:
    known = isinstance(writer, str) and _VERSION.fullmatch(writer)
    wrote, needed = (f", written by evenly {writer}", f"evenly {writer}") if known else ("", "the evenly that wrote it")
    newer = " or newer" if known and isinstance(found, int) and found > FORMAT_VERSION else ""
    return (
        f"{place} has format version {reprlib.repr(found)}{wrote}; this evenly reads {FORMAT_VERSION}. Build it again: "
        f"run its config once more. Or read it with {needed}{newer}."
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _check_types(manifest: Manifest) -> None:
    """Raise where a field is of another type than what is read from it later."""
    for name in ("params", "inputs", "schema", "facts"):
        if not isinstance(getattr(manifest, name), dict):
            raise TypeError(f"{name} is not an object")
    for name in ("stage", "key", "package_version"):
        if not isinstance(getattr(manifest, name), str):
            raise TypeError(f"{name} is not a string")
    if not all(isinstance(each.size, int) and isinstance(each.blake3, str) for each in manifest.files.values()):
        raise TypeError("files are not listed with size and checksum")


def refuse_outside_names(path: Path | str, names: Iterable[str]) -> None:
    """Raise where what lists files (at `path`) lists one that is not inside its folder.

    Raises
    ------
    StoreError
        It does.
    """
    for name in names:
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or not pure.parts:
            raise StoreError(f"{path} lists {name!r}, which is not inside its folder. Remove the folder.")


def find_damage(folder: Path, files: Mapping[str, FileEntry]) -> str:
    """Return what is wrong with the listed files in one phrase, or an empty string where all is well."""
    root = folder.resolve()
    for name, entry in files.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if path.resolve() != root / name:
            return f"{name} is a link to somewhere else"
        if path.stat().st_size != entry.size:
            return f"{name} has {path.stat().st_size} bytes instead of {entry.size}"
    for (name, entry), found in zip(files.items(), digest_files(folder / name for name in files), strict=True):
        if found != entry:
            return f"{name} has another checksum"
    return ""
