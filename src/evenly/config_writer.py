"""A first config for a table: what was guessed, and every setting with its default and its meaning as a comment.

The comments are the field descriptions of `evenly.config`, so that they cannot disagree.
"""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, ByteSize

from evenly.config import RunConfig
from evenly.errors import StoreError

if TYPE_CHECKING:
    from evenly.config import SourceConfig

__all__ = ["PASSWORD_VARIABLE", "render_config", "write_config"]

COMMENT_WIDTH = 100
PASSWORD_VARIABLE = "$DATABASE_PASSWORD"  # noqa: S105 - the name of a variable
_PASSWORD = re.compile(r"(://[^/@:]*:)(?!\$\w)[^/]*@")


def write_config(path: Path, config: RunConfig, reasons: dict[str, str]) -> bool:
    """Write a commented YAML config that `evenly run` takes as it is, its paths relative to where it stands.

    Returns
    -------
    bool
        Whether a password was left out of a connection string: `PASSWORD_VARIABLE` stands for it.

    Raises
    ------
    StoreError
        The file cannot be written.
    """
    places = _places(config.source, path.parent)
    written = places | ({"database": _without_password(places["database"])} if "database" in places else {})
    text = render_config(RunConfig(source=config.source.model_copy(update=written)), reasons)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error.strerror}. Give another place with -o.") from error
    return written != places


def _places(source: SourceConfig, folder: Path) -> dict[str, Any]:
    """Return where the rows are, seen from the folder of the config."""
    if source.dataset is not None:
        is_folder = Path(source.dataset).is_dir()
        return {"dataset": os.path.relpath(source.dataset, folder) if is_folder else source.dataset}
    if source.database is not None:
        return {"database": _relative_sqlite(source.database, folder)}
    return {"files": tuple(name if _is_url(name) else os.path.relpath(name, folder) for name in source.files)}


def _relative_sqlite(database: str, folder: Path) -> str:
    dialect, slashes, name = database.partition(":///")
    relative = dialect.startswith("sqlite") and not name.startswith("/")
    return f"{dialect}{slashes}{os.path.relpath(name, folder)}" if relative else database


def _without_password(database: str) -> str:
    """Return a connection string with the variable in the place of a password that is not one already."""
    return _PASSWORD.sub(rf"\1{PASSWORD_VARIABLE}@", database)


def _is_url(name: str) -> bool:
    return "://" in name or "::" in name


def render_config(config: RunConfig, reasons: dict[str, str]) -> str:
    """Return the config as YAML; every field has its description above it, and the reason for a guess."""
    lines = ["# Written by `evenly init`. Change what is wrong; what you delete takes its default."]
    lines += _render(config, 0, reasons)
    return "\n".join(lines) + "\n"


def _render(section: BaseModel, depth: int, reasons: dict[str, str]) -> list[str]:
    indent = "  " * depth
    lines: list[str] = []
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            title = (type(value).__doc__ or "").splitlines()[0]
            lines += ["", *_comment(title, indent), f"{indent}{name}:", *_render(value, depth + 1, reasons)]
            continue
        lines += _comment(field.description or "", indent)
        if name in reasons:
            lines += _comment(f"Guessed: {reasons[name]}", indent)
        lines.append(f"{indent}{name}: {_scalar(value)}")
    return lines


def _comment(text: str, indent: str) -> list[str]:
    single = " ".join(text.split())
    return textwrap.wrap(single, COMMENT_WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")


def _scalar(value: Any) -> str:
    plain = list(value) if isinstance(value, tuple) else value
    if isinstance(value, ByteSize):
        plain = value.human_readable()
    text: str = yaml.safe_dump(plain, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")
