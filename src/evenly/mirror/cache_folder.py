"""Where this machine keeps what it has of stores behind URLs: private to the user, a folder a URL."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from evenly.errors import StoreError

__all__ = ["find_cache"]

_NOTE = "url.txt"


def find_cache(url: str, folder: Path | str | None = None) -> Path:
    """Return the folder of this machine for a store; it is made, readable by its owner only.

    Parameters
    ----------
    url
        Of the store, as `evenly.mirror.address.check_url` returns it.
    folder
        Holds the folders of all stores; None: ``$EVENLY_CACHE``, else ``evenly`` in the user's cache
        (``$XDG_CACHE_HOME`` or ``~/.cache``).

    Raises
    ------
    StoreError
        It cannot be written.
    """
    above = Path(folder) if folder is not None else _default()
    found = above.absolute() / "stores" / hashlib.sha256(url.encode()).hexdigest()[:16]
    try:
        for each in (found.parent.parent, found.parent, found):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        found.chmod(0o700)
        note = found / _NOTE
        if not note.exists():
            note.write_text(f"{url}\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"Cannot write to {found}, where this machine keeps its part of the store {url}: "
            f"{error.strerror or error}. Give another folder: store_cache in the config, or EVENLY_CACHE."
        ) from error
    return found


def _default() -> Path:
    given = os.environ.get("EVENLY_CACHE")
    return Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "evenly"
