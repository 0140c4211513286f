"""The objects below a URL: listed, read, written and removed by names relative to it, errors in evenly's words.

fsspec has a file system for each kind of URL, and each of them its own errors. Credentials are what that file system
finds by itself: environment variables, its files, the configuration of fsspec. It also tries again by itself what a
busy server refuses. Nothing is cached: others write to the same place.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from evenly.errors import ConfigError, EvenlyError, MissingExtraError, StoreError, StoreUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

__all__ = ["Listed", "Objects"]

FILES_AT_ONCE = 4
# s3fs holds parts of 50 MB of a file in memory, ten at once; with these it is 100 MB a file.
_OPTIONS: dict[str, dict[str, Any]] = {
    "s3": {"max_concurrency": 2},
    "s3a": {"max_concurrency": 2},
    "file": {"auto_mkdir": True},
    "local": {"auto_mkdir": True},
}
_PACKAGES = {"s3": "s3", "s3a": "s3"}  # evenly's extras; for others fsspec says what to install
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "created")
_ANY_URL = re.compile(r"[A-Za-z][\w+.-]*://[^\s'\"<>)\]]+")
_WRONG_KEYS = ("credential", "accesskey", "access key", "signature", "forbidden", "access denied", "token")


@dataclass(frozen=True)
class Listed:
    """Size in bytes of an object, and when it was written: seconds since 1970."""

    size: int
    modified: float


class Objects:
    """What lies below a URL."""

    def __init__(self, url: str) -> None:
        """Take a URL as `evenly.mirror.address.check_url` returns it; nothing is asked yet."""
        self.url = url

    def __reduce__(self) -> tuple[type[Objects], tuple[str]]:
        """Travel as the URL: each process has its own connection and credentials."""
        return type(self), (self.url,)

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs
        from fsspec.registry import get_filesystem_class

        scheme = self.url.partition("://")[0]
        try:
            get_filesystem_class(scheme)
        except ValueError as error:
            raise ConfigError(
                f"store is {self.url}, and fsspec knows no {scheme}://. Use a folder, s3://, gs:// or abfs://."
            ) from error
        except ImportError as error:
            if scheme in _PACKAGES:
                raise MissingExtraError.needing(f"store: {scheme}://", f"{scheme}fs", _PACKAGES[scheme]) from error
            raise MissingExtraError(f"store: {scheme}:// needs a package of fsspec's: {error}") from error
        with self._asking():
            system, path = url_to_fs(self.url, use_listings_cache=False, **_OPTIONS.get(scheme, {}))
        return system, path.rstrip("/")

    def check(self) -> None:
        """Raise where there is no such protocol, or its package is missing."""
        _ = self._opened

    def find(self, folder: str = "") -> dict[str, Listed]:
        """Return the objects below a folder, by their names relative to the URL; none where it is not there."""
        system, root = self._opened
        with self._asking():
            try:
                found = system.find(f"{root}/{folder}".rstrip("/"), detail=True)
            except FileNotFoundError:
                return {}
        cut = len(root.lstrip("/"))
        return {
            path.lstrip("/")[cut:].lstrip("/"): Listed(int(info["size"]), _modified(info))
            for path, info in found.items()
            if info["type"] == "file"
        }

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a small object; None: it is not there."""
        system, root = self._opened
        with self._asking():
            try:
                found: bytes = system.cat_file(f"{root}/{name}")
            except FileNotFoundError:
                return None
        return found

    def write(self, name: str, content: bytes) -> None:
        """Write a small object; of several writers the last one wins."""
        system, root = self._opened
        with self._asking():
            system.pipe_file(f"{root}/{name}", content)

    def get(self, names: Iterable[tuple[str, Path]]) -> list[str]:
        """Write objects to files, several at once; return those that are not there."""
        system, root = self._opened

        def fetch(pair: tuple[str, Path]) -> str | None:
            name, path = pair
            with self._asking():
                try:
                    system.get_file(f"{root}/{name}", str(path))
                except FileNotFoundError:
                    return name
            return None

        return [name for name in _at_once(fetch, names) if name is not None]

    def put(self, names: Iterable[tuple[Path, str]]) -> None:
        """Write files to objects, several at once."""
        system, root = self._opened

        def send(pair: tuple[Path, str]) -> None:
            path, name = pair
            with self._asking():
                system.put_file(str(path), f"{root}/{name}")

        _at_once(send, names)

    def copy(self, names: Iterable[tuple[str, str]]) -> None:
        """Give objects second names, several at once; their bytes stay where they are."""
        system, root = self._opened

        def copy_one(pair: tuple[str, str]) -> None:
            with self._asking():
                system.cp_file(f"{root}/{pair[0]}", f"{root}/{pair[1]}")

        _at_once(copy_one, names)

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects, several at once; one that is gone already is none to speak of."""
        system, root = self._opened

        def drop(name: str) -> None:
            with self._asking():
                try:
                    system.rm_file(f"{root}/{name}")
                except FileNotFoundError:
                    return

        _at_once(drop, names)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn what a file system raises into a `StoreError`."""
        try:
            yield
        except EvenlyError:
            raise
        except FileNotFoundError as error:
            raise StoreError(
                f"The store {self.url} cannot be written: {error}. Its bucket or container must be there; evenly makes "
                f"none."
            ) from error
        except Exception as error:  # noqa: BLE001 - every file system has its own
            raise _explain(self.url, error) from None  # the cause might show a signed URL


def _at_once(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
        return list(pool.map(function, items))


def _modified(info: dict[str, Any]) -> float:
    """Return when an object was written; 0 where the file system does not say."""
    found = next((info[name] for name in _TIMES if info.get(name) is not None), None)
    if isinstance(found, str):
        found = datetime.fromisoformat(found)
    if isinstance(found, datetime):
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return float(found or 0)


def _explain(url: str, error: Exception) -> StoreError:
    said = _ANY_URL.sub(lambda match: match[0].split("?")[0], str(error)) or type(error).__name__
    refused = isinstance(error, PermissionError) or type(error).__name__ == "NoCredentialsError"
    if refused or any(word in said.lower() for word in _WRONG_KEYS):
        return StoreError(
            f"The store {url} may not be read or written: {said}. Give credentials by the environment "
            f"(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for s3://) or the configuration of fsspec."
        )
    return StoreUnreachableError(
        f"The store {url} does not answer as it should: {said}. Try again; what is finished is kept on this machine."
    )
