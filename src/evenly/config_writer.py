"""A first config for a table: what was guessed, and every setting with its default and its meaning as a comment.

The comments are the field descriptions of `evenly.config`, so that they cannot disagree.
"""

from __future__ import annotations

import os
import textwrap
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel

from evenly.config import RunConfig
from evenly.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from evenly.ingest import SourceGuess

__all__ = ["render_config", "write_config"]

COMMENT_WIDTH = 100


def write_config(path: Path, table: Path, guess: SourceGuess) -> None:
    """Write a commented YAML config for `table` that `evenly run` takes as it is.

    Raises
    ------
    StoreError
        The file cannot be written.
    """
    source = {"files": [os.path.relpath(table, path.parent)], **guess.settings()}
    text = render_config(RunConfig.model_validate({"source": source}), guess.reasons)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error.strerror}. Give another place with -o.") from error


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
    text: str = yaml.safe_dump(plain, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")
