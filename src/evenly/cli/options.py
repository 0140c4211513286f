"""Options and exit codes that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from evenly.errors import ConfigError

__all__ = ["EXIT_WARNED", "Config", "Debug", "Quiet", "Settings", "StorePlace", "parse_overrides"]

EXIT_WARNED = 3
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Config = Annotated[Path, typer.Argument(help="A config, as `evenly init` writes it.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Goes over the config: train.epochs=3"),
]
StorePlace = Annotated[
    str | None, typer.Option("--store", metavar="PLACE", help="Where the artifacts are kept: a folder, or a URL.")
]


def parse_overrides(settings: list[str] | None, store: str | None) -> dict[str, Any]:
    """Return what ``--set`` and ``--store`` put over the config: dotted names to values."""
    from evenly.mirror.address import is_url

    overrides = dict(_parse_setting(setting) for setting in settings or [])
    if store is None:
        return overrides
    return overrides | {"store": store if is_url(store) else str(Path(store).absolute())}


def _parse_setting(setting: str) -> tuple[str, Any]:
    from evenly.config_yaml import parse_yaml

    name, equals, value = setting.partition("=")
    if not equals or not name:
        raise ConfigError(f"--set takes KEY=VALUE, such as train.epochs=3, and got {setting!r}.")
    try:
        return name, parse_yaml(value)
    except ValueError as error:
        raise ConfigError(f"--set {name}: {value!r} is not a YAML value: {error}") from error
