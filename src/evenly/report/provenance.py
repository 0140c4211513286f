"""Manifests in; what is needed to make the same again, and what the stages had to say, out.

No paths, times or hosts: a parameter that is an absolute path is shown by its last part.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from evenly.manifest import read_manifest
from evenly.report.sources import plain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["portable", "read_provenance"]


def read_provenance(folders: Iterable[Path]) -> list[dict[str, Any]]:
    """Return stage, versions, key, digests and notes of each artifact, in the order of the run."""
    return [_describe(folder) for folder in folders]


def _describe(folder: Path) -> dict[str, Any]:
    manifest = read_manifest(folder)
    return {
        "stage": manifest.stage,
        "stage_version": manifest.stage_version,
        "evenly_version": manifest.package_version,
        "key": manifest.key,
        "digest": manifest.digest,
        "inputs": dict(sorted(manifest.inputs.items())),
        "rows": manifest.rows,
        "versions": portable(manifest.facts.get("versions", {})),
        "notes": list(manifest.notes),
    }


def portable(value: Any) -> Any:
    """Return a JSON value in which absolute paths are cut to their last part."""
    if isinstance(value, str):
        return PurePath(value).name if PurePath(value).is_absolute() and PurePath(value).name else value
    if isinstance(value, dict):
        return {name: portable(inner) for name, inner in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [portable(inner) for inner in value]
    return plain(value)
