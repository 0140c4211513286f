"""Options and exit codes that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from evenly.errors import ConfigError

__all__ = ["EXIT_WARNED", "Config", "Debug", "Quiet", "Settings", "StoreFolder", "parse_overrides"]

EXIT_WARNED = 3
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Config = Annotated[Path, typer.Argument(help="A config, as `evenly init` writes it.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Goes over the config: train.epochs=3"),
]
StoreFolder = Annotated[Path | None, typer.Option("--store", metavar="DIR", help="Where the artifacts are kept.")]


def parse_overrides(settings: list[str] | None, store: Path | None) -> dict[str, Any]:
    """Return what ``--set`` and ``--store`` put over the config: dotted names to values."""
    overrides = dict(_parse_setting(setting) for setting in settings or [])
    return overrides if store is None else overrides | {"store": str(store.absolute())}


def _parse_setting(setting: str) -> tuple[str, Any]:
    from evenly.config_yaml import parse_yaml

    name, equals, value = setting.partition("=")
    if not equals or not name:
        raise ConfigError(f"--set takes KEY=VALUE, such as train.epochs=3, and got {setting!r}.")
    try:
        return name, parse_yaml(value)
    except ValueError as error:
        raise ConfigError(f"--set {name}: {value!r} is not a YAML value: {error}") from error
