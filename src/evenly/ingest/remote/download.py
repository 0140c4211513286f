"""Files behind URLs (https://, s3://, gs://, memory://, zip:// chains) -> local files.

In: a URL, or a glob of one, and the options of its file system, as fsspec takes them. Out: the files, fetched once
and again only when the file system says that they have changed: by ETag, checksum, version or time, whatever it has.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from evenly.errors import ConfigError, EvenlyError, MissingExtraError, SourceNotFoundError, SourceUnreachableError
from evenly.ingest.remote.credentials import expand, hide_urls, public_url
from evenly.ingest.remote.fetching import fetch_once
from evenly.manifest import digest_of
from evenly.progress import Advanced, emit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["download"]

_EXTRAS = {"s3": ("s3fs", "s3"), "s3a": ("s3fs", "s3")}
_VALIDATORS = (
    *("etag", "e_tag", "content-md5", "contentmd5", "content_md5", "digest", "md5hash", "checksum", "crc", "crc32c"),
    *("last-modified", "lastmodified", "last_modified", "mtime", "modified", "updated", "created", "date_time"),
    *("version", "versionid", "version_id", "generation"),
)
_REFUSED = (401, 403)
_GONE = (404, 410)
_MEGABYTE = 1_000_000


def download(url: str, options: dict[str, Any], folder: Path, stage: str) -> tuple[Path, ...]:
    """Return the local files of a URL, or of all that match it as a glob, in the order of their names.

    Parameters
    ----------
    url, options
        As the config has them, variables of the environment unexpanded.
    folder
        Where fetched files are kept.
    stage
        Whose progress it is.

    Raises
    ------
    ConfigError
        An environment variable is not set, or the protocol is unknown.
    MissingExtraError
        The package for the protocol is not installed.
    SourceNotFoundError
        There is no such file, or it may not be read.
    SourceUnreachableError
        The server does not answer; a later try may help.
    """
    shown = public_url(url)
    system, path = _open_system(url, options, shown)
    with _asking(shown):
        system.invalidate_cache()
        paths = sorted(system.glob(path)) if _has_glob(path) else [path]
        infos = [(name, system.info(name)) for name in paths]
    files = [(name, info) for name, info in infos if info.get("type", "file") == "file"]
    if not files:
        raise SourceNotFoundError(f"source.files names {shown}, but no file is there or matches it.")
    return tuple(file for name, info in files for file in _fetch(system, name, info, shown, folder, stage))


def _has_glob(path: str) -> bool:
    """Return whether a path is a pattern; a question mark begins the query of a URL."""
    return "*" in path or "[" in path


def _open_system(url: str, options: dict[str, Any], shown: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    protocol = url.partition("://")[0].partition("::")[0]
    given = expand(options, "source.storage_options")
    try:
        with _asking(shown):
            system, path = url_to_fs(expand(url, "source.files"), **given)
    except _PackageMissingError as error:
        package, extra = _EXTRAS.get(protocol, ("", ""))
        if package:
            raise MissingExtraError.needing(f"source.files: {protocol}://", package, extra) from error
        raise MissingExtraError(f"source.files: {protocol}:// needs a package of fsspec's: {error}") from error
    return system, path


class _PackageMissingError(ImportError):
    pass


@contextmanager
def _asking(shown: str) -> Iterator[None]:
    """Turn what a file system raises, each of them its own errors, into evenly's, without what is secret in a URL."""
    try:
        yield
    except EvenlyError:
        raise
    except ImportError as error:
        raise _PackageMissingError(str(error)) from error
    except FileNotFoundError as error:
        cause = error.__cause__  # fsspec calls everything that HTTP refuses a missing file
        if isinstance(cause, Exception) and not isinstance(cause, FileNotFoundError):
            raise _explain(shown, cause) from None
        raise SourceNotFoundError(f"source.files names {shown}, but there is no such file.") from None
    except Exception as error:  # noqa: BLE001 - every file system has its own
        raise _explain(shown, error) from None  # the cause would show the whole URL


def _explain(shown: str, error: Exception) -> EvenlyError:
    said = hide_urls(str(error)) or type(error).__name__
    if getattr(error, "status", None) in _GONE:
        return SourceNotFoundError(f"source.files names {shown}, but there is no such file.")
    if isinstance(error, PermissionError) or getattr(error, "status", None) in _REFUSED:
        return SourceNotFoundError(
            f"{shown} may not be read: {said}. Give credentials in source.storage_options ($NAME is taken from the "
            f"environment)."
        )
    if isinstance(error, ValueError) and "rotocol not known" in said:
        return ConfigError(f"source.files names {shown}, a protocol that fsspec does not know: {said}.")
    if "range requests" in said:
        return ConfigError(
            f"{shown} cannot be opened within: its server gives whole files only. Let fsspec fetch it first: put "
            f"simplecache:: between, as in zip://table.csv::simplecache::https://host/archive.zip."
        )
    if isinstance(error, ValueError | TypeError):
        return ConfigError(f"source.files names {shown}, which cannot be opened: {said}. Check source.storage_options.")
    return SourceUnreachableError(f"{shown} cannot be fetched now: {said}. Try again; what is fetched is kept.")


def _fetch(  # noqa: PLR0917 - one file of `download`
    system: Any, path: str, info: dict[str, Any], shown: str, folder: Path, stage: str
) -> tuple[Path, ...]:
    name = PurePosixPath(public_url(path)).name or "download"

    def fill(target: Path) -> list[str]:
        with _asking(shown):
            system.get_file(path, str(target / name), callback=_progress(stage, name))
        size = (target / name).stat().st_size
        if info.get("size") not in {None, size}:
            raise SourceUnreachableError(f"{shown}: {name} ended after {size} of {info['size']} bytes. Try again.")
        return [name]

    place = [public_url(system.unstrip_protocol(path)), *shown.split("::")[1:]]
    return fetch_once(folder, digest_of(place)[:16], _fingerprint(info), fill)


def _fingerprint(info: dict[str, Any]) -> dict[str, Any] | None:
    """Return what tells this content from another; None where the file system has nothing but a size."""
    found = {key: str(value) for key, value in info.items() if key.lower() in _VALIDATORS and value is not None}
    return found | {"size": info.get("size")} if found else None


def _progress(stage: str, name: str) -> Any:
    """Return the object through which fsspec tells how far it is."""
    from fsspec.callbacks import Callback

    told = -1

    def tell(size: int | None, value: int, **_: Any) -> None:
        nonlocal told
        done = value // _MEGABYTE
        if done > told:
            told = done
            emit(Advanced(stage, done, max(done, (size or 0) // _MEGABYTE), "MB", name))

    return Callback(hooks={"tell": tell})
