"""A store behind a URL, looked at: its manifests and records as files of this machine, its artifacts verified.

What `evenly.upkeep.artifacts` reads of a store is small; it is fetched into a folder of the same layout.
"""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from evenly.errors import EvenlyError
from evenly.manifest import MANIFEST_NAME
from evenly.mirror.address import check_url, is_url
from evenly.mirror.mirrored import open_mirror
from evenly.runs import RUNS_FOLDER
from evenly.upkeep.artifacts import Verified, open_store, verify_artifacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evenly.mirror.mirrored import Mirror
    from evenly.mirror.objects import Listed

__all__ = ["fetch_index", "looking_at", "manifest_names", "verify_store"]

_MANIFEST = re.compile(rf"([^/.][^/]*)/([^/.][^/]*)/{re.escape(MANIFEST_NAME)}")
_RECORD = re.compile(rf"{RUNS_FOLDER}/[^/.][^/]*\.json")


@contextmanager
def looking_at(place: str) -> Iterator[Path]:
    """Yield the folder of a store, or for a URL one that has its manifests and records.

    Raises
    ------
    SourceNotFoundError
        It is no store.
    ConfigError, MissingExtraError, StoreError
        It is a URL that cannot be used, or that does not answer.
    """
    if not is_url(place):
        yield open_store(Path(place))
        return
    mirror = open_mirror(check_url(place))
    with tempfile.TemporaryDirectory(prefix="evenly-index-") as name:
        try:
            fetch_index(mirror, mirror.objects.find(), Path(name))
            yield Path(name)
        except EvenlyError as error:
            error.args = tuple(part.replace(name, mirror.url) if isinstance(part, str) else part for part in error.args)
            raise


def fetch_index(mirror: Mirror, listed: Mapping[str, Listed], folder: Path) -> None:
    """Fetch the manifests and records among some objects, their times with them."""
    names = [name for name in listed if _MANIFEST.fullmatch(name) or _RECORD.fullmatch(name)]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    gone = set(mirror.objects.get([(name, folder / name) for name in names]))
    for name in names:
        if name not in gone:
            os.utime(folder / name, (listed[name].modified, listed[name].modified))


def manifest_names(listed: Mapping[str, Listed]) -> list[tuple[str, str]]:
    """Return stage and key of everything among some objects that has a manifest."""
    found = (_MANIFEST.fullmatch(name) for name in sorted(listed))
    return [(match[1], match[2]) for match in found if match]


def verify_store(place: str) -> Iterator[Verified]:
    """Yield every artifact of a store or URL, all its bytes read and compared with its manifest."""
    if not is_url(place):
        yield from verify_artifacts(open_store(Path(place)))
        return
    mirror = open_mirror(check_url(place))
    for stage, key in manifest_names(mirror.objects.find()):
        yield Verified(f"{stage}/{key}", mirror.verify(stage, key))
