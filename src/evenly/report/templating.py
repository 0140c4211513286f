"""The template engine of every page: values escaped, undefined names refused, deceiving characters shown."""

from __future__ import annotations

from functools import partial
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from evenly.report.visible import visible

__all__ = ["make_environment", "read_template"]


def read_template(package: str, name: str) -> str:
    """Return a file of the folder ``templates`` of a package."""
    return resources.files(package).joinpath("templates", name).read_text(encoding="utf-8")


def make_environment(package: str) -> Environment:
    """Return an engine over the templates of a package."""
    return Environment(
        autoescape=True,
        loader=FunctionLoader(partial(read_template, package)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )


def _finalize(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
