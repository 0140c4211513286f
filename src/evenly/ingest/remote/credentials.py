"""What must not be told: credentials in URLs and connection strings.

In: strings of a config, in which ``$NAME`` stands for an environment variable. Out: the strings with the values in,
for whoever connects; and what may be shown of them to a person or written to a file.
"""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from evenly.errors import ConfigError

__all__ = ["expand", "hide_urls", "is_url", "public_url"]

_VARIABLE = re.compile(r"\$(?:\$|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")
_URL = re.compile(r"[A-Za-z][\w+.-]*://[^\s'\"<>)\]]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_url(name: str) -> bool:
    """Return whether a source is named by a URL, or a chain of them, rather than a local path."""
    return bool(_SCHEME.match(name)) or "::" in name


def expand(value: Any, field: str) -> Any:
    """Return a setting with ``$NAME`` and ``${NAME}`` replaced from the environment, ``$$`` by ``$``.

    Raises
    ------
    ConfigError
        There is no such variable.
    """
    if isinstance(value, dict):
        return {key: expand(inner, field) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [expand(inner, field) for inner in value]
    return _VARIABLE.sub(lambda match: _variable(match, field), value) if isinstance(value, str) else value


def _variable(match: re.Match[str], field: str) -> str:
    name = match[1] or match[2]
    if name is None:
        return "$"
    if name not in os.environ:
        raise ConfigError(
            f"{field} names ${name}, but the environment has no {name}. Set it: export {name}=... ($$ is a plain $)."
        )
    return os.environ[name]


def public_url(url: str) -> str:
    """Return a URL without user, password, query and fragment; of a chain each of them."""
    return "::".join(_public(part) for part in url.split("::"))


def _public(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("://")[0] + "://..."
    return (
        urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        if parts.netloc
        else (url.partition("?")[0])
    )


def hide_urls(text: str) -> str:
    """Return a message with its URLs made public."""
    return _URL.sub(lambda match: public_url(match[0]), text)
