"""The figures of an inspection in, files for programs and for people out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from evenly.errors import StoreError
from evenly.workspace import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["render_figures", "write_output"]


def render_figures(figures: Mapping[str, Any]) -> str:
    """Return the JSON text: ASCII alone, so that it passes through any terminal and shell, and no NaN."""
    return json.dumps(figures, indent=1, allow_nan=False) + "\n"


def write_output(path: Path, text: str) -> None:
    """Write a file that the person has named; there is never half of it.

    Raises
    ------
    StoreError
        It cannot be written.
    """
    try:
        write_atomically(path, text)
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error.strerror}. Name another file.") from error
