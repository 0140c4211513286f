"""The URL of a store: what it may be, without anything secret in it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from evenly.errors import ConfigError

__all__ = ["check_url", "is_url"]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_READ_ONLY = frozenset({"data", "github", "hf", "http", "https", "reference", "tar", "zip"})


def is_url(place: str) -> bool:
    """Return whether a store is named by a URL rather than a folder."""
    return bool(_SCHEME.match(place)) or "::" in place


def check_url(url: str) -> str:
    """Return the URL of a store as it is shown, stored and compared: without a slash at its end.

    Raises
    ------
    ConfigError
        It has a user, password or query in it, is a chain, or is of a kind that cannot be written.
    """
    scheme, _, rest = url.partition("://")
    shown = f"{scheme}://{re.split('[?#]', rest)[0].rpartition('@')[2]}"
    if "::" in url:
        raise ConfigError(f"store is a chain of URLs ({scheme}://...::...); expected one, such as s3://bucket/prefix.")
    if "@" in rest.split("/")[0] and scheme.lower() not in {"abfs", "abfss"}:
        raise _secret(shown, "a user or password")
    if ":" in rest.rpartition("@")[0]:  # abfs://container@account has a name there, and no password
        raise _secret(shown, "a user or password")
    if "?" in rest or "#" in rest:
        raise _secret(shown, "a query (?...)")
    if scheme.lower() in _READ_ONLY:
        raise ConfigError(
            f"store is {shown}, which cannot be written to. Use a folder, or s3://, gs://, abfs:// or another file "
            f"system of fsspec."
        )
    if not urlsplit(url).netloc.strip("/") and not urlsplit(url).path.strip("/"):
        raise ConfigError(f"store is {shown}, which names no place; expected one, such as s3://bucket/prefix.")
    return f"{scheme.lower()}://{rest.rstrip('/')}"


def _secret(shown: str, what: str) -> ConfigError:
    return ConfigError(
        f"store ({shown}) has {what} in it, which would be seen in records and logs. Give credentials by the "
        f"environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for s3://) or the configuration of fsspec."
    )
